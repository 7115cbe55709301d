//! The number of threads changes nothing, on inputs of many blocks.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use rayon::ThreadPoolBuilder;
use synthohive_core::integrity::Keys;
use synthohive_core::rng::Stream;
use synthohive_core::{NONE, draw, expand, integrity, pairs, permute, quota};

const PARENTS: usize = 60_000;
/// Spreads keys too far to be looked up by address.
const FACTOR: u64 = 7_919_000_003;

/// Everything that is computed in parallel, as one list of answers.
fn everything() -> Vec<Vec<u32>> {
    let stream = Stream::new(5, 1);
    let counts: Vec<u32> = stream.map(0, PARENTS, |word| (word % 7) as u32);
    let rows = expand::parent_rows(&counts, 0).unwrap();
    let n = rows.len() as u64;
    let weights = stream.substream(1).uniform(0, PARENTS);
    let groups = draw::uniform(n, 300, stream.substream(2), 0).unwrap();
    let parent_groups = draw::uniform(PARENTS as u64, 280, stream.substream(3), 0).unwrap();
    let right = draw::uniform(n, 9, stream.substream(4), 0).unwrap();
    let keys: Vec<Option<u64>> =
        groups.iter().map(|group| Some(stream.word(u64::from(*group) * 7))).collect();
    let parent_keys = &keys[keys.len() / 3..];
    let words = stream.words(17, PARENTS);
    vec![
        expand::sibling_positions(&counts).unwrap(),
        expand::repeat(&counts, &counts).unwrap(),
        draw::weighted(n, &weights, stream, 0).unwrap(),
        draw::grouped(&groups, &parent_groups, Some(&weights), stream, 0).unwrap(),
        quota::quota(&groups, &parent_groups, &counts, stream).unwrap(),
        pairs::distinct(&rows, &right, 9, stream).unwrap(),
        permute::permutation(n, stream).unwrap(),
        permute::permuted_within(&vec![3; groups.len()], &groups, &[9; 300], stream).unwrap(),
        integrity::find_rows(keys.as_slice(), parent_keys).unwrap(),
        integrity::first_rows(keys.as_slice()).unwrap(),
        words.into_iter().map(|word| (word >> 32) as u32).collect(),
        rows,
        counts,
    ]
}

#[test]
fn one_thread_and_five_agree() {
    let on = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(everything)
    };
    let (one, five) = (on(1), on(5));
    for (at, (one, five)) in one.iter().zip(&five).enumerate() {
        assert!(one == five, "answer {at} differs");
    }
}

#[test]
fn large_tables_agree_with_a_map() {
    let words = Stream::new(9, 9).map(0, 200_000, |word| Some(word % 90_000 * FACTOR));
    let mut seen = std::collections::HashMap::new();
    let firsts: Vec<u32> =
        words.iter().zip(0..).map(|(key, row)| *seen.entry(key).or_insert(row)).collect();
    assert_eq!(integrity::first_rows(words.as_slice()).unwrap(), firsts);
    assert_eq!(integrity::find_rows(words.as_slice(), words.as_slice()).unwrap(), firsts);
    let repeated = firsts.iter().zip(0_u32..).filter(|(first, row)| *first != row).count();
    assert_eq!(integrity::repeated_rows(&firsts, 0).0, repeated as u64);
}

/// Words two of which share each tag, as strings might.
struct Colliding(Vec<Option<u64>>);

impl Keys for Colliding {
    const EXACT: bool = false;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn tag(&self, row: usize) -> Option<u64> {
        self.0[row].map(|key| key / FACTOR / 2)
    }

    fn same(&self, row: usize, other: &Self, other_row: usize) -> bool {
        self.0[row] == other.0[other_row]
    }
}

/// So many parents that children are parted too, and so many children that it happens twice.
#[test]
fn keys_are_found_in_tables_too_large_to_stay_close() {
    let key = |word: u64| (!word.is_multiple_of(50)).then(|| word % 600_000 * FACTOR);
    let parent: Vec<Option<u64>> = Stream::new(9, 1).map(0, 300_000, key);
    let child: Vec<Option<u64>> = Stream::new(9, 2).map(0, 1_300_000, key);
    let mut first = std::collections::HashMap::new();
    for (key, row) in parent.iter().zip(0_u32..) {
        if let Some(key) = key {
            first.entry(*key).or_insert(row);
        }
    }
    let rows: Vec<u32> = child
        .iter()
        .map(|key| key.and_then(|key| first.get(&key).copied()).unwrap_or(NONE))
        .collect();
    let orphans = rows.iter().zip(&child).filter(|(row, key)| **row == NONE && key.is_some());
    assert!(orphans.count() > 100_000 && child.contains(&None));
    for threads in [1, 5] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| integrity::find_rows(child.as_slice(), parent.as_slice()));
        assert!(found.unwrap() == rows, "{threads} threads");
    }
    let found = integrity::find_rows(&Colliding(child), &Colliding(parent)).unwrap();
    assert!(found == rows, "with colliding tags");
}
