//! Pairs that occur once: the keys of a junction table.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use rayon::prelude::*;

use crate::NONE;
use crate::error::{Error, Result, same_length};
use crate::groups::Groups;
use crate::rng::{Stream, mix};

/// Left rows per parallel task.
const BLOCK: usize = 1 << 12;
/// Random tries before the free right rows are searched one by one.
const TRIES: u64 = 16;
/// Up to this many, searching a list is quicker than hashing.
const FEW: usize = 16;

/// Repair repeated pairs by another right row.
///
/// The first row of each pair stays; the right row of every later one is drawn anew among the
/// `rights` right rows that do not go with its left row yet. Rows in which either side is
/// [`NONE`] are left alone.
///
/// # Errors
///
/// [`Error::Capacity`] if a left row occurs more often than there are right rows,
/// [`Error::Invalid`] if a right row is not below `rights` or the lengths differ.
///
/// # Examples
///
/// ```
/// use synthohive_core::{pairs, rng::Stream};
///
/// let right = pairs::distinct(&[0, 0, 1], &[1, 1, 1], 2, Stream::new(7, 1)).unwrap();
/// assert_eq!(right, [1, 0, 1]);
/// ```
pub fn distinct(left: &[u32], right: &[u32], rights: u32, stream: Stream) -> Result<Vec<u32>> {
    same_length("right", right.len(), "left", left.len())?;
    if let Some(&row) = right.iter().find(|row| **row != NONE && **row >= rights) {
        let problem = format!("position {row} is not below rights, which is {rights}");
        return Err(Error::invalid("right", problem));
    }
    let lefts = Groups::of(left, "left")?;
    let blocks: Vec<Result<Vec<(u32, u32)>>> = (0..lefts.len().div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let mut fixes = Vec::new();
            for group in block * BLOCK..lefts.len().min((block + 1) * BLOCK) {
                let rows = &lefts.rows[lefts.range(group as u32)];
                repair(group as u32, rows, right, rights, stream, &mut fixes)?;
            }
            Ok(fixes)
        })
        .collect();
    let mut out = right.to_vec();
    for fixes in blocks {
        for (row, fixed) in fixes? {
            out[row as usize] = fixed;
        }
    }
    Ok(out)
}

/// Note down new right rows for the repeated pairs of one left row.
fn repair(
    left: u32,
    rows: &[u32],
    right: &[u32],
    rights: u32,
    stream: Stream,
    fixes: &mut Vec<(u32, u32)>,
) -> Result<()> {
    let mut used = Used::with_room(rows.len());
    let mut repeated = Vec::new();
    let mut wanted = 0_u32;
    for &row in rows {
        let right = right[row as usize];
        if right != NONE {
            wanted += 1;
            if !used.insert(right) {
                repeated.push(row);
            }
        }
    }
    if wanted > rights {
        return Err(Error::Capacity {
            problem: format!(
                "left position {left} wants {wanted} different right positions, \
                 but there are only {rights}"
            ),
            hint: "lower the number of rows per left row, or make more right rows",
        });
    }
    for row in repeated {
        fixes.push((row, unused(row, rights, stream, &mut used)));
    }
    Ok(())
}

/// A right row that is not used yet; there is one.
fn unused(row: u32, rights: u32, stream: Stream, used: &mut Used) -> u32 {
    let draw = |attempt| stream.substream(attempt).below(u64::from(row), u64::from(rights)) as u32;
    if let Some(found) = (0..TRIES).map(draw).find(|right| used.insert(*right)) {
        return found;
    }
    let mut right = draw(TRIES);
    while !used.insert(right) {
        right = if right + 1 == rights { 0 } else { right + 1 };
    }
    right
}

/// The right rows that go with a left row.
enum Used {
    Few(Vec<u32>),
    Many(HashSet<u32, BuildHasherDefault<Mixer>>),
}

impl Used {
    fn with_room(rows: usize) -> Self {
        if rows <= FEW {
            Self::Few(Vec::with_capacity(rows))
        } else {
            Self::Many(HashSet::with_capacity_and_hasher(rows, BuildHasherDefault::default()))
        }
    }

    fn insert(&mut self, right: u32) -> bool {
        match self {
            Self::Few(list) => {
                let is_new = !list.contains(&right);
                if is_new {
                    list.push(right);
                }
                is_new
            }
            Self::Many(set) => set.insert(right),
        }
    }
}

/// Hashes positions; nothing here comes from an adversary.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.0 = mix(self.0 ^ u64::from(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: Stream = Stream::new(1, 2);

    #[test]
    fn a_full_left_row_uses_every_right_row_once() {
        for n in [1_u32, 5, 16, 17, 400] {
            let mut right =
                distinct(&vec![3; n as usize], &vec![0; n as usize], n, STREAM).unwrap();
            assert_eq!(right[0], 0, "the first pair stays");
            right.sort_unstable();
            assert!(right.into_iter().eq(0..n));
        }
    }

    #[test]
    fn later_first_pairs_stay_too() {
        let right = distinct(&[0, 0, 0], &[1, 1, 0], 3, STREAM).unwrap();
        assert_eq!(right, [1, 2, 0]);
    }

    #[test]
    fn missing_sides_pass_through() {
        let right = distinct(&[NONE, NONE, 0, 0], &[1, 1, NONE, NONE], 2, STREAM).unwrap();
        assert_eq!(right, [1, 1, NONE, NONE]);
        assert_eq!(distinct(&[], &[], 0, STREAM), Ok(vec![]));
    }

    #[test]
    fn too_many_rows_for_one_left_row_are_refused() {
        let error = distinct(&[0, 7, 7, 7], &[0, 0, 1, 1], 2, STREAM).unwrap_err();
        assert!(matches!(error, Error::Capacity { .. }));
        let text = error.to_string();
        assert!(text.contains("left position 7 wants 3") && text.contains("only 2"), "{text}");
        assert!(matches!(distinct(&[0], &[4], 4, STREAM), Err(Error::Invalid { .. })));
    }
}
