//! Rows sorted by a dense group code, without moving the rows.

use crate::NONE;
use crate::error::{Error, ROW_LIMIT, Result};

/// Which rows belong to each group, in ascending order.
#[derive(Debug)]
pub(crate) struct Groups {
    /// Where each group begins in `rows`; one more entry than groups.
    pub(crate) offsets: Vec<u32>,
    /// Row positions, group after group; rows of group [`NONE`] are left out.
    pub(crate) rows: Vec<u32>,
}

impl Groups {
    /// Sort rows by their codes, which are dense: memory grows with the largest one.
    pub(crate) fn of(codes: &[u32], argument: &'static str) -> Result<Self> {
        if codes.len() as u64 > ROW_LIMIT {
            return Err(Error::invalid(argument, format!("has {} entries", codes.len())));
        }
        let mut cursor = histogram(codes);
        let mut total = 0;
        for count in &mut cursor {
            total += std::mem::replace(count, total);
        }
        let offsets: Vec<u32> = cursor.iter().copied().chain([total]).collect();
        let mut rows = vec![0_u32; total as usize];
        for (&code, row) in codes.iter().zip(0_u32..) {
            if code != NONE {
                let at = &mut cursor[code as usize];
                rows[*at as usize] = row;
                *at += 1;
            }
        }
        Ok(Self { offsets, rows })
    }

    /// How many groups there are, empty ones included.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Where the rows of a group lie in `rows`; empty for unknown groups.
    pub(crate) fn range(&self, group: u32) -> std::ops::Range<usize> {
        let group = group as usize;
        match self.offsets.get(group..group.saturating_add(2)) {
            Some(ends) => ends[0] as usize..ends[1] as usize,
            None => 0..0,
        }
    }
}

/// How many rows each code has, up to the largest code; [`NONE`] is not counted.
pub(crate) fn histogram(codes: &[u32]) -> Vec<u32> {
    let groups = codes.iter().filter(|code| **code != NONE).max().map_or(0, |max| max + 1);
    let mut counts = vec![0_u32; groups as usize];
    for &code in codes {
        if code != NONE {
            counts[code as usize] += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_with_their_group_in_order() {
        let groups = Groups::of(&[2, 0, NONE, 2, 0], "codes").unwrap();
        assert_eq!(groups.len(), 3);
        assert_eq!(groups.rows[groups.range(0)], [1, 4]);
        assert!(groups.range(1).is_empty());
        assert_eq!(groups.rows[groups.range(2)], [0, 3]);
        assert!(groups.range(7).is_empty() && groups.range(NONE).is_empty());
    }

    #[test]
    fn no_rows_have_no_groups() {
        assert_eq!(Groups::of(&[], "codes").unwrap().len(), 0);
        assert_eq!(Groups::of(&[NONE], "codes").unwrap().len(), 0);
    }
}
