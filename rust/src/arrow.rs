//! Arrow arrays to slices and back.

use std::ops::Deref;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, UInt32Type};
use arrow_array::{Array, ArrayRef, PrimitiveArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow_select::concat::concat;
use pyo3::prelude::*;
use pyo3_arrow::PyArray;
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::input::AnyArray;

use synthohive_core::NONE;

use crate::errors::ConfigError;

/// One array of what may come in several chunks; a single chunk is not copied.
pub(crate) fn one_chunk(input: AnyArray) -> PyArrowResult<ArrayRef> {
    let (chunks, field) = input.into_chunked_array()?.into_inner();
    match chunks.as_slice() {
        [] => Ok(arrow_array::new_empty_array(field.data_type())),
        [only] => Ok(Arc::clone(only)),
        many => {
            let many: Vec<&dyn Array> = many.iter().map(AsRef::as_ref).collect();
            Ok(concat(&many)?)
        }
    }
}

/// The values of an argument that must have type `T` and no nulls.
pub(crate) fn values<T: ArrowPrimitiveType>(
    input: AnyArray,
    argument: &str,
) -> PyArrowResult<ScalarBuffer<T::Native>> {
    let array = primitive::<T>(input, argument)?;
    if array.null_count() > 0 {
        let problem = format!("{argument}: has {} nulls, but none may be", array.null_count());
        return Err(ConfigError::new_err(problem).into());
    }
    Ok(array.values().clone())
}

/// An argument that must have type `T`, nulls allowed.
pub(crate) fn primitive<T: ArrowPrimitiveType>(
    input: AnyArray,
    argument: &str,
) -> PyArrowResult<PrimitiveArray<T>> {
    let array = one_chunk(input)?;
    match array.as_primitive_opt::<T>() {
        Some(array) => Ok(array.clone()),
        None => Err(ConfigError::new_err(format!(
            "{argument}: has type {}, but must be {}",
            array.data_type(),
            T::DATA_TYPE
        ))
        .into()),
    }
}

/// Hand values to Python without copying them.
pub(crate) fn array_out<T: ArrowPrimitiveType>(values: Vec<T::Native>) -> PyArray {
    PyArray::from_array_ref(Arc::new(PrimitiveArray::<T>::new(values.into(), None)))
}

/// Row positions or group codes, a null standing as [`NONE`].
pub(crate) enum Positions {
    Shared(ScalarBuffer<u32>),
    Owned(Vec<u32>),
}

impl Positions {
    /// Take an argument of type `UInt32`; it is copied only if it has nulls.
    pub(crate) fn of(py: Python<'_>, input: AnyArray, argument: &str) -> PyArrowResult<Self> {
        let array = primitive::<UInt32Type>(input, argument)?;
        let is_none = |i: usize| array.value(i) == NONE && array.is_valid(i);
        if py.detach(|| array.values().contains(&NONE) && (0..array.len()).any(is_none)) {
            let problem = format!("{argument}: has the entry {NONE}, which is kept for null");
            return Err(ConfigError::new_err(problem).into());
        }
        Ok(match array.nulls() {
            None => Self::Shared(array.values().clone()),
            Some(nulls) => Self::Owned(
                nulls
                    .iter()
                    .zip(array.values())
                    .map(|(valid, &value)| if valid { value } else { NONE })
                    .collect(),
            ),
        })
    }
}

impl Deref for Positions {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Self::Shared(values) => values,
            Self::Owned(values) => values,
        }
    }
}

/// Hand positions to Python, [`NONE`] as null.
pub(crate) fn positions_out(py: Python<'_>, rows: Vec<u32>) -> PyArray {
    let nulls = py.detach(|| {
        rows.contains(&NONE)
            .then(|| NullBuffer::new(BooleanBuffer::collect_bool(rows.len(), |i| rows[i] != NONE)))
    });
    PyArray::from_array_ref(Arc::new(UInt32Array::new(rows.into(), nulls)))
}

/// Map a core error to its Python exception.
pub(crate) fn checked<T>(py: Python<'_>, result: synthohive_core::Result<T>) -> PyResult<T> {
    result.map_err(|error| crate::errors::to_py(py, &error))
}
