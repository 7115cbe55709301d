//! Shuffles whose every entry can be found alone.
//!
//! An entry is written as a pair `(high, low)` of digits of about equal size; each round moves
//! one digit on by a keyed function of the other, which is a bijection of all pairs. The few
//! pairs that are too many are followed on until they come back below `n` (a Feistel network
//! with cycle walking, J. Black and P. Rogaway, "Ciphers with arbitrary finite domains",
//! CT-RSA 2002, methods 2 and 3). Short shuffles are dealt card by card.

use rayon::prelude::*;

use crate::error::{Error, Result, check_rows, same_length};
use crate::rng::{Stream, fold, mix, scale};

/// Four rounds make a large network indistinguishable from chance; smaller ones need more.
const ROUNDS: usize = 10;
const LARGE_ROUNDS: usize = 6;
/// From this length on a network is large.
const LARGE: u64 = 1 << 16;
/// Up to this length a network is too small to mix, but one word holds a whole shuffle.
const SHORT: u64 = 16;
const BLOCK: usize = 1 << 13;

/// A family of shuffles: one for every length and tweak.
#[derive(Debug, Clone, Copy)]
pub struct Shuffles {
    keys: [u64; ROUNDS],
}

/// One shuffle of `0..n`.
///
/// # Examples
///
/// ```
/// use synthohive_core::{permute::Shuffles, rng::Stream};
///
/// let shuffles = Shuffles::new(Stream::new(7, 1));
/// let shuffle = shuffles.of(5, 0);
/// let mut places: Vec<u64> = (0..5).map(|i| shuffle.place(i)).collect();
/// places.sort_unstable();
/// assert_eq!(places, [0, 1, 2, 3, 4]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Shuffle<'a> {
    keys: &'a [u64],
    n: u64,
    highs: u64,
    lows: u64,
    tweak: u64,
}

impl Shuffles {
    /// Name a family of shuffles.
    pub fn new(stream: Stream) -> Self {
        Self { keys: std::array::from_fn(|round| stream.word(round as u64)) }
    }

    /// The shuffle of `0..n` that belongs to a tweak; different tweaks are independent.
    pub fn of(&self, n: u64, tweak: u64) -> Shuffle<'_> {
        let lows = n.isqrt().max(1);
        let rounds = if n < LARGE { ROUNDS } else { LARGE_ROUNDS };
        Shuffle { keys: &self.keys[..rounds], n, highs: n.div_ceil(lows), lows, tweak: mix(tweak) }
    }
}

impl Shuffle<'_> {
    /// The place of entry `i`; `i` itself if it is not below `n`.
    pub fn place(&self, i: u64) -> u64 {
        if i >= self.n {
            return i;
        }
        if self.n <= SHORT {
            return self.deal(i as usize, self.n as usize);
        }
        let mut place = self.step(i);
        while place >= self.n {
            place = self.step(place);
        }
        place
    }

    /// Fisher and Yates's shuffle, its choices taken from one word: 16! is far below 2**64.
    fn deal(&self, i: usize, n: usize) -> u64 {
        let mut cards: [u8; SHORT as usize] = std::array::from_fn(|card| card as u8);
        let mut word = mix(self.keys[0] ^ self.tweak);
        for place in 0..=i {
            let (ahead, fraction) = scale(word, (n - place) as u64);
            cards.swap(place, place + ahead as usize);
            word = fraction;
        }
        u64::from(cards[i])
    }

    fn step(&self, i: u64) -> u64 {
        let (mut high, mut low) = (i / self.lows, i % self.lows);
        for keys in self.keys.chunks_exact(2) {
            high = turn(high, self.highs, low ^ keys[0] ^ self.tweak);
            low = turn(low, self.lows, high ^ keys[1] ^ self.tweak);
        }
        high * self.lows + low
    }
}

/// Move a digit on by an amount found from a word, around the circle of its values.
fn turn(digit: u64, digits: u64, word: u64) -> u64 {
    let moved = digit + scale(fold(word), digits).0;
    if moved >= digits { moved - digits } else { moved }
}

