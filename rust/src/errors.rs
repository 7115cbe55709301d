//! The one place where core errors become the Python package's own exceptions.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use synthohive_core::Error;

pyo3::import_exception!(synthohive.errors, CapacityError);
pyo3::import_exception!(synthohive.errors, ConfigError);
pyo3::import_exception!(synthohive.errors, CyclicSchemaError);
pyo3::import_exception!(synthohive.errors, UnknownTableError);

/// Shape a core error as the exception a Python caller would catch.
///
/// - `Cycle` → `CyclicSchemaError(path)`
/// - `UnknownTable` → `UnknownTableError`, naming the missing table
/// - `Invalid` → `ConfigError`
/// - `Capacity` → `CapacityError`, with its hint
pub(crate) fn to_py(py: Python<'_>, error: &Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Cycle { path } => CyclicSchemaError::new_err((path.clone(),)),
        Error::UnknownTable { missing, .. } => {
            with_field(py, &py.get_type::<UnknownTableError>(), message, ("table", missing))
        }
        Error::Invalid { .. } => ConfigError::new_err(message),
        Error::Capacity { hint, .. } => {
            with_field(py, &py.get_type::<CapacityError>(), message, ("hint", hint))
        }
        // the core's error type may grow; a new kind is still told in full
        _ => PyRuntimeError::new_err(message),
    }
}

fn with_field(
    py: Python<'_>,
    class: &Bound<'_, pyo3::types::PyType>,
    message: String,
    (name, value): (&str, &str),
) -> PyErr {
    let fields = PyDict::new(py);
    match fields.set_item(name, value).and_then(|()| class.call((message,), Some(&fields))) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}
