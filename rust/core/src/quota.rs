//! Which parent each child row belongs to, such that every parent gets its share.

use rayon::prelude::*;

use crate::NONE;
use crate::alias::choose;
use crate::draw::all;
use crate::error::{Result, same_length};
use crate::expand::repeat;
use crate::groups::{Groups, histogram};
use crate::permute::Shuffles;
use crate::rng::Stream;

/// Rows per parallel task.
const BLOCK: usize = 1 << 13;

/// Give each row a parent of its group, each parent as often as its quota says.
///
/// The quotas of a group's parents are scaled to the number of rows that want the group and
/// rounded by largest remainder, with ties broken at random; the parents so laid out are then
/// shuffled among those rows. If all quotas of a group are zero, its parents share equally.
/// A group that no parent belongs to is served from all parents, drawn in proportion to the
/// quotas. Group [`NONE`], or no parents at all, gives [`NONE`].
///
/// # Errors
///
/// [`crate::Error::Invalid`] if the lengths differ.
///
/// # Examples
///
/// ```
/// use synthohive_core::{quota, rng::Stream};
///
/// // four rows want group 0, whose parents 0 and 1 have quotas 3 and 1
/// let mut rows = quota::quota(&[0; 4], &[0, 0], &[3, 1], Stream::new(7, 1)).unwrap();
/// rows.sort_unstable();
/// assert_eq!(rows, [0, 0, 0, 1]);
/// ```
pub fn quota(
    groups: &[u32],
    parent_groups: &[u32],
    quotas: &[u32],
    stream: Stream,
) -> Result<Vec<u32>> {
    same_length("quotas", quotas.len(), "parent_groups", parent_groups.len())?;
    let parents = Groups::of(parent_groups, "parent_groups")?;
    let demand = histogram(groups);
    let counts = allotments(&parents, &demand, quotas, stream.substream(0));
    let laid_out = repeat(&parents.rows, &counts)?;
    let begins = begins(&parents, &demand);
    let shuffled = shuffle(&laid_out, &begins, stream.substream(1));
    let mut out = deal(groups, &begins, &shuffled);
    serve_lost(&mut out, groups, quotas, stream.substream(2));
    Ok(out)
}

/// How often each parent is wanted, in the order of `parents.rows`.
fn allotments(parents: &Groups, demand: &[u32], quotas: &[u32], stream: Stream) -> Vec<u32> {
    let mut counts = vec![0_u32; parents.rows.len()];
    let mut tasks = Vec::new();
    let mut rest = counts.as_mut_slice();
    for (&wanted, group) in demand.iter().zip(0_u32..) {
        let members = &parents.rows[parents.range(group)];
        let (own, later) = rest.split_at_mut(members.len());
        rest = later;
        if wanted > 0 && !members.is_empty() {
            tasks.push((wanted, members, own));
        }
    }
    tasks.into_par_iter().with_min_len(64).for_each(|(wanted, members, own)| {
        apportion(wanted, members, quotas, stream, own);
    });
    counts
}

/// Share out `wanted` rows among members by largest remainder.
fn apportion(wanted: u32, members: &[u32], quotas: &[u32], stream: Stream, counts: &mut [u32]) {
    let total: u64 = members.iter().map(|row| u64::from(quotas[*row as usize])).sum();
    let share = |row: u32| match total {
        0 => (u64::from(wanted), members.len() as u64),
        total => (u64::from(wanted) * u64::from(quotas[row as usize]), total),
    };
    let mut left = wanted as usize;
    let mut remainders = Vec::with_capacity(members.len());
    for (at, &row) in members.iter().enumerate() {
        let (product, total) = share(row);
        counts[at] = (product / total) as u32;
        left -= counts[at] as usize;
        if product % total > 0 {
            remainders.push((product % total, stream.word(u64::from(row)), at));
        }
    }
    if left == 0 {
        return;
    }
    // fewer are left than there are remainders, because each remainder is less than a whole
    remainders.select_nth_unstable_by(left - 1, |a, b| b.cmp(a));
    for (_, _, at) in &remainders[..left] {
        counts[*at] += 1;
    }
}

/// Where the parents laid out for each group begin, and where the last ones end.
///
/// Groups without parents take no room.
fn begins(parents: &Groups, demand: &[u32]) -> Vec<u32> {
    let mut total = 0;
    let mut begins = vec![total];
    begins.extend(demand.iter().zip(0_u32..).map(|(&wanted, group)| {
        if !parents.range(group).is_empty() {
            total += wanted;
        }
        total
    }));
    begins
}