/// Shuffle `0..n`.
///
/// # Errors
///
/// [`Error::Capacity`] beyond [`crate::error::ROW_LIMIT`].
///
/// # Examples
///
/// ```
/// use synthohive_core::{permute, rng::Stream};
///
/// let mut all = permute::permutation(1000, Stream::new(7, 1)).unwrap();
/// all.sort_unstable();
/// assert!(all.iter().copied().eq(0..1000));
/// ```
pub fn permutation(n: u64, stream: Stream) -> Result<Vec<u32>> {
    let mut out = vec![0_u32; check_rows(n)?];
    let shuffles = Shuffles::new(stream);
    let shuffle = shuffles.of(n, 0);
    out.par_chunks_mut(BLOCK).enumerate().for_each(|(block, part)| {
        for (slot, i) in part.iter_mut().zip((block * BLOCK) as u64..) {
            *slot = shuffle.place(i) as u32;
        }
    });
    Ok(out)
}

/// The places of single entries in the shuffle of `0..n` that [`permutation`] gives.
///
/// # Errors
///
/// [`Error::Invalid`] if an entry is not below `n`.
///
/// # Examples
///
/// ```
/// use synthohive_core::{permute, rng::Stream};
///
/// let stream = Stream::new(7, 1);
/// let all = permute::permutation(1000, stream).unwrap();
/// assert_eq!(permute::permuted(&[999], 1000, stream).unwrap(), [u64::from(all[999])]);
/// ```
pub fn permuted(rows: &[u64], n: u64, stream: Stream) -> Result<Vec<u64>> {
    if let Some(row) = rows.par_iter().find_first(|row| **row >= n) {
        return Err(Error::invalid("rows", format!("row {row} is not below n, which is {n}")));
    }
    let shuffles = Shuffles::new(stream);
    let shuffle = shuffles.of(n, 0);
    Ok(rows.par_iter().with_min_len(BLOCK).map(|row| shuffle.place(*row)).collect())
}

