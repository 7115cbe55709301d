//! The keys of some rows, put in order of the part their hash belongs to.

use std::ops::{Range, RangeFrom};

use crate::NONE;
use crate::integrity::Keys;
use crate::rng::fold;

/// Tags of some rows, part after part, and within a part in the order of the rows.
#[derive(Default)]
pub(crate) struct Parted {
    /// One entry per row; those without a key stand last.
    pub(crate) tags: Vec<u64>,
    /// Where each part ends in `tags`.
    ends: Vec<u32>,
}

impl Parted {
    /// Sort the rows from `start` on, as many as there are `places`, and note their places.
    ///
    /// What was sorted before is forgotten, but for the memory it had; `unsorted` is memory too.
    pub(crate) fn sort<K: Keys + ?Sized>(
        &mut self,
        keys: &K,
        start: usize,
        places: &mut [u32],
        part_bits: u32,
        unsorted: &mut Vec<u64>,
    ) {
        let Self { tags, ends: cursors } = self;
        let keyless = 1 << part_bits;
        cursors.clear();
        cursors.resize(keyless + 1, 0);
        unsorted.clear();
        for (row, place) in (start..).zip(places.iter_mut()) {
            let tag = keys.tag(row);
            let part = tag.map_or(keyless, |tag| part(fold(tag), part_bits));
            cursors[part] += 1;
            *place = part as u32;
            unsorted.push(tag.unwrap_or(0));
        }
        let mut end = 0;
        for cursor in cursors.iter_mut() {
            end += std::mem::replace(cursor, end);
        }
        tags.resize(unsorted.len(), 0);
        for (tag, place) in unsorted.iter().zip(places) {
            let cursor = &mut cursors[*place as usize];
            let at = *cursor;
            *cursor += 1;
            *place = at;
            tags[at as usize] = *tag;
        }
        // each cursor has come to the end of its part by now
        cursors.pop();
    }

    /// Where the rows without a key stand.
    pub(crate) fn keyless(&self) -> RangeFrom<usize> {
        self.ends.last().map_or(0, |end| *end as usize)..
    }

    /// Where the rows of a part stand.
    pub(crate) fn range(&self, part: usize) -> Range<usize> {
        let begin = part.checked_sub(1).map_or(0, |before| self.ends[before]);
        begin as usize..self.ends[part] as usize
    }
}

/// The rows from `start` on in the order of their places.
pub(crate) fn rows(start: usize, places: &[u32]) -> Vec<u32> {
    let mut rows = vec![NONE; places.len()];
    for (row, place) in (start as u32..).zip(places) {
        rows[*place as usize] = row;
    }
    rows
}

/// The part a hash belongs to: its highest bits.
pub(crate) fn part(hash: u64, part_bits: u32) -> usize {
    // shifting by all 64 bits is what no part bits ask for
    hash.checked_shr(u64::BITS - part_bits).unwrap_or(0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_their_parts_in_order_and_missing_keys_last() {
        for part_bits in [0, 1, 3] {
            let keys: Vec<Option<u64>> =
                (0..100).map(|row| (row % 7 > 0).then_some(row % 30)).collect();
            let mut places = [NONE; 90];
            let (mut parted, mut unsorted) = (Parted::default(), Vec::new());
            parted.sort(keys.as_slice(), 0, &mut [NONE; 95], part_bits, &mut unsorted);
            parted.sort(keys.as_slice(), 10, &mut places, part_bits, &mut unsorted);
            let rows = rows(10, &places);
            assert_eq!(rows.len(), 90);
            let mut begin = 0;
            for number in 0..1 << part_bits {
                let range = parted.range(number);
                assert_eq!(std::mem::replace(&mut begin, range.end), range.start);
                assert!(rows[range.clone()].is_sorted());
                for (row, tag) in rows[range.clone()].iter().zip(&parted.tags[range]) {
                    assert_eq!(keys[*row as usize], Some(*tag));
                    assert_eq!(part(fold(*tag), part_bits), number);
                }
            }
            assert_eq!(parted.keyless(), begin..);
            assert_eq!(begin, keys[10..].iter().flatten().count());
            assert!(rows[begin..].iter().all(|row| keys[*row as usize].is_none()));
        }
    }
}
