//! Random numbers as a function of their address.
//!
//! A number is found from `(seed, stream, row)` alone, so any split of the rows over blocks,
//! threads or machines gives the same numbers. The function is Philox2x64 with ten rounds, by
//! J. Salmon, M. Moraes, R. Dror and D. Shaw, "Parallel random numbers: as easy as 1, 2, 3"
//! (SC 2011): the key is the seed, the counter is `(row / 2, stream)`, and the two words it
//! gives serve an even row and the odd row after it.

use rayon::prelude::*;

/// Rows found by one task, at least: enough to hide the scheduling, few enough to share out.
const TASK: usize = 1 << 14;
/// Rows whose words are found before values are made of them: few enough to stay close.
const BLOCK: usize = 128;
const ROUNDS: usize = 10;
/// Counters worked on side by side, so that their multiplications overlap; more would not fit
/// in the registers.
const LANES: usize = 4;
const MULTIPLIER: u64 = 0xD2B7_4407_B1CE_6E93;
/// 2**64 divided by the golden ratio: Philox's step from key to key.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// One addressable sequence of random 64-bit words.
///
/// # Examples
///
/// ```
/// use synthohive_core::rng::Stream;
///
/// let stream = Stream::new(7, 1);
/// assert_eq!(stream.words(100, 3), [stream.word(100), stream.word(101), stream.word(102)]);
/// assert_ne!(stream.word(0), Stream::new(7, 2).word(0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    seed: u64,
    id: u64,
}

impl Stream {
    /// Name a stream.
    pub const fn new(seed: u64, id: u64) -> Self {
        Self { seed, id }
    }

    /// A further stream for another purpose or attempt at the same rows.
    #[must_use]
    pub const fn substream(self, purpose: u64) -> Self {
        Self { seed: self.seed, id: mix(self.id ^ mix(purpose.wrapping_add(1))) }
    }

    /// The word at `row`.
    pub fn word(self, row: u64) -> u64 {
        let lanes = self.lanes::<1>(row / 2);
        if row.is_multiple_of(2) { lanes[0][0] } else { lanes[1][0] }
    }

    /// A whole number below `bound` for `row`; zero if `bound` is zero.
    ///
    /// The bias is at most `bound / 2**64`, which no sample could show.
    pub fn below(self, row: u64, bound: u64) -> u64 {
        scale(self.word(row), bound).0
    }

    /// The words at rows `start..start + n`.
    pub fn words(self, start: u64, n: usize) -> Vec<u64> {
        self.map(start, n, |word| word)
    }

    /// Numbers in `[0, 1)` at rows `start..start + n`, multiples of 2**-53.
    ///
    /// # Examples
    ///
    /// ```
    /// use synthohive_core::rng::Stream;
    ///
    /// let all = Stream::new(7, 1).uniform(0, 1000);
    /// assert!(all.iter().all(|x| (0.0..1.0).contains(x)));
    /// assert_eq!(Stream::new(7, 1).uniform(600, 400), all[600..]);
    /// ```
    pub fn uniform(self, start: u64, n: usize) -> Vec<f64> {
        self.map(start, n, unit)
    }

    /// Make a value from the word of each row, in parallel.
    pub fn map<T, F>(self, start: u64, n: usize, value: F) -> Vec<T>
    where
        T: Copy + Send,
        F: Fn(u64) -> T + Sync,
    {
        self.map_rows(start, n, |_, word| value(word))
    }

    /// Like [`Stream::map`], also told the position `0..n` of the row.
    pub fn map_rows<T, F>(self, start: u64, n: usize, value: F) -> Vec<T>
    where
        T: Copy + Send,
        F: Fn(usize, u64) -> T + Sync,
    {
        let words = |first: usize| self.block(start.wrapping_add(first as u64));
        let block = |block: usize| {
            let first = block * BLOCK;
            let words = words(first);
            std::array::from_fn(|i| value(first + i, words[i]))
        };
        // collected block by block, because then no memory is cleared only to be overwritten
        let mut blocks: Vec<[T; BLOCK]> = Vec::with_capacity(n.div_ceil(BLOCK));
        let whole = (0..n / BLOCK).into_par_iter().with_min_len(TASK / BLOCK);
        whole.map(block).collect_into_vec(&mut blocks);
        let mut out = blocks.into_flattened();
        let first = out.len();
        if first < n {
            out.extend((first..n).zip(words(first)).map(|(row, word)| value(row, word)));
        }
        out
    }

