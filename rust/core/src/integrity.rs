//! Which parent row a key points to, and which rows repeat a key.
//!
//! Keys come as columns of [`Keys`]: whole words, or byte strings. A key of several columns is
//! brought down to one column of words by naming each entry by the first row that has it.

use rayon::prelude::*;

use crate::NONE;
use crate::error::{Result, check_rows};
use crate::hashed::Table;
use crate::rng::fold;

/// Rows per parallel task.
const BLOCK: usize = 1 << 14;
/// Whole numbers are looked up by address if they spread over at most this many per row.
const SPREAD: u64 = 4;

/// A column of keys that can be told apart.
pub trait Keys: Sync {
    /// Whether equal tags are enough to make two keys equal.
    const EXACT: bool;

    /// How many rows there are.
    fn len(&self) -> usize;

    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A word that equal keys share; none if the key of this row is missing.
    fn tag(&self, row: usize) -> Option<u64>;

    /// Whether the keys of two rows with the same tag are equal.
    fn same(&self, row: usize, other: &Self, other_row: usize) -> bool;
}

/// Whole words as keys.
impl Keys for [Option<u64>] {
    const EXACT: bool = true;

    fn len(&self) -> usize {
        <[_]>::len(self)
    }

    fn tag(&self, row: usize) -> Option<u64> {
        self[row]
    }

    fn same(&self, _: usize, _: &Self, _: usize) -> bool {
        true
    }
}

/// A pair of positions as one key; missing if either is [`NONE`].
struct Pairs<'a> {
    left: &'a [u32],
    right: &'a [u32],
}

impl Keys for Pairs<'_> {
    const EXACT: bool = true;

    fn len(&self) -> usize {
        self.left.len()
    }

    fn tag(&self, row: usize) -> Option<u64> {
        let (left, right) = (self.left[row], self.right[row]);
        (left != NONE && right != NONE).then(|| u64::from(left) << 32 | u64::from(right))
    }

    fn same(&self, _: usize, _: &Self, _: usize) -> bool {
        true
    }
}

/// For child and parent rows, the first parent row with the same key, or [`NONE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matches {
    /// One entry per child row.
    pub child: Vec<u32>,
    /// One entry per parent row: the row itself unless it repeats an earlier one.
    pub parent: Vec<u32>,
}

/// The first parent row with the key of each child row, or [`NONE`].
///
/// # Errors
///
/// [`crate::Error::Capacity`] beyond [`crate::error::ROW_LIMIT`] rows on either side.
///
/// # Examples
///
/// ```
/// use synthohive_core::{NONE, integrity};
///
/// let parent = [Some(10), Some(20), Some(20)];
/// let child = [Some(20), None, Some(10), Some(30)];
/// let rows = integrity::find_rows(child.as_slice(), parent.as_slice()).unwrap();
/// assert_eq!(rows, [1, NONE, 0, NONE]);
/// ```
pub fn find_rows<K: Keys + ?Sized>(child: &K, parent: &K) -> Result<Vec<u32>> {
    check_rows(child.len() as u64)?;
    check_rows(parent.len() as u64)?;
    Ok(Index::of(parent).find_all(child))
}

/// The first row with the key of each row: the row itself unless it repeats an earlier one.
///
/// # Errors
///
/// [`crate::Error::Capacity`] beyond [`crate::error::ROW_LIMIT`] rows.
///
/// # Examples
///
/// ```
/// use synthohive_core::{NONE, integrity};
///
/// let keys = [Some(5), Some(7), None, Some(5)];
/// assert_eq!(integrity::first_rows(keys.as_slice()).unwrap(), [0, 1, NONE, 0]);
/// ```
pub fn first_rows<K: Keys + ?Sized>(keys: &K) -> Result<Vec<u32>> {
    check_rows(keys.len() as u64)?;
    Ok(match dense_range(keys) {
        Some((least, width)) => dense_first_rows(keys, least, width),
        None => Table::of(keys).first_rows(),
    })
}

