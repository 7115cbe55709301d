//! Random numbers by address.

use arrow_array::types::{Float64Type, UInt64Type};
use pyo3::prelude::*;
use pyo3_arrow::PyArray;
use synthohive_core::error::check_rows;
use synthohive_core::rng::Stream;

use crate::arrow::{array_out, checked};

/// Numbers in `[0, 1)` at rows `start..start + n` of a stream.
#[pyfunction]
pub(crate) fn uniform(
    py: Python<'_>,
    n: u64,
    seed: u64,
    stream: u64,
    start: u64,
) -> PyResult<PyArray> {
    let n = checked(py, check_rows(n))?;
    let values = py.detach(|| Stream::new(seed, stream).uniform(start, n));
    Ok(array_out::<Float64Type>(values))
}

/// Words at rows `start..start + n` of a stream.
#[pyfunction]
pub(crate) fn random_u64(
    py: Python<'_>,
    n: u64,
    seed: u64,
    stream: u64,
    start: u64,
) -> PyResult<PyArray> {
    let n = checked(py, check_rows(n))?;
    let values = py.detach(|| Stream::new(seed, stream).words(start, n));
    Ok(array_out::<UInt64Type>(values))
}