    /// The words at rows `start..start + BLOCK`.
    ///
    /// Kept apart from what is made of them, which would take registers away.
    #[inline(never)]
    fn block(self, start: u64) -> [u64; BLOCK] {
        let mut words = [0; BLOCK];
        let (batches, _) = words.as_chunks_mut::<{ 2 * LANES }>();
        for (batch, part) in batches.iter_mut().enumerate() {
            let [even, odd] = self.lanes::<LANES>((start / 2).wrapping_add((batch * LANES) as u64));
            for lane in 0..LANES {
                part[2 * lane] = even[lane];
                part[2 * lane + 1] = odd[lane];
            }
        }
        if !start.is_multiple_of(2) {
            // the first word belongs to the row before
            words.rotate_left(1);
            words[BLOCK - 1] = self.word(start.wrapping_add(BLOCK as u64 - 1));
        }
        words
    }

    /// Philox at counters `first..first + N`: the words of the even rows and of the odd rows.
    fn lanes<const N: usize>(self, first: u64) -> [[u64; N]; 2] {
        let mut even: [u64; N] = std::array::from_fn(|lane| first.wrapping_add(lane as u64));
        let mut odd = [self.id; N];
        let mut key = self.seed;
        for _ in 0..ROUNDS {
            for (even, odd) in even.iter_mut().zip(&mut odd) {
                let product = u128::from(MULTIPLIER) * u128::from(*even);
                *even = (product >> 64) as u64 ^ key ^ *odd;
                *odd = product as u64;
            }
            key = key.wrapping_add(GOLDEN);
        }
        [even, odd]
    }
}

/// A word as a number in `[0, 1)`: its upper 53 bits.
pub(crate) fn unit(word: u64) -> f64 {
    (word >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// Scale a word to `0..bound`, and keep the remainder as a fresh fraction of 2**64.
///
/// The remainder has `64 - log2(bound)` random bits left, 32 for any bound in use here.
pub(crate) fn scale(word: u64, bound: u64) -> (u64, u64) {
    let product = u128::from(word) * u128::from(bound);
    ((product >> 64) as u64, product as u64)
}

/// Mix all bits of a word into all others: a bijection.
///
/// The finaliser of `MurmurHash3` with the constants of D. Stafford, "Better bit mixing",
/// variant 13, after a step that keeps zero from being a fixed point.
pub(crate) const fn mix(word: u64) -> u64 {
    let mut z = word.wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Spread a word over all bits by one multiplication: quicker than [`mix`], no bijection.
pub(crate) const fn fold(word: u64) -> u64 {
    let product = (word ^ GOLDEN) as u128 * 0xD6E8_FEB8_6659_FD93;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers published with the authors' implementation (`kat_vectors`).
    #[test]
    fn philox_gives_the_published_answers() {
        let zero = Stream::new(0, 0).lanes::<1>(0);
        assert_eq!(zero, [[0xca00_a045_9843_d731], [0x66c2_4222_c9a8_45b5]]);
        let ones = Stream::new(u64::MAX, u64::MAX).lanes::<1>(u64::MAX);
        assert_eq!(ones, [[0x65b0_21d6_0cd8_310f], [0x4d02_f322_2f86_df20]]);
        let pi = Stream::new(0xa409_3822_299f_31d0, 0x1319_8a2e_0370_7344);
        let pi = pi.lanes::<1>(0x243f_6a88_85a3_08d3);
        assert_eq!(pi, [[0x0a5e_742c_2997_341c], [0xb0f8_83d3_8000_de5d]]);
    }

    #[test]
    fn blocks_join_without_a_seam() {
        let stream = Stream::new(3, 9);
        let n = 3 * TASK + 5;
        let all = stream.words(1, n);
        for cut in [1, 2, BLOCK - 1, BLOCK + 1, TASK, n - 1] {
            let mut parts = stream.words(1, cut);
            parts.extend(stream.words(1 + cut as u64, n - cut));
            assert_eq!(parts, all, "cut at {cut}");
        }
        assert_eq!(all[BLOCK], stream.word(1 + BLOCK as u64));
        assert!(stream.words(5, 0).is_empty());
    }

    #[test]
    fn uniform_numbers_fill_the_unit_interval_evenly() {
        let values = Stream::new(11, 4).uniform(0, 200_000);
        let mut bins = [0_u32; 20];
        for x in &values {
            let bin = (1..20).take_while(|edge| *x >= f64::from(*edge) / 20.0).count();
            bins[bin] += 1;
        }
        // 10 000 expected per bin, standard deviation 97
        assert!(bins.iter().all(|b| b.abs_diff(10_000) < 500), "{bins:?}");
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!((mean - 0.5).abs() < 0.003, "{mean}");
    }

    #[test]
    fn nothing_lies_below_nothing() {
        assert_eq!(Stream::new(1, 1).below(0, 0), 0);
        assert!((0..1000).all(|row| Stream::new(1, 1).below(row, 3) < 3));
    }
}
