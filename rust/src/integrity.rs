//! Which parent row a key points to.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, BinaryViewType, ByteViewType, Float64Type, Int64Type, StringViewType,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef, GenericByteViewArray, PrimitiveArray};
use arrow_buffer::{NullBuffer, ScalarBuffer};
use arrow_data::MAX_INLINE_VIEW_LEN;
use arrow_schema::DataType;
use pyo3::prelude::*;
use pyo3_arrow::PyArray;
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::input::AnyArray;
use synthohive_core::integrity::{self, Keys, Matches};
use synthohive_core::{Error, Result};

use crate::arrow::{checked, one_chunk, positions_out};

/// The first parent row with the key of each child row; null if there is none.
#[pyfunction]
pub(crate) fn find_rows(
    py: Python<'_>,
    child: Vec<AnyArray>,
    parent: Vec<AnyArray>,
) -> PyArrowResult<PyArray> {
    let child = child.into_iter().map(one_chunk).collect::<PyArrowResult<Vec<_>>>()?;
    let parent = parent.into_iter().map(one_chunk).collect::<PyArrowResult<Vec<_>>>()?;
    let rows = py.detach(|| find(&child, &parent));
    Ok(positions_out(py, checked(py, rows)?))
}

/// How many rows repeat an earlier key, and the first few of them.
#[pyfunction]
pub(crate) fn repeated_rows(
    py: Python<'_>,
    columns: Vec<AnyArray>,
    sample: usize,
) -> PyArrowResult<(u64, Vec<u32>)> {
    let columns = columns.into_iter().map(one_chunk).collect::<PyArrowResult<Vec<_>>>()?;
    let repeated = py.detach(|| {
        let firsts = match columns.as_slice() {
            [column] => with_keys(column, column, First)?,
            columns => find(columns, columns)?,
        };
        Ok(integrity::repeated_rows(&firsts, sample))
    });
    Ok(checked(py, repeated)?)
}

fn find(child: &[ArrayRef], parent: &[ArrayRef]) -> Result<Vec<u32>> {
    let mut columns = child.iter().zip(parent);
    let Some((child, parent)) = columns.next() else {
        return Err(Error::invalid("child", "has no key columns"));
    };
    if columns.len() == 0 {
        return with_keys(child, parent, Find);
    }
    let mut matches = with_keys(child, parent, Match)?;
    for (child, parent) in columns {
        matches = integrity::join(&matches, &with_keys(child, parent, Match)?)?;
    }
    Ok(matches.child)
}

/// Something to do with two key columns of one type.
trait Task {
    type Output;
    fn run<K: Keys>(self, child: &K, parent: &K) -> Result<Self::Output>;
}

struct Find;

impl Task for Find {
    type Output = Vec<u32>;

    fn run<K: Keys>(self, child: &K, parent: &K) -> Result<Vec<u32>> {
        integrity::find_rows(child, parent)
    }
}

/// The parent alone.
struct First;

impl Task for First {
    type Output = Vec<u32>;

    fn run<K: Keys>(self, _: &K, parent: &K) -> Result<Vec<u32>> {
        integrity::first_rows(parent)
    }
}

struct Match;

impl Task for Match {
    type Output = Matches;

    fn run<K: Keys>(self, child: &K, parent: &K) -> Result<Matches> {
        integrity::matches(child, parent)
    }
}

fn with_keys<T: Task>(child: &ArrayRef, parent: &ArrayRef, task: T) -> Result<T::Output> {
    match (child.data_type(), parent.data_type()) {
        (DataType::UInt64, DataType::UInt64) => {
            task.run(&Words::of::<UInt64Type>(child), &Words::of::<UInt64Type>(parent))
        }
        (DataType::Int64, DataType::Int64) => {
            task.run(&Words::of::<Int64Type>(child), &Words::of::<Int64Type>(parent))
        }
        (DataType::Float64, DataType::Float64) => {
            let floats = |array: &ArrayRef| Floats(array.as_primitive::<Float64Type>().clone());
            task.run(&floats(child), &floats(parent))
        }
        (DataType::Utf8View, DataType::Utf8View) => {
            let texts = |array: &ArrayRef| Bytes(array.as_byte_view::<StringViewType>().clone());
            task.run(&texts(child), &texts(parent))
        }
        (DataType::BinaryView, DataType::BinaryView) => {
            let bytes = |array: &ArrayRef| Bytes(array.as_byte_view::<BinaryViewType>().clone());
            task.run(&bytes(child), &bytes(parent))
        }
        (child, parent) => {
            let problem = format!("{child} cannot be looked up in {parent}");
            Err(Error::invalid("child", problem))
        }
    }
}

struct Words {
    values: ScalarBuffer<u64>,
    nulls: Option<NullBuffer>,
}

impl Words {
    /// The bits of a column of type `T`, which has 64 of them.
    fn of<T: ArrowPrimitiveType>(array: &ArrayRef) -> Self {
        let values = array.as_primitive::<T>().values().inner().clone();
        Self { values: values.into(), nulls: array.nulls().cloned() }
    }
}

impl Keys for Words {
    const EXACT: bool = true;

    fn len(&self) -> usize {
        self.values.len()
    }

    fn tag(&self, row: usize) -> Option<u64> {
        match &self.nulls {
            Some(nulls) if nulls.is_null(row) => None,
            _ => Some(self.values[row]),
        }
    }

    fn same(&self, _: usize, _: &Self, _: usize) -> bool {
        true
    }
}

/// Both zeros are one key, and all that is not a number is another.
struct Floats(PrimitiveArray<Float64Type>);

impl Keys for Floats {
    const EXACT: bool = true;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn tag(&self, row: usize) -> Option<u64> {
        let value = self.0.values()[row];
        let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
        self.0.is_valid(row).then(|| value.to_bits())
    }

    fn same(&self, _: usize, _: &Self, _: usize) -> bool {
        true
    }
}

struct Bytes<T: ByteViewType>(GenericByteViewArray<T>);

impl<T: ByteViewType> Bytes<T> {
    /// The view of a row, if all its bytes are in it; such views are equal if the bytes are.
    fn short(&self, row: usize) -> Option<u128> {
        // the lowest 32 bits of a view are the length
        Some(self.0.views()[row]).filter(|view| *view as u32 <= MAX_INLINE_VIEW_LEN)
    }

    fn bytes(&self, row: usize) -> &[u8] {
        self.0.value(row).as_ref()
    }
}

impl<T: ByteViewType> Keys for Bytes<T> {
    const EXACT: bool = false;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn tag(&self, row: usize) -> Option<u64> {
        let tag = || match self.short(row) {
            Some(view) => integrity::hash(&view.to_le_bytes()),
            None => integrity::hash(self.bytes(row)),
        };
        self.0.is_valid(row).then(tag)
    }

    fn same(&self, row: usize, other: &Self, other_row: usize) -> bool {
        match (self.short(row), other.short(other_row)) {
            (Some(view), Some(other)) => view == other,
            (None, None) => self.bytes(row) == other.bytes(other_row),
            _ => false,
        }
    }
}
