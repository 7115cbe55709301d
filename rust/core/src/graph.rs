//! Order of the tables: parents before children.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::error::{Error, Result};

/// Parents of each table. Ordered containers make every answer independent of input order.
type Parents<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Sort tables into levels such that every parent stands in an earlier level.
///
/// Edges are `(child, parent)`. A table's level is the length of the longest way from it to a
/// table without parents. Edges from a table to itself say nothing about the order and are
/// ignored. Within a level the names are sorted.
///
/// # Errors
///
/// [`Error::UnknownTable`] if an edge names a table that is not in `tables`, and
/// [`Error::Cycle`] with the shortest cycle if there is no order.
///
/// # Examples
///
/// ```
/// use synthohive_core::graph::levels;
///
/// let tables = ["orders", "users", "items"];
/// let edges = [("orders", "users"), ("items", "orders"), ("items", "items")];
/// assert_eq!(levels(&tables, &edges).unwrap(), [["users"], ["orders"], ["items"]]);
/// ```
pub fn levels<S: AsRef<str>>(tables: &[S], edges: &[(S, S)]) -> Result<Vec<Vec<String>>> {
    let parents = parents_of(tables, edges)?;
    let mut waiting: BTreeMap<&str, usize> = parents.iter().map(|(t, p)| (*t, p.len())).collect();
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (table, table_parents) in &parents {
        for parent in table_parents {
            children.entry(parent).or_default().push(table);
        }
    }
    let mut levels = Vec::new();
    let mut placed = 0;
    let mut ready: BTreeSet<&str> =
        waiting.iter().filter(|(_, left)| **left == 0).map(|(t, _)| *t).collect();
    while !ready.is_empty() {
        placed += ready.len();
        let level = std::mem::take(&mut ready);
        for child in level.iter().flat_map(|t| children.get(t).into_iter().flatten()) {
            if let Some(left) = waiting.get_mut(child) {
                *left -= 1;
                if *left == 0 {
                    ready.insert(child);
                }
            }
        }
        levels.push(level.into_iter().map(str::to_owned).collect());
    }
    if placed < parents.len() {
        return Err(Error::Cycle { path: shortest_cycle(&parents) });
    }
    Ok(levels)
}

fn parents_of<'a, S: AsRef<str>>(tables: &'a [S], edges: &'a [(S, S)]) -> Result<Parents<'a>> {
    let mut parents: Parents<'a> = tables.iter().map(|t| (t.as_ref(), BTreeSet::new())).collect();
    for (child, parent) in edges {
        let (child, parent) = (child.as_ref(), parent.as_ref());
        for end in [child, parent] {
            if !parents.contains_key(end) {
                return Err(Error::UnknownTable {
                    child: child.to_owned(),
                    parent: parent.to_owned(),
                    missing: end.to_owned(),
                });
            }
        }
        if child != parent {
            parents.entry(child).or_default().insert(parent);
        }
    }
    Ok(parents)
}

/// The shortest cycle; among equally short ones that with the smallest first name.
fn shortest_cycle(parents: &Parents<'_>) -> Vec<String> {
    let mut best: Vec<&str> = Vec::new();
    for start in parents.keys() {
        if let Some(path) = way_back(parents, start)
            && (best.is_empty() || path.len() < best.len())
        {
            best = path;
        }
    }
    best.into_iter().map(str::to_owned).collect()
}

/// Shortest way from a table to itself, breadth first.
fn way_back<'a>(parents: &Parents<'a>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(table) = queue.pop_front() {
        for parent in parents.get(table).into_iter().flatten() {
            if *parent == start {
                return Some(unwind(&came_from, start, table));
            }
            if !came_from.contains_key(parent) {
                came_from.insert(parent, table);
                queue.push_back(parent);
            }
        }
    }
    None
}

/// The path `start → … → last → start` from the steps that led to `last`.
fn unwind<'a>(
    came_from: &BTreeMap<&'a str, &'a str>,
    start: &'a str,
    last: &'a str,
) -> Vec<&'a str> {
    let mut path = vec![start];
    let mut table = last;
    while table != start {
        path.push(table);
        table = came_from.get(table).copied().unwrap_or(start);
    }
    path.push(start);
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycle(tables: &[&str], edges: &[(&str, &str)]) -> Vec<String> {
        match levels(tables, edges) {
            Err(Error::Cycle { path }) => path,
            other => panic!("expected a cycle, got {other:?}"),
        }
    }

    #[test]
    fn no_tables_have_no_levels() {
        assert_eq!(levels::<&str>(&[], &[]), Ok(vec![]));
    }

    #[test]
    fn a_diamond_has_three_levels() {
        let edges = [("b", "a"), ("c", "a"), ("d", "b"), ("d", "c"), ("d", "a"), ("b", "a")];
        let found = levels(&["d", "c", "b", "a"], &edges).unwrap();
        assert_eq!(found, [vec!["a"], vec!["b", "c"], vec!["d"]]);
    }

    #[test]
    fn a_cycle_is_told_from_child_to_parent_from_its_smallest_name() {
        let edges = [("c", "a"), ("b", "c"), ("a", "b"), ("x", "a")];
        assert_eq!(cycle(&["x", "c", "b", "a"], &edges), ["a", "b", "c", "a"]);
    }

    #[test]
    fn the_shorter_of_two_cycles_is_told() {
        let edges = [("a", "b"), ("b", "c"), ("c", "a"), ("y", "z"), ("z", "y")];
        assert_eq!(cycle(&["a", "b", "c", "y", "z"], &edges), ["y", "z", "y"]);
    }

    #[test]
    fn an_edge_to_nowhere_is_refused() {
        let error = levels(&["a"], &[("a", "ghost")]).unwrap_err();
        assert!(matches!(error, Error::UnknownTable { missing, .. } if missing == "ghost"));
    }
}
