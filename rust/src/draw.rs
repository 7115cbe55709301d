//! Which parent each child row belongs to.

use arrow_array::types::{Float64Type, UInt32Type};
use pyo3::prelude::*;
use pyo3_arrow::PyArray;
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::input::AnyArray;
use synthohive_core::rng::Stream;
use synthohive_core::{draw, quota};

use crate::arrow::{Positions, array_out, checked, positions_out, values};

/// One of `parents` parents per row, all equally likely.
#[pyfunction]
pub(crate) fn draw_uniform(
    py: Python<'_>,
    n: u64,
    parents: u64,
    seed: u64,
    stream: u64,
    start: u64,
) -> PyResult<PyArray> {
    let rows = py.detach(|| draw::uniform(n, parents, Stream::new(seed, stream), start));
    let rows = checked(py, rows)?;
    if parents > 0 {
        // every row got a parent, so there is no need to look for one without
        return Ok(array_out::<UInt32Type>(rows));
    }
    Ok(positions_out(py, rows))
}

/// One parent per row in proportion to the weights.
#[pyfunction]
pub(crate) fn draw_weighted(
    py: Python<'_>,
    n: u64,
    weights: AnyArray,
    seed: u64,
    stream: u64,
    start: u64,
) -> PyArrowResult<PyArray> {
    let weights = values::<Float64Type>(weights, "weights")?;
    let rows = py.detach(|| draw::weighted(n, &weights, Stream::new(seed, stream), start));
    Ok(positions_out(py, checked(py, rows)?))
}

/// One parent of the wanted group per row.
#[pyfunction]
pub(crate) fn draw_grouped(
    py: Python<'_>,
    groups: AnyArray,
    parent_groups: AnyArray,
    weights: Option<AnyArray>,
    seed: u64,
    stream: u64,
    start: u64,
) -> PyArrowResult<PyArray> {
    let groups = Positions::of(py, groups, "groups")?;
    let parent_groups = Positions::of(py, parent_groups, "parent_groups")?;
    let weights = weights.map(|weights| values::<Float64Type>(weights, "weights")).transpose()?;
    let rows = py.detach(|| {
        let stream = Stream::new(seed, stream);
        draw::grouped(&groups, &parent_groups, weights.as_deref(), stream, start)
    });
    Ok(positions_out(py, checked(py, rows)?))
}

/// One parent of the wanted group per row, each parent as often as its quota says.
#[pyfunction]
pub(crate) fn draw_quota(
    py: Python<'_>,
    groups: AnyArray,
    parent_groups: AnyArray,
    quotas: AnyArray,
    seed: u64,
    stream: u64,
) -> PyArrowResult<PyArray> {
    let groups = Positions::of(py, groups, "groups")?;
    let parent_groups = Positions::of(py, parent_groups, "parent_groups")?;
    let quotas = values::<UInt32Type>(quotas, "quotas")?;
    let rows =
        py.detach(|| quota::quota(&groups, &parent_groups, &quotas, Stream::new(seed, stream)));
    Ok(positions_out(py, checked(py, rows)?))
}