/// Which rows repeat an earlier key, told from [`first_rows`]: their number and the first few.
///
/// # Examples
///
/// ```
/// use synthohive_core::integrity::repeated_rows;
///
/// let firsts = [0, 1, 0, 1, 1];
/// assert_eq!(repeated_rows(&firsts, 2), (3, vec![2, 3]));
/// ```
pub fn repeated_rows(first_rows: &[u32], sample: usize) -> (u64, Vec<u32>) {
    let repeats = |(row, first): (u32, &u32)| *first != NONE && *first != row;
    let number = first_rows
        .par_chunks(BLOCK)
        .enumerate()
        .map(|(block, part)| ((block * BLOCK) as u32..).zip(part).filter(|x| repeats(*x)).count())
        .sum::<usize>();
    let rows = (0..).zip(first_rows).filter(|x| repeats(*x)).map(|(row, _)| row);
    (number as u64, rows.take(sample.min(number)).collect())
}

/// Look for earlier rows while entering each.
fn dense_first_rows<K: Keys + ?Sized>(keys: &K, least: u64, width: u64) -> Vec<u32> {
    let mut entered = vec![NONE; width as usize];
    let first = |row: usize| match keys.tag(row) {
        Some(tag) => {
            let first = &mut entered[tag.wrapping_sub(least) as usize];
            *first = (*first).min(row as u32);
            *first
        }
        None => NONE,
    };
    (0..keys.len()).map(first).collect()
}

/// Both answers at once.
///
/// # Errors
///
/// As [`find_rows`].
pub fn matches<K: Keys + ?Sized>(child: &K, parent: &K) -> Result<Matches> {
    check_rows(child.len() as u64)?;
    check_rows(parent.len() as u64)?;
    let index = Index::of(parent);
    Ok(Matches { child: index.find_all(child), parent: index.first_rows() })
}

/// Join the matches of two key columns into those of the pair.
///
/// # Errors
///
/// As [`find_rows`].
///
/// # Examples
///
/// ```
/// use synthohive_core::{NONE, integrity};
///
/// // the parents are (1, 1) and (1, 2), the children (1, 2) and (2, 1)
/// let first = integrity::matches([Some(1), Some(2)].as_slice(), [Some(1), Some(1)].as_slice());
/// let second = integrity::matches([Some(2), Some(1)].as_slice(), [Some(1), Some(2)].as_slice());
/// let both = integrity::join(&first.unwrap(), &second.unwrap()).unwrap();
/// assert_eq!(both.child, [1, NONE]);
/// ```
pub fn join(left: &Matches, right: &Matches) -> Result<Matches> {
    matches(
        &Pairs { left: &left.child, right: &right.child },
        &Pairs { left: &left.parent, right: &right.parent },
    )
}

/// A word that equal byte strings share, and unequal ones hardly ever.
///
/// Eight bytes at a time are folded in by a 64 × 64 → 128 bit multiplication.
///
/// # Examples
///
/// ```
/// use synthohive_core::integrity::hash;
///
/// assert_eq!(hash(b"ab"), hash(b"ab"));
/// assert_ne!(hash(b"ab"), hash(b"ab\0"));
/// ```
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hash = fold(bytes.len() as u64);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = fold(hash ^ u64::from_le_bytes(*word));
    }
    match bytes.last_chunk::<8>() {
        // overlapping the last word is quicker than copying a few bytes out
        Some(last) => fold(hash ^ u64::from_le_bytes(*last)),
        None => rest.iter().fold(hash, |hash, byte| fold(hash ^ u64::from(*byte))),
    }
}

