//! What holds for every input.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use synthohive_core::rng::Stream;
use synthohive_core::{Error, NONE, draw, expand, graph, integrity, pairs, permute, quota};

fn edges() -> impl Strategy<Value = (Vec<String>, Vec<(String, String)>)> {
    (1_usize..9).prop_flat_map(|n| {
        let edge = (0..n, 0..n).prop_map(|(child, parent)| (name(child), name(parent)));
        (Just((0..n).map(name).collect()), vec(edge, 0..14))
    })
}

fn name(table: usize) -> String {
    // names in another order than the numbers
    format!("{} é \"{table}\"", table * 7 % 10)
}

fn counts() -> impl Strategy<Value = Vec<u32>> {
    vec(prop_oneof![4 => 0_u32..4, 1 => 0_u32..60], 0..200)
}

/// Group codes with some rows of no group.
fn groups(size: usize) -> impl Strategy<Value = Vec<u32>> {
    vec(prop_oneof![9 => 0_u32..6, 1 => Just(NONE)], 0..size)
}

proptest! {
    #[test]
    fn parents_stand_in_earlier_levels_or_a_real_cycle_is_told((tables, edges) in edges()) {
        match graph::levels(&tables, &edges) {
            Ok(levels) => {
                let level: BTreeMap<&String, usize> = levels
                    .iter()
                    .enumerate()
                    .flat_map(|(at, names)| names.iter().map(move |name| (name, at)))
                    .collect();
                prop_assert_eq!(level.len(), tables.len());
                prop_assert!(levels.iter().all(|names| names.is_sorted() && !names.is_empty()));
                for (child, parent) in &edges {
                    prop_assert!(child == parent || level[parent] < level[child]);
                }
            }
            Err(Error::Cycle { path }) => {
                let edges: BTreeSet<(&String, &String)> =
                    edges.iter().map(|(child, parent)| (child, parent)).collect();
                prop_assert!(path.windows(2).all(|step| edges.contains(&(&step[0], &step[1]))));
                let inner: BTreeSet<&String> = path[1..].iter().collect();
                prop_assert_eq!(inner.len(), path.len() - 1, "no table twice");
                prop_assert!(path.len() > 2 && path.first() == path.last());
                prop_assert_eq!(path.first(), path.iter().min());
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn children_lie_where_their_counts_say(counts in counts(), start in 0_u64..1000) {
        let rows = expand::parent_rows(&counts, start).unwrap();
        let offsets = expand::child_offsets(&counts);
        let siblings = expand::sibling_positions(&counts).unwrap();
        prop_assert_eq!(offsets.last().copied(), Some(rows.len() as u64));
        prop_assert_eq!(siblings.len(), rows.len());
        for (child, (row, sibling)) in rows.iter().zip(&siblings).enumerate() {
            let parent = (u64::from(*row) - start) as usize;
            prop_assert_eq!(child as u64, offsets[parent] + u64::from(*sibling));
            prop_assert!(*sibling < counts[parent]);
        }
    }

    #[test]
    fn counting_children_undoes_expansion(counts in counts()) {
        let rows = expand::parent_rows(&counts, 0).unwrap();
        prop_assert_eq!(expand::children_per_parent(&rows, counts.len() as u64), Ok(counts));
    }

    #[test]
    fn repeated_values_are_those_of_the_parents(counts in counts(), seed: u64) {
        let values = Stream::new(seed, 0).words(0, counts.len());
        let rows = expand::parent_rows(&counts, 0).unwrap();
        let wide: Vec<u64> = rows.iter().map(|row| values[*row as usize]).collect();
        let narrow: Vec<u8> = wide.iter().map(|value| *value as u8).collect();
        let bytes: Vec<u8> = values.iter().map(|value| *value as u8).collect();
        prop_assert_eq!(expand::repeat(&values, &counts), Ok(wide));
        prop_assert_eq!(expand::repeat(&bytes, &counts), Ok(narrow));
    }

    #[test]
    fn any_cut_gives_the_same_numbers(seed: u64, id: u64, start in 0_u64..99, n in 0_usize..99, m in 0_usize..99) {
        let stream = Stream::new(seed, id);
        let mut cut = stream.words(start, n);
        cut.extend(stream.words(start + n as u64, m));
        prop_assert_eq!(cut, stream.words(start, n + m));
    }

    #[test]
    fn shuffles_are_bijections(n in 0_u64..3000, seed: u64, id: u64) {
        let stream = Stream::new(seed, id);
        let shuffled = permute::permutation(n, stream).unwrap();
        let alone = permute::permuted(&(0..n).collect::<Vec<_>>(), n, stream).unwrap();
        prop_assert!(alone.iter().copied().eq(shuffled.iter().map(|place| u64::from(*place))));
        let places: BTreeSet<u32> = shuffled.into_iter().collect();
        prop_assert!(places.into_iter().map(u64::from).eq(0..n));
    }

    #[test]
    fn weightless_parents_are_never_drawn(weights in vec(prop_oneof![Just(0.0), 1e-3..1e9], 1..60), seed: u64) {
        let rows = draw::weighted(500, &weights, Stream::new(seed, 0), 3).unwrap();
        let all_zero = weights.iter().all(|weight| *weight == 0.0);
        prop_assert!(rows.iter().all(|row| all_zero || weights[*row as usize] > 0.0));
    }

    #[test]
    fn draws_stay_in_their_group(groups in groups(300), parents in groups(40), seed: u64) {
        let rows = draw::grouped(&groups, &parents, None, Stream::new(seed, 0), 0).unwrap();
        let quotas = vec![2; parents.len()];
        let by_quota = quota::quota(&groups, &parents, &quotas, Stream::new(seed, 1)).unwrap();
        for (row, group) in rows.iter().zip(&groups).chain(by_quota.iter().zip(&groups)) {
            if *group == NONE || parents.is_empty() {
                prop_assert_eq!(*row, NONE);
            } else if parents.contains(group) {
                prop_assert_eq!(parents[*row as usize], *group);
            } else {
                prop_assert!((*row as usize) < parents.len());
            }
        }
    }

    #[test]
    fn every_parent_gets_its_quota_but_for_rounding(
        groups in groups(400),
        parents in vec((prop_oneof![9 => 0_u32..6, 1 => Just(NONE)], 0_u32..9), 0..40),
        seed: u64,
    ) {
        let (parents, quotas): (Vec<u32>, Vec<u32>) = parents.into_iter().unzip();
        let rows = quota::quota(&groups, &parents, &quotas, Stream::new(seed, 0)).unwrap();
        let mut used = vec![0_u32; parents.len()];
        for (row, group) in rows.iter().zip(&groups) {
            if *row != NONE && parents[*row as usize] == *group {
                used[*row as usize] += 1;
            }
        }
        for (parent, group) in parents.iter().enumerate().filter(|(_, group)| **group != NONE) {
            let wanted = groups.iter().filter(|g| *g == group).count() as f64;
            let members = parents.iter().zip(&quotas).filter(|(g, _)| *g == group);
            let (number, total) = members.fold((0, 0), |(n, t), (_, q)| (n + 1, t + q));
            let share = match total {
                0 => 1.0 / f64::from(number),
                total => f64::from(quotas[parent]) / f64::from(total),
            };
            prop_assert!((f64::from(used[parent]) - wanted * share).abs() < 1.0);
        }
    }

    #[test]
    fn pairs_become_distinct_and_first_ones_stay(
        rows in vec((option::weighted(0.9, 0_u32..5), option::weighted(0.9, 0_u32..60)), 0..150),
        seed: u64,
    ) {
        let side = |value: Option<u32>| value.unwrap_or(NONE);
        let left: Vec<u32> = rows.iter().map(|row| side(row.0)).collect();
        let right: Vec<u32> = rows.iter().map(|row| side(row.1)).collect();
        let repaired = match pairs::distinct(&left, &right, 60, Stream::new(seed, 0)) {
            Ok(repaired) => repaired,
            Err(error) => {
                prop_assert!((0..5).any(|value| left.iter().filter(|l| **l == value).count() > 60));
                let is_capacity = matches!(error, Error::Capacity { .. });
                prop_assert!(is_capacity, "{error}");
                return Ok(());
            }
        };
        let mut before = BTreeSet::new();
        let mut after = BTreeSet::new();
        for i in 0..rows.len() {
            if left[i] == NONE || right[i] == NONE {
                prop_assert_eq!(repaired[i], right[i]);
                continue;
            }
            prop_assert!(repaired[i] < 60 && after.insert((left[i], repaired[i])));
            if before.insert((left[i], right[i])) {
                prop_assert_eq!(repaired[i], right[i]);
            }
        }
    }

    #[test]
    fn found_rows_are_the_first_with_the_key(
        child in vec(option::of(0_u64..40), 0..120),
        parent in vec(option::of(0_u64..30), 0..80),
        factor in prop_oneof![Just(1_u64), Just(u64::MAX / 40), any::<u64>()],
    ) {
        let spread = |keys: &[Option<u64>]| -> Vec<Option<u64>> {
            keys.iter().map(|key| key.map(|key| key.wrapping_mul(factor))).collect()
        };
        let (child, parent) = (spread(&child), spread(&parent));
        let mut first = HashMap::new();
        for (key, row) in parent.iter().zip(0_u32..) {
            if let Some(key) = key {
                first.entry(*key).or_insert(row);
            }
        }
        let wanted = |keys: &[Option<u64>]| -> Vec<u32> {
            keys.iter().map(|key| key.and_then(|key| first.get(&key).copied()).unwrap_or(NONE)).collect()
        };
        let found = integrity::find_rows(child.as_slice(), parent.as_slice()).unwrap();
        prop_assert_eq!(found, wanted(&child));
        prop_assert_eq!(integrity::first_rows(parent.as_slice()).unwrap(), wanted(&parent));
    }

    #[test]
    fn joined_keys_match_where_all_columns_do(
        child in vec((option::of(0_u64..6), option::of(0_u64..6), option::of(0_u64..6)), 0..100),
        parent in vec((option::of(0_u64..6), option::of(0_u64..6), option::of(0_u64..6)), 0..100),
    ) {
        type Key = (Option<u64>, Option<u64>, Option<u64>);
        let column = |keys: &[Key], pick: fn(&Key) -> Option<u64>| -> Vec<Option<u64>> {
            keys.iter().map(pick).collect()
        };
        let matches = |pick: fn(&Key) -> Option<u64>| {
            integrity::matches(column(&child, pick).as_slice(), column(&parent, pick).as_slice()).unwrap()
        };
        let pair = integrity::join(&matches(|key| key.0), &matches(|key| key.1)).unwrap();
        let found = integrity::join(&pair, &matches(|key| key.2)).unwrap();
        let wanted = |key: &Key| match key {
            (Some(_), Some(_), Some(_)) => {
                parent.iter().position(|other| other == key).map_or(NONE, |row| row as u32)
            }
            _ => NONE,
        };
        prop_assert_eq!(found.child, child.iter().map(wanted).collect::<Vec<_>>());
        prop_assert_eq!(found.parent, parent.iter().map(wanted).collect::<Vec<_>>());
    }
}
