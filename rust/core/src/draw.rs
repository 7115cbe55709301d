//! Which parent each child row belongs to, drawn row by row.

use rayon::prelude::*;

use crate::NONE;
use crate::alias::{Slot, choose, fill};
use crate::error::{Error, Result, check_rows, same_length};
use crate::groups::Groups;
use crate::rng::{Stream, scale};

/// Rows per parallel task.
const BLOCK: usize = 1 << 14;

/// Draw one of `parents` parents for each of the rows `start..start + n`, all equally likely.
///
/// Without parents every row gets [`NONE`].
///
/// # Errors
///
/// [`Error::Capacity`] beyond [`crate::error::ROW_LIMIT`].
///
/// # Examples
///
/// ```
/// use synthohive_core::{NONE, draw, rng::Stream};
///
/// assert_eq!(draw::uniform(2, 1, Stream::new(7, 1), 0).unwrap(), [0, 0]);
/// assert_eq!(draw::uniform(2, 0, Stream::new(7, 1), 0).unwrap(), [NONE, NONE]);
/// ```
pub fn uniform(n: u64, parents: u64, stream: Stream, start: u64) -> Result<Vec<u32>> {
    let n = check_rows(n)?;
    if check_rows(parents)? == 0 {
        return Ok(vec![NONE; n]);
    }
    Ok(stream.map(start, n, |word| scale(word, parents).0 as u32))
}

/// Draw a parent for each of the rows `start..start + n` in proportion to the weights.
///
/// If all weights are zero every parent is equally likely; without parents every row gets
/// [`NONE`].
///
/// # Errors
///
/// [`Error::Invalid`] if a weight is negative or not finite.
///
/// # Examples
///
/// ```
/// use synthohive_core::{draw, rng::Stream};
///
/// let rows = draw::weighted(3, &[0.0, 2.5, 0.0], Stream::new(7, 1), 0).unwrap();
/// assert_eq!(rows, [1, 1, 1]);
/// ```
pub fn weighted(n: u64, weights: &[f64], stream: Stream, start: u64) -> Result<Vec<u32>> {
    let n = check_rows(n)?;
    check_weights(weights)?;
    if weights.is_empty() {
        return Ok(vec![NONE; n]);
    }
    let slots = all(weights);
    Ok(stream.map(start, n, |word| choose(&slots, word)))
}

/// Draw a parent of the wanted group for each row, in proportion to the weights.
///
/// `groups[i]` is what the row `start + i` wants; [`NONE`] gets [`NONE`]. Without weights, or
/// where all weights of a group are zero, its parents are equally likely. A group that no
/// parent belongs to is served from all parents.
///
/// # Errors
///
/// [`Error::Invalid`] if a weight is negative or not finite, or the lengths differ.
///
/// # Examples
///
/// ```
/// use synthohive_core::{NONE, draw, rng::Stream};
///
/// // parent 0 is of group 5, parent 1 of group 8
/// let rows = draw::grouped(&[8, 5, NONE], &[5, 8], None, Stream::new(7, 1), 0).unwrap();
/// assert_eq!(rows, [1, 0, NONE]);
/// ```
pub fn grouped(
    groups: &[u32],
    parent_groups: &[u32],
    weights: Option<&[f64]>,
    stream: Stream,
    start: u64,
) -> Result<Vec<u32>> {
    if let Some(weights) = weights {
        same_length("weights", weights.len(), "parent_groups", parent_groups.len())?;
        check_weights(weights)?;
    }
    let parents = Groups::of(parent_groups, "parent_groups")?;
    let urns = urns(&parents, weights);
    let is_lost = |group: &u32| *group != NONE && parents.range(*group).is_empty();
    let everyone = if groups.par_iter().with_min_len(BLOCK).any(is_lost) {
        match weights {
            Some(weights) => all(weights),
            None => all(&vec![1.0; parent_groups.len()]),
        }
    } else {
        Vec::new()
    };
    Ok(stream.map_rows(start, groups.len(), |i, word| {
        let group = groups[i];
        let urn = match parents.range(group) {
            range if !range.is_empty() => &urns[range],
            _ => everyone.as_slice(),
        };
        if group == NONE || urn.is_empty() { NONE } else { choose(urn, word) }
    }))
}

