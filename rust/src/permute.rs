//! Shuffles.

use arrow_array::types::{UInt32Type, UInt64Type};
use pyo3::prelude::*;
use pyo3_arrow::PyArray;
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::input::AnyArray;
use synthohive_core::permute;
use synthohive_core::rng::Stream;

use crate::arrow::{array_out, checked, values};

/// `0..n` shuffled.
#[pyfunction]
pub(crate) fn permutation(py: Python<'_>, n: u64, seed: u64, stream: u64) -> PyResult<PyArray> {
    let places = py.detach(|| permute::permutation(n, Stream::new(seed, stream)));
    Ok(array_out::<UInt32Type>(checked(py, places)?))
}

/// The places of single rows in the shuffle of `0..n`.
#[pyfunction]
pub(crate) fn permuted(
    py: Python<'_>,
    rows: AnyArray,
    n: u64,
    seed: u64,
    stream: u64,
) -> PyArrowResult<PyArray> {
    let rows = values::<UInt64Type>(rows, "rows")?;
    let places = py.detach(|| permute::permuted(&rows, n, Stream::new(seed, stream)));
    Ok(array_out::<UInt64Type>(checked(py, places)?))
}

/// The places of single rows in shuffles of different lengths, one for each group.
#[pyfunction]
pub(crate) fn permuted_within(
    py: Python<'_>,
    rows: AnyArray,
    groups: AnyArray,
    sizes: AnyArray,
    seed: u64,
    stream: u64,
) -> PyArrowResult<PyArray> {
    let rows = values::<UInt32Type>(rows, "rows")?;
    let groups = values::<UInt32Type>(groups, "groups")?;
    let sizes = values::<UInt32Type>(sizes, "sizes")?;
    let stream = Stream::new(seed, stream);
    let places = py.detach(|| permute::permuted_within(&rows, &groups, &sizes, stream));
    Ok(array_out::<UInt32Type>(checked(py, places)?))
}