/// Shuffle what is laid out within each group.
fn shuffle(laid_out: &[u32], begins: &[u32], stream: Stream) -> Vec<u32> {
    let shuffles = Shuffles::new(stream);
    let mut out = vec![0_u32; laid_out.len()];
    // a task may begin and end within a group, so that one large group is shared out too
    out.par_chunks_mut(BLOCK).enumerate().for_each(|(block, mut part)| {
        let mut at = block * BLOCK;
        while !part.is_empty() {
            let next = begins.partition_point(|begin| *begin as usize <= at);
            let (begin, end) = (begins[next - 1] as usize, begins[next] as usize);
            let own = &laid_out[begin..end];
            let shuffle = shuffles.of(own.len() as u64, next as u64);
            let (now, later) = part.split_at_mut(part.len().min(end - at));
            for (slot, i) in now.iter_mut().zip((at - begin) as u64..) {
                *slot = own[shuffle.place(i) as usize];
            }
            at += now.len();
            part = later;
        }
    });
    out
}

/// Deal the parents of each group to its rows, in the order of the rows.
fn deal(groups: &[u32], begins: &[u32], shuffled: &[u32]) -> Vec<u32> {
    let mut cursor = begins.to_vec();
    let deal = |&group: &u32| {
        let group = group as usize;
        match begins.get(group.saturating_add(1)) {
            Some(end) if cursor[group] < *end => {
                cursor[group] += 1;
                shuffled[cursor[group] as usize - 1]
            }
            _ => NONE,
        }
    };
    groups.iter().map(deal).collect()
}

/// Give the rows whose group has no parents one of all parents.
fn serve_lost(out: &mut [u32], groups: &[u32], quotas: &[u32], stream: Stream) {
    if quotas.is_empty() || !out.iter().zip(groups).any(|(row, group)| row != group && *row == NONE)
    {
        return;
    }
    let weights: Vec<f64> = quotas.iter().map(|quota| f64::from(*quota)).collect();
    let everyone = all(&weights);
    out.par_iter_mut().zip(groups).enumerate().with_min_len(BLOCK).for_each(
        |(i, (slot, group))| {
            if *slot == NONE && *group != NONE {
                *slot = choose(&everyone, stream.word(i as u64));
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: Stream = Stream::new(1, 2);

    fn used(rows: &[u32], parents: usize) -> Vec<u32> {
        let mut used = vec![0; parents];
        rows.iter().filter(|row| **row != NONE).for_each(|row| used[*row as usize] += 1);
        used
    }

    #[test]
    fn quotas_are_met_exactly_when_they_fit() {
        let groups: Vec<u32> = (0..100).map(|i| i % 2).collect();
        let rows = quota(&groups, &[0, 1, 0, 1], &[30, 10, 20, 40], STREAM).unwrap();
        assert_eq!(used(&rows, 4), [30, 10, 20, 40]);
        assert!(rows.iter().zip(&groups).all(|(row, group)| row % 2 == *group));
        assert!(rows.windows(2).any(|pair| pair[0] > pair[1]), "shuffled");
    }

    #[test]
    fn quotas_are_scaled_to_the_demand() {
        let rows = quota(&[0; 10], &[0, 0, 0], &[1, 1, 1], STREAM).unwrap();
        let mut found = used(&rows, 3);
        found.sort_unstable();
        assert_eq!(found, [3, 3, 4]);
        assert_eq!(used(&quota(&[0; 5], &[0, 0], &[0, 9], STREAM).unwrap(), 2), [0, 5]);
        assert_eq!(used(&quota(&[0; 4], &[0, 0], &[0, 0], STREAM).unwrap(), 2), [2, 2]);
    }

    #[test]
    fn ties_are_broken_at_random() {
        let winner = |seed| quota(&[0], &[0, 0], &[1, 1], Stream::new(seed, 0)).unwrap()[0];
        let ones = (0..400).filter(|seed| winner(*seed) == 1).count();
        assert!((140..260).contains(&ones), "{ones}");
    }

    #[test]
    fn lost_groups_and_missing_parents() {
        let rows = quota(&[5; 50], &[0, 0], &[0, 1], STREAM).unwrap();
        assert_eq!(rows, [1; 50]);
        assert_eq!(quota(&[0, NONE], &[], &[], STREAM), Ok(vec![NONE, NONE]));
        assert_eq!(quota(&[NONE, 0], &[0], &[3], STREAM), Ok(vec![NONE, 0]));
        assert!(quota(&[0], &[0], &[], STREAM).is_err());
    }

    #[test]
    fn parents_between_lost_groups_stay_in_their_group() {
        let groups = [0, 1, 2, 1, 0, 2];
        let rows = quota(&groups, &[2, 2, 1, NONE], &[1, 1, 1, 0], STREAM).unwrap();
        assert_eq!((rows[1], rows[3]), (2, 2));
        assert_eq!(rows[2] + rows[5], 1);
    }
}
