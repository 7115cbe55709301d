//! Weighted choice in constant time.
//!
//! A. Walker's alias method (1977) in the form of M. Vose (1991), on whole numbers: weights are
//! scaled such that they add up to one full unit per slot *exactly*. So no slot is left over
//! to rounding, and what has weight zero is never chosen.

use crate::rng::scale;

/// One full unit of probability.
const UNIT: u64 = 1 << 32;

/// A slot holds its own entry with probability `keep / 2**32`, and otherwise another.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Slot {
    keep: u32,
    own: u32,
    other: u32,
}

/// Lay out slots for the entries, which are chosen in proportion to their weights.
///
/// `weights` has one finite weight, not negative, per entry. If all are zero, every entry is
/// equally likely. Weights below `2**-32` of the mean may be rounded to zero.
pub(crate) fn fill(slots: &mut [Slot], entry: impl Fn(usize) -> u32, weights: &[f64]) {
    for (i, slot) in slots.iter_mut().enumerate() {
        *slot = Slot { keep: 0, own: entry(i), other: entry(i) };
    }
    let Some(mut left) = whole(weights) else { return };
    let mut scan = next(&left, 0, |q| q < UNIT);
    let mut large = next(&left, 0, |q| q >= UNIT);
    let mut small = scan;
    while small < left.len() && large < left.len() {
        slots[small].keep = left[small] as u32;
        slots[small].other = slots[large].own;
        left[large] -= UNIT - left[small];
        if left[large] < UNIT {
            let emptied = large;
            large = next(&left, large + 1, |q| q >= UNIT);
            if emptied < scan {
                // the scan for small slots has passed it by
                small = emptied;
                continue;
            }
        }
        scan = next(&left, scan + 1, |q| q < UNIT);
        small = scan;
    }
}

fn next(left: &[u64], from: usize, wanted: impl Fn(u64) -> bool) -> usize {
    (from..left.len()).find(|i| wanted(left[*i])).unwrap_or(left.len())
}

/// Weights as whole numbers with the sum `weights.len() * UNIT`; none if all are zero.
fn whole(weights: &[f64]) -> Option<Vec<u64>> {
    let (heaviest, max) = weights
        .iter()
        .copied()
        .enumerate()
        .fold((0, 0.0), |best, (i, weight)| if weight > best.1 { (i, weight) } else { best });
    if max == 0.0 {
        return None;
    }
    let total = weights.len() as u64 * UNIT;
    let sum: f64 = weights.iter().map(|weight| weight / max).sum();
    let factor = total as f64 / sum;
    #[allow(clippy::cast_sign_loss)] // neither weights nor factor are negative
    let mut parts: Vec<u64> = weights.iter().map(|weight| (weight / max * factor) as u64).collect();
    // rounding is below one per weight, and the heaviest has a unit at least
    let given: u64 = parts.iter().sum();
    parts[heaviest] = (parts[heaviest] + total).saturating_sub(given);
    Some(parts)
}

/// Choose an entry with a random word.
pub(crate) fn choose(slots: &[Slot], word: u64) -> u32 {
    let (slot, fraction) = scale(word, slots.len() as u64);
    let slot = slots[slot as usize];
    if ((fraction >> 32) as u32) < slot.keep { slot.own } else { slot.other }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exact probability of each entry, in units of 2**-32 of a slot.
    fn shares(weights: &[f64]) -> Vec<u64> {
        let mut slots = vec![Slot::default(); weights.len()];
        fill(&mut slots, |i| i as u32, weights);
        let mut shares = vec![0; weights.len()];
        for slot in slots {
            shares[slot.own as usize] += u64::from(slot.keep);
            shares[slot.other as usize] += UNIT - u64::from(slot.keep);
        }
        shares
    }

    #[test]
    fn shares_are_the_weights() {
        assert_eq!(shares(&[1.0, 3.0]), [UNIT / 2, UNIT / 2 * 3]);
        assert_eq!(shares(&[0.0, 5.0, 0.0, 5.0]), [0, 2 * UNIT, 0, 2 * UNIT]);
        assert_eq!(shares(&[0.0, 0.0]), [UNIT, UNIT]);
        assert_eq!(shares(&[1e300, 1e300, 0.0]), [UNIT / 2 * 3, UNIT / 2 * 3, 0]);
        assert_eq!(shares(&[5e-324]), [UNIT]);
    }

    #[test]
    fn uneven_weights_keep_their_shares_and_zero_stays_zero() {
        let weights: Vec<f64> = (0..1000).map(|i| f64::from(i % 7) * 0.1).collect();
        let sum: f64 = weights.iter().sum();
        for (share, weight) in shares(&weights).into_iter().zip(&weights) {
            let wanted = weight / sum * 1000.0 * UNIT as f64;
            assert!((share as f64 - wanted).abs() < 1001.0, "{share} {wanted}");
            assert_eq!(share == 0, *weight == 0.0);
        }
    }
}
