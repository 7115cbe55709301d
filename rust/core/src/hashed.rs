//! A table that finds the first row of a key by hash.
//!
//! Rows are parted by hash first, such that the parts are built at the same time, each in
//! memory the processor keeps close; and keys are looked up a batch at a time, such that the
//! waits for memory overlap. For the same reason keys with equal tags are presumed equal at
//! first and compared afterwards; where that shows a collision, the slow way is taken.

use rayon::prelude::*;

use crate::NONE;
use crate::integrity::Keys;
use crate::rng::fold;

/// Rows per parallel task.
const BLOCK: usize = 1 << 16;
/// Keys looked up together.
const BATCH: usize = 32;
/// Rows per part that keep its slots, of 16 bytes, within a processor's second-level cache.
const PART_ROWS: usize = 1 << 15;
/// More parts than this would be too many places to write to at a time.
const MOST_PART_BITS: u32 = 8;

/// Finds the first row of a key among `keys`.
pub(crate) struct Table<'a, K: ?Sized> {
    keys: &'a K,
    /// The slots of all parts, each a power of two and at most two thirds taken.
    slots: Vec<Entry>,
    part_bits: u32,
    parts: Vec<Part>,
    /// Rows that repeat a key, with the first row that has it.
    repeated: Vec<Vec<(u32, u32)>>,
}

/// Where a part lies among the slots.
#[derive(Clone, Copy)]
struct Part {
    begin: usize,
    last: usize,
    shift: u32,
}

#[derive(Clone, Copy)]
struct Entry {
    tag: u64,
    row: u32,
}

const FREE: Entry = Entry { tag: 0, row: NONE };

impl<'a, K: Keys + ?Sized> Table<'a, K> {
    pub(crate) fn of(keys: &'a K) -> Self {
        let part_bits = (keys.len() / PART_ROWS).max(1).ilog2().min(MOST_PART_BITS);
        let blocks: Vec<_> = (0..keys.len().div_ceil(BLOCK))
            .into_par_iter()
            .map(|block| scatter(keys, block, part_bits))
            .collect();
        let table = Self::build(keys, &blocks, part_bits, true);
        if K::EXACT || table.is_proven() {
            return table;
        }
        Self::build(keys, &blocks, part_bits, false)
    }

    fn build(keys: &'a K, blocks: &[Vec<Vec<Entry>>], part_bits: u32, presume: bool) -> Self {
        let entries = |part| blocks.iter().map(move |block: &Vec<Vec<Entry>>| &block[part]);
        let numbers = (0..1 << part_bits).map(|part| entries(part).map(Vec::len).sum());
        let parts = Part::in_a_row(numbers, part_bits);
        let mut slots = vec![FREE; parts.last().map_or(0, |part| part.last + 1)];
        let mut tasks = Vec::with_capacity(parts.len());
        let mut rest = slots.as_mut_slice();
        for (number, part) in parts.iter().enumerate() {
            let (own, later) = rest.split_at_mut(part.last + 1 - part.begin);
            tasks.push((entries(number), Part { begin: 0, last: own.len() - 1, ..*part }, own));
            rest = later;
        }
        let is_same = |row: u32, other: u32| {
            presume || K::EXACT || keys.same(row as usize, keys, other as usize)
        };
        let fill = |(entries, part, slots)| {
            fill(Iterator::flatten(entries).copied(), part, slots, is_same)
        };
        let repeated = tasks.into_par_iter().map(fill).collect();
        Self { keys, slots, part_bits, parts, repeated }
    }

    /// Whether all rows presumed to repeat a key do so.
    fn is_proven(&self) -> bool {
        self.repeated.par_iter().all(|rows| {
            rows.iter().all(|&(row, first)| self.keys.same(row as usize, self.keys, first as usize))
        })
    }

    /// The first row with the same key, for each of the keys `start..start + out.len()`.
    pub(crate) fn find(&self, wanted: &K, start: usize, out: &mut [u32]) {
        for (batch, part) in out.chunks_mut(BATCH).enumerate() {
            self.find_batch(wanted, start + batch * BATCH, part);
        }
    }

