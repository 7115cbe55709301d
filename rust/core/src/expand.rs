//! From counts of children per parent to the children themselves.

use rayon::prelude::*;

use crate::NONE;
use crate::error::{Error, Result, check_rows, same_length};
use crate::runs;

/// Where the children of each parent begin; the last entry is their total.
///
/// # Examples
///
/// ```
/// assert_eq!(synthohive_core::expand::child_offsets(&[2, 0, 1]), [0, 2, 2, 3]);
/// ```
pub fn child_offsets(counts: &[u32]) -> Vec<u64> {
    let mut offsets = Vec::with_capacity(counts.len() + 1);
    let mut total = 0_u64;
    offsets.push(total);
    offsets.extend(counts.iter().map(|&count| {
        total += u64::from(count);
        total
    }));
    offsets
}

/// Name the parent row of every child row, the first parent being row `start`.
///
/// # Errors
///
/// [`Error::Capacity`] if there are more children, or a later parent row, than
/// [`crate::error::ROW_LIMIT`].
///
/// # Examples
///
/// ```
/// use synthohive_core::expand::parent_rows;
///
/// assert_eq!(parent_rows(&[2, 0, 1], 0).unwrap(), [0, 0, 2]);
/// assert_eq!(parent_rows(&[2, 0, 1], 10).unwrap(), [10, 10, 12]);
/// ```
pub fn parent_rows(counts: &[u32], start: u64) -> Result<Vec<u32>> {
    check_rows(start.saturating_add(counts.len() as u64))?;
    let mut rows = vec![0_u32; runs::total(counts)?];
    runs::split(counts, &mut rows).into_par_iter().for_each(|part| {
        let first = start as u32 + part.first as u32;
        runs::write(part.counts, part.out, |i| first + i as u32);
    });
    Ok(rows)
}

/// Number the children of each parent from zero.
///
/// # Errors
///
/// [`Error::Capacity`] if there are more than [`crate::error::ROW_LIMIT`].
///
/// # Examples
///
/// ```
/// assert_eq!(synthohive_core::expand::sibling_positions(&[2, 0, 3]).unwrap(), [0, 1, 0, 1, 2]);
/// ```
pub fn sibling_positions(counts: &[u32]) -> Result<Vec<u32>> {
    let mut positions = vec![0_u32; runs::total(counts)?];
    runs::split(counts, &mut positions).into_par_iter().for_each(|part| {
        let mut rest = part.out;
        for &count in part.counts {
            let (run, later) = rest.split_at_mut(count as usize);
            for (slot, position) in run.iter_mut().zip(0_u32..) {
                *slot = position;
            }
            rest = later;
        }
    });
    Ok(positions)
}

/// Repeat each value as often as its count says.
///
/// # Errors
///
/// [`Error::Invalid`] if the lengths differ, [`Error::Capacity`]
/// beyond [`crate::error::ROW_LIMIT`].
///
/// # Examples
///
/// ```
/// let out = synthohive_core::expand::repeat(&[7_u8, 8, 9], &[2, 0, 1]).unwrap();
/// assert_eq!(out, [7, 7, 9]);
/// ```
pub fn repeat<T>(values: &[T], counts: &[u32]) -> Result<Vec<T>>
where
    T: Copy + Default + Send + Sync,
{
    same_length("values", values.len(), "counts", counts.len())?;
    let mut out = vec![T::default(); runs::total(counts)?];
    runs::split(counts, &mut out).into_par_iter().for_each(|part| {
        let values = &values[part.first..part.first + part.counts.len()];
        runs::write(part.counts, part.out, |i| values[i]);
    });
    Ok(out)
}

/// Count the children of each parent from the parent rows of the children.
///
/// Children whose parent is [`crate::NONE`] are not counted.
///
/// # Errors
///
/// [`Error::Invalid`] if a row is not below `parents`.
///
/// # Examples
///
/// ```
/// use synthohive_core::{NONE, expand::children_per_parent};
///
/// assert_eq!(children_per_parent(&[2, 0, NONE, 2], 3).unwrap(), [1, 0, 2]);
/// ```
pub fn children_per_parent(rows: &[u32], parents: u64) -> Result<Vec<u32>> {
    check_rows(rows.len() as u64)?;
    let mut counts = vec![0_u32; check_rows(parents)?];
    for &row in rows {
        match counts.get_mut(row as usize) {
            Some(count) => *count += 1,
            None if row == NONE => {}
            None => {
                let problem = format!("position {row} is not below parents, which is {parents}");
                return Err(Error::invalid("rows", problem));
            }
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_counts_give_empty_children() {
        assert_eq!(child_offsets(&[]), [0]);
        assert_eq!(parent_rows(&[], 5), Ok(vec![]));
        assert_eq!(sibling_positions(&[0, 0]), Ok(vec![]));
        assert_eq!(repeat::<u64>(&[], &[]), Ok(vec![]));
    }

    #[test]
    fn one_parent_may_have_all_the_children() {
        let rows = parent_rows(&[0, 100_000, 1], 0).unwrap();
        assert!(rows[..100_000].iter().all(|row| *row == 1));
        assert_eq!(rows[100_000], 2);
    }

    #[test]
    fn too_many_children_are_refused_before_memory_is_asked_for() {
        assert!(matches!(parent_rows(&[u32::MAX, 1], 0), Err(Error::Capacity { .. })));
        assert!(matches!(parent_rows(&[1], u64::from(u32::MAX)), Err(Error::Capacity { .. })));
        assert!(matches!(sibling_positions(&[u32::MAX]), Err(Error::Capacity { .. })));
    }

    #[test]
    fn values_and_counts_must_match() {
        assert!(matches!(repeat(&[1_u8], &[1, 1]), Err(Error::Invalid { .. })));
    }
}
