//! The few ways a kernel can refuse its input.

use thiserror::Error;

/// The largest number of rows a table, and so a position, may have: `u32::MAX` means "none".
pub const ROW_LIMIT: u64 = u32::MAX as u64 - 1;

/// What a kernel returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can be wrong with what a kernel is given.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The foreign keys form a cycle; first and last name are the same.
    #[error("foreign keys form a cycle: {}", path.join(" → "))]
    Cycle {
        /// The tables on the cycle, from child to parent.
        path: Vec<String>,
    },
    /// An edge names a table that is not there.
    #[error("the foreign key {child} → {parent} names {missing:?}, which is not among the tables")]
    UnknownTable {
        /// Child end of the edge.
        child: String,
        /// Parent end of the edge.
        parent: String,
        /// The end that is not a table.
        missing: String,
    },
    /// An argument has a wrong value, length or type.
    #[error("{argument}: {problem}")]
    Invalid {
        /// Name of the argument, as the caller knows it.
        argument: &'static str,
        /// What is wrong with it, with the evidence.
        problem: String,
    },
    /// More was asked for than can exist.
    #[error("{problem}")]
    Capacity {
        /// What was asked for, how much of it, and the limit.
        problem: String,
        /// What the caller can do about it.
        hint: &'static str,
    },
}

impl Error {
    /// Say that an argument is unusable.
    pub fn invalid(argument: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { argument, problem: problem.into() }
    }
}

/// Check that `rows` rows can be numbered.
///
/// # Errors
///
/// [`Error::Capacity`] beyond [`ROW_LIMIT`].
pub fn check_rows(rows: u64) -> Result<usize> {
    if rows > ROW_LIMIT {
        return Err(Error::Capacity {
            problem: format!("{rows} rows wanted in one table, at most {ROW_LIMIT} are possible"),
            hint: "lower the scale, or generate the table in parts",
        });
    }
    Ok(rows as usize)
}

/// Check that two arguments that go together have one length.
pub(crate) fn same_length(
    argument: &'static str,
    length: usize,
    other: &'static str,
    wanted: usize,
) -> Result<()> {
    if length == wanted {
        return Ok(());
    }
    Err(Error::invalid(argument, format!("has {length} entries, but {other} has {wanted}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_limit_leaves_one_value_for_none() {
        assert_eq!(check_rows(ROW_LIMIT), Ok(u32::MAX as usize - 1));
        assert!(matches!(check_rows(ROW_LIMIT + 1), Err(Error::Capacity { .. })));
    }
}
