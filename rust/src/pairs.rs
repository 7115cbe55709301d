//! Pairs that occur once.

use pyo3::prelude::*;
use pyo3_arrow::PyArray;
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::input::AnyArray;
use synthohive_core::error::check_rows;
use synthohive_core::pairs;
use synthohive_core::rng::Stream;

use crate::arrow::{Positions, checked, positions_out};

/// The right sides after repair of repeated pairs.
#[pyfunction]
pub(crate) fn distinct_pairs(
    py: Python<'_>,
    left: AnyArray,
    right: AnyArray,
    rights: u64,
    seed: u64,
    stream: u64,
) -> PyArrowResult<PyArray> {
    let left = Positions::of(py, left, "left")?;
    let right = Positions::of(py, right, "right")?;
    let rights = checked(py, check_rows(rights))? as u32;
    let stream = Stream::new(seed, stream);
    let repaired = py.detach(|| pairs::distinct(&left, &right, rights, stream));
    Ok(positions_out(py, checked(py, repaired)?))
}