    /// For each row the first row with its key, by looking at the repeated ones only.
    pub(crate) fn first_rows(&self) -> Vec<u32> {
        let is_key = |row: usize| self.keys.tag(row).is_some();
        let own = |row: usize| if is_key(row) { row as u32 } else { NONE };
        let mut rows: Vec<u32> =
            (0..self.keys.len()).into_par_iter().with_min_len(BLOCK).map(own).collect();
        for &(row, first) in self.repeated.iter().flatten() {
            rows[row as usize] = first;
        }
        rows
    }

    /// Loops of independent steps, because only then do their waits for memory overlap.
    fn find_batch(&self, wanted: &K, start: usize, out: &mut [u32]) {
        let mut tags = [None; BATCH];
        for (row, tag) in (start..start + out.len()).zip(&mut tags) {
            *tag = wanted.tag(row);
        }
        let places = tags.map(|tag| {
            let hash = fold(tag.unwrap_or(0));
            let part = self.parts[part(hash, self.part_bits)];
            (part, part.home(hash))
        });
        let entries = places.map(|(_, home)| self.slots[home]);
        for (i, slot) in out.iter_mut().enumerate() {
            if let Some(tag) = tags[i] {
                let (part, home) = places[i];
                *slot = part.find(&self.slots, home, entries[i], |entry| entry.tag == tag);
            }
        }
        if !K::EXACT {
            for (i, slot) in out.iter_mut().enumerate() {
                if *slot != NONE && !wanted.same(start + i, self.keys, *slot as usize) {
                    let (part, home) = places[i];
                    let is_key = |entry: Entry| {
                        tags[i] == Some(entry.tag)
                            && wanted.same(start + i, self.keys, entry.row as usize)
                    };
                    *slot = part.find(&self.slots, home, entries[i], is_key);
                }
            }
        }
    }
}

impl Part {
    /// Parts one after the other with room for these numbers of entries.
    fn in_a_row(numbers: impl Iterator<Item = usize>, part_bits: u32) -> Vec<Self> {
        let mut end = 0;
        let part = |entries: usize| {
            let size = (entries * 3 / 2 + 1).next_power_of_two().max(2);
            let begin = end;
            end += size;
            Self { begin, last: end - 1, shift: u64::BITS - size.trailing_zeros() - part_bits }
        };
        numbers.map(part).collect()
    }

    /// The slot at which the search for a hash begins.
    fn home(self, hash: u64) -> usize {
        self.begin + ((hash >> self.shift) as usize & (self.last - self.begin))
    }

    fn next(self, at: usize) -> usize {
        if at == self.last { self.begin } else { at + 1 }
    }

    /// The row found from `home` on, where `entry` is.
    fn find(
        self,
        slots: &[Entry],
        home: usize,
        mut entry: Entry,
        is_key: impl Fn(Entry) -> bool,
    ) -> u32 {
        let mut at = home;
        while entry.row != NONE && !is_key(entry) {
            at = self.next(at);
            entry = slots[at];
        }
        entry.row
    }
}

/// Enter the first row of each key; return the others with the first row that has their key.
fn fill(
    entries: impl Iterator<Item = Entry>,
    part: Part,
    slots: &mut [Entry],
    is_same: impl Fn(u32, u32) -> bool,
) -> Vec<(u32, u32)> {
    let mut repeated = Vec::new();
    for new in entries {
        let mut at = part.home(fold(new.tag));
        while slots[at].row != NONE
            && !(slots[at].tag == new.tag && is_same(new.row, slots[at].row))
        {
            at = part.next(at);
        }
        if slots[at].row == NONE {
            slots[at] = new;
        } else {
            repeated.push((new.row, slots[at].row));
        }
    }
    repeated
}

fn part(hash: u64, part_bits: u32) -> usize {
    // shifting by all 64 bits is what no part bits ask for
    hash.checked_shr(u64::BITS - part_bits).unwrap_or(0) as usize
}

/// The rows of a block with a key, by the part they belong to.
fn scatter<K: Keys + ?Sized>(keys: &K, block: usize, part_bits: u32) -> Vec<Vec<Entry>> {
    let parts = 1 << part_bits;
    let rows = block * BLOCK..keys.len().min((block + 1) * BLOCK);
    let mut out: Vec<Vec<Entry>> = vec![Vec::with_capacity(rows.len() / parts * 5 / 4); parts];
    for row in rows {
        if let Some(tag) = keys.tag(row) {
            out[part(fold(tag), part_bits)].push(Entry { tag, row: row as u32 });
        }
    }
    out
}
