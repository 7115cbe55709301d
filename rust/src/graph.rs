//! Order of the tables.

use pyo3::prelude::*;
use synthohive_core::graph;

use crate::arrow::checked;

/// Sort tables into levels, parents first; edges are `(child, parent)`.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // extracted from Python lists, which owns them
pub(crate) fn generation_levels(
    py: Python<'_>,
    tables: Vec<String>,
    edges: Vec<(String, String)>,
) -> PyResult<Vec<Vec<String>>> {
    checked(py, graph::levels(&tables, &edges))
}
