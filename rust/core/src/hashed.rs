//! A table that finds the first row of a key by hash.
//!
//! Both the keys in the table and those looked up in it are parted by hash first, so that each
//! part is built and searched in memory the processor keeps close, and parts are shared out
//! among threads. Keys with equal tags are presumed equal at first and compared afterwards;
//! where that shows a collision, the slow way is taken.

use std::hint::select_unpredictable;

use rayon::prelude::*;

use crate::NONE;
use crate::integrity::Keys;
use crate::parted::{Parted, part, rows};
use crate::rng::{fold, scale};

/// Rows parted together: few enough for a processor's second-level cache.
const BLOCK: usize = 1 << 15;
/// Rows looked up together, for each row in the table: enough to make bringing each part close
/// worthwhile, in memory that does not grow with what is looked up.
const WANTED_PER_ROW: usize = 4;
/// Rows per part that keep its slots, of 12 bytes, within a processor's second-level cache.
const PART_ROWS: usize = 1 << 13;
/// A table of this many parts is close enough as a whole: parting what is looked up would not
/// pay.
const CLOSE_PART_BITS: u32 = 4;
/// More parts than this would be too many places to write to at a time.
const MOST_PART_BITS: u32 = 8;

/// Finds the first row of a key among `keys`.
pub(crate) struct Table<'a, K: ?Sized> {
    keys: &'a K,
    part_bits: u32,
    parts: Vec<Part>,
}

/// The keys whose hashes begin with the same bits.
struct Part {
    /// Twice as many as there are entries.
    slots: Vec<Entry>,
    /// How many of a hash's highest bits all of them share.
    shared_bits: u32,
    /// Rows that repeat a key, with the first row that has it.
    repeated: Vec<(u32, u32)>,
}

/// Packed, because a quarter less memory is quicker to reach.
#[derive(Clone, Copy)]
#[repr(C, packed(4))]
struct Entry {
    tag: u64,
    row: u32,
}

const FREE: Entry = Entry { tag: 0, row: NONE };

impl<'a, K: Keys + ?Sized> Table<'a, K> {
    pub(crate) fn of(keys: &'a K) -> Self {
        let part_bits = (keys.len() / PART_ROWS).max(1).ilog2().min(MOST_PART_BITS);
        let mut places = vec![NONE; keys.len()];
        let blocks: Vec<(Parted, Vec<u32>)> = places
            .par_chunks_mut(BLOCK)
            .enumerate()
            .map_init(Vec::new, |unsorted, (block, places)| {
                let mut parted = Parted::default();
                parted.sort(keys, block * BLOCK, places, part_bits, unsorted);
                let rows = rows(block * BLOCK, places);
                (parted, rows)
            })
            .collect();
        let table = Self::build(keys, &blocks, part_bits, true);
        if K::EXACT || table.is_proven() {
            return table;
        }
        Self::build(keys, &blocks, part_bits, false)
    }

    fn build(keys: &'a K, blocks: &[(Parted, Vec<u32>)], part_bits: u32, presume: bool) -> Self {
        let is_same = |row: u32, other: u32| {
            presume || K::EXACT || keys.same(row as usize, keys, other as usize)
        };
        let part = |part: usize| {
            let mut built =
                Part::with_room(blocks.iter().map(|b| b.0.range(part).len()).sum(), part_bits);
            for (parted, rows) in blocks {
                let range = parted.range(part);
                for (&tag, &row) in parted.tags[range.clone()].iter().zip(&rows[range]) {
                    built.enter(Entry { tag, row }, is_same);
                }
            }
            built
        };
        Self { keys, part_bits, parts: (0..1 << part_bits).into_par_iter().map(part).collect() }
    }

    /// Whether all rows presumed to repeat a key do so.
    fn is_proven(&self) -> bool {
        self.parts.par_iter().all(|part| {
            part.repeated
                .iter()
                .all(|&(row, first)| self.keys.same(row as usize, self.keys, first as usize))
        })
    }

    /// For each row the first row with its key, by looking at the repeated ones only.
    pub(crate) fn first_rows(&self) -> Vec<u32> {
        let is_key = |row: usize| self.keys.tag(row).is_some();
        let own = |row: usize| if is_key(row) { row as u32 } else { NONE };
        let mut rows: Vec<u32> =
            (0..self.keys.len()).into_par_iter().with_min_len(BLOCK).map(own).collect();
        for &(row, first) in self.parts.iter().flat_map(|part| &part.repeated) {
            rows[row as usize] = first;
        }
        rows
    }

    /// The first row with the same key, for each of the keys wanted.
    pub(crate) fn find_all(&self, wanted: &K) -> Vec<u32> {
        let mut out = vec![NONE; wanted.len()];
        if self.part_bits <= CLOSE_PART_BITS {
            out.par_chunks_mut(BLOCK).enumerate().for_each(|(block, out)| {
                self.find_in_order(wanted, block * BLOCK, out);
            });
            return out;
        }
        let window = WANTED_PER_ROW * self.keys.len();
        let blocks = window.min(wanted.len()).div_ceil(BLOCK);
        let mut blocks: Vec<_> = (0..blocks).map(|_| (Parted::default(), Vec::new())).collect();
        for (number, part) in out.chunks_mut(window).enumerate() {
            self.find_window(wanted, number * window, &mut blocks, part);
        }
        out
    }

