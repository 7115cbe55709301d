//! Writing runs of equal values, in parallel, each block of parents into its own part.

use crate::error::{Result, check_rows};

/// Parents per parallel task.
const BLOCK: usize = 1 << 14;
/// Values written at once: most runs are shorter, and one wide store is cheaper than a loop.
const WIDE: usize = 8;

/// A block of parents and the part of the output that belongs to their children.
pub(crate) struct Part<'a, T> {
    /// Position of the block's first parent.
    pub(crate) first: usize,
    /// Children of each parent of the block.
    pub(crate) counts: &'a [u32],
    /// As long as the sum of `counts`.
    pub(crate) out: &'a mut [T],
}

/// How many children there are.
pub(crate) fn total(counts: &[u32]) -> Result<usize> {
    check_rows(sum(counts))
}

fn sum(counts: &[u32]) -> u64 {
    counts.iter().map(|&count| u64::from(count)).sum()
}

/// Cut the output of `counts` into one part per block of parents.
pub(crate) fn split<'a, T>(counts: &'a [u32], out: &'a mut [T]) -> Vec<Part<'a, T>> {
    let mut parts = Vec::with_capacity(counts.len().div_ceil(BLOCK));
    let mut rest = out;
    for (block, counts) in counts.chunks(BLOCK).enumerate() {
        let (out, later) = rest.split_at_mut(sum(counts) as usize);
        parts.push(Part { first: block * BLOCK, counts, out });
        rest = later;
    }
    parts
}

/// Write the value of each parent as often as its count says.
pub(crate) fn write<T: Copy>(counts: &[u32], out: &mut [T], value: impl Fn(usize) -> T) {
    let mut rest = out;
    for (i, &count) in counts.iter().enumerate() {
        let (value, count) = (value(i), count as usize);
        // what is written past the end of a run is overwritten by the next runs
        if let Some(ahead) = rest.first_chunk_mut::<WIDE>() {
            *ahead = [value; WIDE];
            if count > WIDE {
                rest[WIDE..count].fill(value);
            }
        } else {
            rest[..count].fill(value);
        }
        rest = &mut rest[count..];
    }
}