/// Finds the first row of a key.
enum Index<'a, K: ?Sized> {
    /// By address: `rows[tag - least]`.
    Dense { keys: &'a K, least: u64, rows: Vec<u32> },
    /// By hash.
    Hashed(Table<'a, K>),
}

impl<'a, K: Keys + ?Sized> Index<'a, K> {
    fn of(keys: &'a K) -> Self {
        match dense_range(keys) {
            Some((least, width)) => Self::dense(keys, least, width),
            None => Self::Hashed(Table::of(keys)),
        }
    }

    fn dense(keys: &'a K, least: u64, width: u64) -> Self {
        let mut rows = vec![NONE; width as usize];
        for row in 0..keys.len() {
            if let Some(tag) = keys.tag(row) {
                let first = &mut rows[tag.wrapping_sub(least) as usize];
                *first = (*first).min(row as u32);
            }
        }
        Self::Dense { keys, least, rows }
    }

    fn find_all(&self, wanted: &K) -> Vec<u32> {
        let (least, rows) = match self {
            Self::Hashed(table) => return table.find_all(wanted),
            Self::Dense { least, rows, .. } => (*least, rows),
        };
        let find = |row: usize| {
            let tag = wanted.tag(row)?;
            rows.get(tag.wrapping_sub(least) as usize).copied()
        };
        let all = (0..wanted.len()).into_par_iter().with_min_len(BLOCK);
        all.map(|row| find(row).unwrap_or(NONE)).collect()
    }

    fn first_rows(&self) -> Vec<u32> {
        match self {
            Self::Hashed(table) => table.first_rows(),
            Self::Dense { keys, .. } => self.find_all(keys),
        }
    }
}

/// The least tag and the number of tags up to the greatest, if a table of them is affordable.
fn dense_range<K: Keys + ?Sized>(keys: &K) -> Option<(u64, u64)> {
    // moving the sign bit makes negative numbers neighbours of zero
    const SIGN: u64 = 1 << 63;
    if !K::EXACT {
        return None;
    }
    let (least, greatest) = (0..keys.len())
        .into_par_iter()
        .with_min_len(BLOCK)
        .filter_map(|row| keys.tag(row).map(|tag| (tag ^ SIGN, tag ^ SIGN)))
        .reduce_with(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    let width = (greatest - least).checked_add(1)?;
    let affordable = (keys.len() as u64).saturating_mul(SPREAD).saturating_add(1024);
    (width <= affordable).then_some((least ^ SIGN, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Byte strings whose tags collide on purpose.
    struct Texts<'a>(&'a [Option<&'a str>]);

    impl Keys for Texts<'_> {
        const EXACT: bool = false;

        fn len(&self) -> usize {
            self.0.len()
        }

        fn tag(&self, row: usize) -> Option<u64> {
            self.0[row].map(|text| text.len() as u64)
        }

        fn same(&self, row: usize, other: &Self, other_row: usize) -> bool {
            self.0[row] == other.0[other_row]
        }
    }

    #[test]
    fn colliding_texts_are_told_apart() {
        let parent = Texts(&[Some("ab"), Some("cd"), Some("ab"), None, Some("")]);
        let child = Texts(&[Some("cd"), Some("ab"), Some("ef"), None, Some("")]);
        assert_eq!(find_rows(&child, &parent).unwrap(), [1, 0, NONE, NONE, 4]);
        assert_eq!(first_rows(&parent).unwrap(), [0, 1, 0, NONE, 4]);
    }

    #[test]
    fn dense_and_sparse_words_agree_at_the_ends_of_the_range() {
        let ends = [0, 1, u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) - 1];
        let parent: Vec<Option<u64>> = ends.iter().copied().map(Some).collect();
        let child: Vec<Option<u64>> = parent.iter().rev().copied().chain([Some(2), None]).collect();
        let found = find_rows(child.as_slice(), parent.as_slice()).unwrap();
        assert_eq!(found, [5, 4, 3, 2, 1, 0, NONE, NONE]);
        // minus two to one, as words
        let near = [Some(u64::MAX), Some(0), Some(1), Some(u64::MAX - 1)];
        assert_eq!(dense_range(near.as_slice()), Some((u64::MAX - 1, 4)));
        assert_eq!(first_rows(near.as_slice()).unwrap(), [0, 1, 2, 3]);
        let far = [Some(2), Some(u64::MAX - 2)];
        assert_eq!(find_rows(far.as_slice(), near.as_slice()).unwrap(), [NONE, NONE]);
    }

    #[test]
    fn no_rows_match_nothing() {
        let none: [Option<u64>; 0] = [];
        let one = [Some(3)];
        assert!(find_rows(none.as_slice(), one.as_slice()).unwrap().is_empty());
        assert_eq!(find_rows(one.as_slice(), none.as_slice()).unwrap(), [NONE]);
        assert_eq!(find_rows(&Texts(&[Some("x")]), &Texts(&[])).unwrap(), [NONE]);
        assert_eq!(find_rows(one.as_slice(), [None].as_slice()).unwrap(), [NONE]);
    }
}