    fn part_of(&self, tag: u64) -> &Part {
        &self.parts[part(fold(tag), self.part_bits)]
    }

    /// Look the keys up one after the other.
    fn find_in_order(&self, wanted: &K, start: usize, out: &mut [u32]) {
        for (row, found) in (start..).zip(&mut *out) {
            *found = wanted.tag(row).map_or(NONE, |tag| self.part_of(tag).presumed(tag));
        }
        self.correct(wanted, start, out);
    }

    /// Part the keys, look them up part by part, and put the rows where the keys came from.
    fn find_window(
        &self,
        wanted: &K,
        start: usize,
        blocks: &mut [(Parted, Vec<u32>)],
        out: &mut [u32],
    ) {
        let blocks = &mut blocks[..out.len().div_ceil(BLOCK)];
        let places = out.par_chunks_mut(BLOCK).zip(&mut *blocks).enumerate();
        places.for_each_init(Vec::new, |unsorted, (block, (places, (parted, found)))| {
            parted.sort(wanted, start + block * BLOCK, places, self.part_bits, unsorted);
            found.resize(places.len(), NONE);
        });
        self.parts.par_iter().zip(runs(blocks, self.parts.len())).for_each(|(part, runs)| {
            for (tags, found) in runs {
                for (tag, row) in tags.iter().zip(found) {
                    *row = part.presumed(*tag);
                }
            }
        });
        out.par_chunks_mut(BLOCK).zip(blocks).enumerate().for_each(|(block, (out, blocks))| {
            let (parted, found) = blocks;
            found[parted.keyless()].fill(NONE);
            for place in &mut *out {
                *place = found[*place as usize];
            }
            self.correct(wanted, start + block * BLOCK, out);
        });
    }

    /// Look again where a row was found whose key has the same tag, but is another.
    fn correct(&self, wanted: &K, start: usize, out: &mut [u32]) {
        if K::EXACT {
            return;
        }
        for (row, found) in (start..).zip(out) {
            let is_same = |other: u32| wanted.same(row, self.keys, other as usize);
            if *found != NONE && !is_same(*found) {
                *found = wanted.tag(row).map_or(NONE, |tag| self.part_of(tag).find(tag, is_same));
            }
        }
    }
}

/// For each part the tags of it in all blocks, with where to put what is found for them.
fn runs(blocks: &mut [(Parted, Vec<u32>)], parts: usize) -> Vec<Vec<(&[u64], &mut [u32])>> {
    let mut runs: Vec<_> = (0..parts).map(|_| Vec::with_capacity(blocks.len())).collect();
    for (parted, found) in blocks {
        let mut found = found.as_mut_slice();
        for (part, runs) in runs.iter_mut().enumerate() {
            let range = parted.range(part);
            let (own, later) = found.split_at_mut(range.len());
            runs.push((&parted.tags[range], own));
            found = later;
        }
    }
    runs
}

impl Part {
    /// A part with room for this number of entries.
    fn with_room(entries: usize, shared_bits: u32) -> Self {
        Self { slots: vec![FREE; (2 * entries).max(1)], shared_bits, repeated: Vec::new() }
    }

    /// The slot at which the search for a tag begins.
    fn home(&self, tag: u64) -> usize {
        scale(fold(tag) << self.shared_bits, self.slots.len() as u64).0 as usize
    }

    fn next(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 0 } else { at + 1 }
    }

    /// Enter a key, or note down that it repeats one.
    fn enter(&mut self, new: Entry, is_same: impl Fn(u32, u32) -> bool) {
        let at = self.search(new.tag, |row| is_same(new.row, row));
        let slot = &mut self.slots[at];
        if slot.row == NONE {
            *slot = new;
        } else {
            self.repeated.push((new.row, slot.row));
        }
    }

    /// The row with a tag that is the one looked for, or [`NONE`].
    fn find(&self, tag: u64, is_same: impl Fn(u32) -> bool) -> u32 {
        self.slots[self.search(tag, is_same)].row
    }

    /// The row with a tag, or [`NONE`].
    ///
    /// The first two slots are looked at in any case, because where most searches end there a
    /// processor's guesses about each would cost more than the second look.
    #[inline]
    #[allow(clippy::needless_bitwise_bool)] // the lazy operator would be one of those guesses
    fn presumed(&self, tag: u64) -> u32 {
        let home = self.home(tag);
        let (first, second) = (self.slots[home], self.slots[self.next(home)]);
        let is_first = (first.tag == tag) | (first.row == NONE);
        let last_tag = select_unpredictable(is_first, first.tag, second.tag);
        let row = select_unpredictable(is_first, first.row, second.row);
        // a free slot may have this tag too, but then its row is the answer as well
        if last_tag == tag || row == NONE {
            return if last_tag == tag { row } else { NONE };
        }
        self.presumed_far(tag)
    }

    /// Kept apart, such that what is common stays short.
    #[cold]
    fn presumed_far(&self, tag: u64) -> u32 {
        self.find(tag, |_| true)
    }

    /// The slot with such a row, or the free one where it would be.
    fn search(&self, tag: u64, is_same: impl Fn(u32) -> bool) -> usize {
        let mut at = self.home(tag);
        loop {
            let entry = self.slots[at];
            if entry.row == NONE || (entry.tag == tag && is_same(entry.row)) {
                return at;
            }
            at = self.next(at);
        }
    }
}