/// The places of single entries in shuffles of different lengths, one for each group.
///
/// # Errors
///
/// [`Error::Invalid`] if the lengths differ, a group has no size or an entry is not below it.
///
/// # Examples
///
/// ```
/// use synthohive_core::{permute, rng::Stream};
///
/// let (entries, groups) = ([0, 0, 1, 2], [0, 1, 1, 1]);
/// let places = permute::permuted_within(&entries, &groups, &[1, 3], Stream::new(7, 1)).unwrap();
/// assert_eq!(places[0], 0);
/// assert_eq!(places[1] + places[2] + places[3], 3);
/// ```
pub fn permuted_within(
    rows: &[u32],
    groups: &[u32],
    sizes: &[u32],
    stream: Stream,
) -> Result<Vec<u32>> {
    same_length("rows", rows.len(), "groups", groups.len())?;
    let size = |group: u32| sizes.get(group as usize).copied().unwrap_or(0);
    let pairs = || rows.par_iter().zip(groups).with_min_len(BLOCK);
    if let Some((row, group)) = pairs().find_first(|(row, group)| **row >= size(**group)) {
        let size = size(*group);
        let problem = format!("row {row} is not below the size of group {group}, which is {size}");
        return Err(Error::invalid("rows", problem));
    }
    let shuffles = Shuffles::new(stream);
    let place = |row: u32, group: u32| {
        shuffles.of(u64::from(size(group)), u64::from(group)).place(u64::from(row)) as u32
    };
    Ok(pairs().map(|(row, group)| place(*row, *group)).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// How far the counts are from equal, in standard deviations of chi squared.
    fn excess<K: Ord>(seen: &BTreeMap<K, u32>, cells: u32) -> f64 {
        let tries: u32 = seen.values().sum();
        let expected = f64::from(tries) / f64::from(cells);
        let square = |count: u32| (f64::from(count) - expected).powi(2) / expected;
        let unseen = cells - seen.len() as u32;
        let chi2: f64 =
            seen.values().map(|count| square(*count)).sum::<f64>() + f64::from(unseen) * expected;
        let freedom = f64::from(cells - 1);
        (chi2 - freedom) / (2.0 * freedom).sqrt()
    }

    #[test]
    fn small_shuffles_reach_every_order_equally_often() {
        for (n, orders) in [(2_u64, 2_u32), (3, 6), (4, 24), (5, 120)] {
            let mut seen: BTreeMap<Vec<u64>, u32> = BTreeMap::new();
            for seed in 0..u64::from(orders) * 500 {
                let shuffles = Shuffles::new(Stream::new(seed / 4, 0));
                let order = (0..n).map(|i| shuffles.of(n, seed % 4).place(i)).collect();
                *seen.entry(order).or_default() += 1;
            }
            let excess = excess(&seen, orders);
            assert!(excess < 5.0, "n = {n}: {excess} standard deviations");
        }
    }

    #[test]
    fn two_entries_reach_every_two_places_equally_often() {
        for n in [16_u32, 17, 24, 33] {
            let mut seen: BTreeMap<(u64, u64), u32> = BTreeMap::new();
            for seed in 0..u64::from(n * n) * 40 {
                let place =
                    |i| Shuffles::new(Stream::new(seed / 4, 0)).of(u64::from(n), seed % 4).place(i);
                *seen.entry((place(3), place(9))).or_default() += 1;
            }
            let excess = excess(&seen, n * (n - 1));
            assert!(excess < 5.0, "n = {n}: {excess} standard deviations");
        }
    }

    #[test]
    fn parts_of_a_large_shuffle_are_spread_evenly() {
        let n = 1_000_000;
        let mut seen: BTreeMap<(u64, u64), u32> = BTreeMap::new();
        for (place, i) in permutation(n, Stream::new(4, 4)).unwrap().into_iter().zip(0_u64..) {
            // both by block and by remainder, where weak networks leave their traces
            *seen
                .entry((
                    i * 16 / n * 8 + i % 8,
                    u64::from(place) * 16 / n * 8 + u64::from(place) % 8,
                ))
                .or_default() += 1;
        }
        let excess = excess(&seen, 128 * 128);
        assert!(excess.abs() < 5.0, "{excess} standard deviations");
    }

    #[test]
    fn neighbours_are_torn_apart() {
        let n = 100_000;
        let all = permutation(n, Stream::new(5, 5)).unwrap();
        let near = all.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < 100).count();
        // 200 of 100 000 places lie within 100 of a given one
        assert!((100..300).contains(&near), "{near}");
        let fixed = all.iter().zip(0_u32..).filter(|(place, i)| *place == i).count();
        assert!(fixed < 8, "{fixed}");
    }

    #[test]
    fn tweaks_give_different_shuffles() {
        let shuffles = Shuffles::new(Stream::new(1, 2));
        let order = |tweak| (0..50).map(|i| shuffles.of(50, tweak).place(i)).collect::<Vec<_>>();
        assert_ne!(order(1), order(2));
    }

    #[test]
    fn every_group_has_a_shuffle_of_its_own() {
        let sizes: Vec<u32> = vec![0, 1, 7, 300, 300];
        let entries: Vec<(u32, u32)> =
            (0..300).flat_map(|row| (0..5).map(move |group| (row, group))).collect();
        let known = |(row, group): &&(u32, u32)| *row < sizes[*group as usize];
        let (rows, groups): (Vec<u32>, Vec<u32>) = entries.iter().filter(known).copied().unzip();
        let places = permuted_within(&rows, &groups, &sizes, Stream::new(1, 2)).unwrap();
        let of = |wanted: u32| {
            let own = |(place, group): (u32, u32)| (group == wanted).then_some(place);
            places.iter().copied().zip(groups.iter().copied()).filter_map(own).collect::<Vec<_>>()
        };
        for (size, group) in sizes.iter().zip(0..) {
            let mut places = of(group);
            places.sort_unstable();
            assert!(places.iter().copied().eq(0..*size));
        }
        assert_ne!(of(3), of(4));
        for wrong in [(300, 3), (0, 0), (0, 5)] {
            let places = permuted_within(&[wrong.0], &[wrong.1], &sizes, Stream::new(1, 2));
            assert!(matches!(places, Err(Error::Invalid { .. })));
        }
        assert!(permuted_within(&[1], &[], &sizes, Stream::new(1, 2)).is_err());
    }

    #[test]
    fn nothing_and_too_much() {
        assert_eq!(permutation(0, Stream::new(1, 1)), Ok(vec![]));
        assert_eq!(permutation(1, Stream::new(1, 1)), Ok(vec![0]));
        assert!(matches!(permutation(1 << 32, Stream::new(1, 1)), Err(Error::Capacity { .. })));
        assert!(matches!(permuted(&[3], 3, Stream::new(1, 1)), Err(Error::Invalid { .. })));
        let huge = permuted(&[u64::MAX - 1], u64::MAX, Stream::new(1, 1)).unwrap();
        assert!(huge[0] < u64::MAX);
    }
}
