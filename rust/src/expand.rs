//! From counts of children to the children.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{BinaryViewType, ByteViewType, StringViewType, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, GenericByteViewArray, make_array};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use pyo3::prelude::*;
use pyo3_arrow::PyArray;
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::input::AnyArray;
use rayon::prelude::*;
use synthohive_core::{Error, Result, expand};

use crate::arrow::{Positions, array_out, checked, one_chunk, values};

/// Where the children of each parent begin.
#[pyfunction]
pub(crate) fn child_offsets(py: Python<'_>, counts: AnyArray) -> PyArrowResult<PyArray> {
    let counts = values::<UInt32Type>(counts, "counts")?;
    Ok(array_out::<UInt64Type>(py.detach(|| expand::child_offsets(&counts))))
}

/// The parent row of every child row.
#[pyfunction]
pub(crate) fn parent_rows(py: Python<'_>, counts: AnyArray, start: u64) -> PyArrowResult<PyArray> {
    let counts = values::<UInt32Type>(counts, "counts")?;
    let rows = py.detach(|| expand::parent_rows(&counts, start));
    Ok(array_out::<UInt32Type>(checked(py, rows)?))
}

/// The number of every child row among its siblings.
#[pyfunction]
pub(crate) fn sibling_positions(py: Python<'_>, counts: AnyArray) -> PyArrowResult<PyArray> {
    let counts = values::<UInt32Type>(counts, "counts")?;
    let positions = py.detach(|| expand::sibling_positions(&counts));
    Ok(array_out::<UInt32Type>(checked(py, positions)?))
}

/// How many children each parent has, from the parent rows of the children.
#[pyfunction]
pub(crate) fn children_per_parent(
    py: Python<'_>,
    rows: AnyArray,
    parents: u64,
) -> PyArrowResult<PyArray> {
    let rows = Positions::of(py, rows, "rows")?;
    let counts = py.detach(|| expand::children_per_parent(&rows, parents));
    Ok(array_out::<UInt32Type>(checked(py, counts)?))
}

/// Repeat the entries of columns of numbers or views as often as their counts say.
#[pyfunction]
pub(crate) fn repeat(
    py: Python<'_>,
    columns: Vec<AnyArray>,
    counts: AnyArray,
) -> PyArrowResult<Vec<PyArray>> {
    let counts = values::<UInt32Type>(counts, "counts")?;
    let columns = columns.into_iter().map(one_chunk).collect::<PyArrowResult<Vec<_>>>()?;
    let repeated = py.detach(|| {
        columns.par_iter().map(|column| repeat_column(column, &counts)).collect::<Vec<_>>()
    });
    let mut out = Vec::with_capacity(repeated.len());
    for column in repeated {
        out.push(PyArray::from_array_ref(checked(py, column)?));
    }
    Ok(out)
}

fn repeat_column(column: &ArrayRef, counts: &[u32]) -> Result<ArrayRef> {
    let nulls = column.nulls().map(|nulls| repeat_nulls(nulls, counts)).transpose()?;
    if let Some(texts) = column.as_byte_view_opt::<StringViewType>() {
        return Ok(Arc::new(repeat_views(texts, counts, nulls)?));
    }
    if let Some(bytes) = column.as_byte_view_opt::<BinaryViewType>() {
        return Ok(Arc::new(repeat_views(bytes, counts, nulls)?));
    }
    let width = column.data_type().primitive_width().ok_or_else(|| unsupported(column))?;
    let values = match width {
        1 => repeat_values::<u8>(column, counts)?,
        2 => repeat_values::<u16>(column, counts)?,
        4 => repeat_values::<u32>(column, counts)?,
        8 => repeat_values::<u64>(column, counts)?,
        _ => return Err(unsupported(column)),
    };
    let repeated = column.to_data().into_builder().offset(0).len(values.len() / width);
    let repeated = repeated.buffers(vec![values]).nulls(nulls).build();
    repeated.map(make_array).map_err(|error| Error::invalid("columns", error.to_string()))
}

/// Views are repeated without what they look at, which old and new column share.
#[allow(unsafe_code)] // checking every view again would take longer than all the rest
fn repeat_views<T: ByteViewType>(
    column: &GenericByteViewArray<T>,
    counts: &[u32],
    nulls: Option<NullBuffer>,
) -> Result<GenericByteViewArray<T>> {
    let views = ScalarBuffer::from(expand::repeat(column.views(), counts)?);
    // SAFETY: each view is one of `column`, whose views are valid for these same buffers, and
    // `nulls` was repeated by the same counts, so it is as long as `views`.
    Ok(unsafe { GenericByteViewArray::new_unchecked(views, column.data_buffers().to_vec(), nulls) })
}

fn unsupported(column: &ArrayRef) -> Error {
    Error::invalid(
        "columns",
        format!("{} is neither text nor of a fixed width of 1 to 8 bytes", column.data_type()),
    )
}

fn repeat_values<T>(column: &ArrayRef, counts: &[u32]) -> Result<Buffer>
where
    T: ArrowNativeType + Default + Send + Sync,
{
    let data = column.to_data();
    let values: ScalarBuffer<T> =
        ScalarBuffer::new(data.buffers()[0].clone(), data.offset(), data.len());
    expand::repeat(&values, counts).map(Buffer::from_vec)
}

/// Bits are repeated as bytes, which is what runs are written in.
fn repeat_nulls(nulls: &NullBuffer, counts: &[u32]) -> Result<NullBuffer> {
    let valid: Vec<u8> = nulls.iter().map(u8::from).collect();
    let valid = expand::repeat(&valid, counts)?;
    Ok(NullBuffer::new(BooleanBuffer::collect_bool(valid.len(), |i| valid[i] != 0)))
}