/// One urn with all parents in it.
pub(crate) fn all(weights: &[f64]) -> Vec<Slot> {
    let mut slots = vec![Slot::default(); weights.len()];
    fill(&mut slots, |i| i as u32, weights);
    slots
}

/// One urn per group, lying where its parents lie in `parents.rows`.
fn urns(parents: &Groups, weights: Option<&[f64]>) -> Vec<Slot> {
    let mut slots = vec![Slot::default(); parents.rows.len()];
    let mut tasks = Vec::with_capacity(parents.len());
    let mut rest = slots.as_mut_slice();
    for group in 0..parents.len() as u32 {
        let members = &parents.rows[parents.range(group)];
        let (urn, later) = rest.split_at_mut(members.len());
        tasks.push((members, urn));
        rest = later;
    }
    tasks.into_par_iter().with_min_len(64).for_each(|(members, urn)| {
        let own: Vec<f64> = match weights {
            Some(weights) => members.iter().map(|row| weights[*row as usize]).collect(),
            None => vec![1.0; members.len()],
        };
        fill(urn, |i| members[i], &own);
    });
    slots
}

fn check_weights(weights: &[f64]) -> Result<()> {
    match weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
        None => Ok(()),
        Some(at) => Err(Error::invalid(
            "weights",
            format!("entry {at} is {}, but weights are finite and not negative", weights[at]),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: Stream = Stream::new(1, 2);

    fn shares(rows: &[u32], parents: usize) -> Vec<f64> {
        let mut counts = vec![0.0; parents];
        for row in rows {
            counts[*row as usize] += 1.0 / rows.len() as f64;
        }
        counts
    }

    #[test]
    fn weighted_draws_have_the_shares_of_the_weights() {
        let rows = weighted(200_000, &[1.0, 0.0, 2.0, 7.0], STREAM, 0).unwrap();
        for (share, wanted) in shares(&rows, 4).into_iter().zip([0.1, 0.0, 0.2, 0.7]) {
            assert!((share - wanted).abs() < 0.006, "{share} {wanted}");
        }
    }

    #[test]
    fn groups_are_served_from_their_own_parents() {
        let parent_groups = [0, 1, 0, 3, 1];
        let weights = [1.0, 0.0, 3.0, 1.0, 0.0];
        let groups: Vec<u32> = (0..100_000).map(|i| i % 2).collect();
        let rows = grouped(&groups, &parent_groups, Some(&weights), STREAM, 0).unwrap();
        assert!(rows.iter().zip(&groups).all(|(row, g)| parent_groups[*row as usize] == *g));
        let found = shares(&rows, 5);
        // group 1 has no weight at all, so both of its parents are equally likely
        for (share, wanted) in found.into_iter().zip([0.125, 0.25, 0.375, 0.0, 0.25]) {
            assert!((share - wanted).abs() < 0.01, "{share} {wanted}");
        }
    }

    #[test]
    fn a_group_without_parents_is_served_from_all_of_them() {
        let rows = grouped(&[9; 1000], &[0, 1], Some(&[0.0, 1.0]), STREAM, 0).unwrap();
        assert_eq!(rows, [1; 1000]);
        assert_eq!(grouped(&[0, 9], &[], None, STREAM, 0), Ok(vec![NONE, NONE]));
        // parents of no group are still among all parents
        let rows = grouped(&[0; 100], &[NONE, NONE], None, STREAM, 0).unwrap();
        assert!(rows.contains(&0) && rows.contains(&1));
    }

    #[test]
    fn bad_weights_are_named() {
        let error = weighted(1, &[1.0, f64::NAN], STREAM, 0).unwrap_err();
        assert!(error.to_string().contains("entry 1 is NaN"), "{error}");
        assert!(weighted(1, &[-1.0], STREAM, 0).is_err());
        assert!(grouped(&[0], &[0, 0], Some(&[1.0]), STREAM, 0).is_err());
    }

    #[test]
    fn nothing_is_drawn_from_nothing() {
        assert_eq!(weighted(2, &[], STREAM, 0), Ok(vec![NONE, NONE]));
        assert_eq!(grouped(&[], &[0], None, STREAM, 0), Ok(vec![]));
        assert_eq!(uniform(0, 5, STREAM, 0), Ok(vec![]));
    }
}
