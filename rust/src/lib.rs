//! Binding of `synthohive-core` for Python, built as `synthohive._core`.
//!
//! Each file converts Arrow arrays to slices, lets go of the interpreter, calls the core module
//! of the same name and wraps what it gives. Only `synthohive.kernels` imports this module.

use mimalloc::MiMalloc;
use pyo3::prelude::*;

mod arrow;
mod draw;
mod errors;
mod expand;
mod graph;
mod integrity;
mod pairs;
mod permute;
mod rng;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Kernels over Arrow arrays; use them through `synthohive.kernels`.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use crate::draw::{draw_grouped, draw_quota, draw_uniform, draw_weighted};
    #[pymodule_export]
    use crate::expand::{
        child_offsets, children_per_parent, parent_rows, repeat, sibling_positions,
    };
    #[pymodule_export]
    use crate::graph::generation_levels;
    #[pymodule_export]
    use crate::integrity::{find_rows, repeated_rows};
    #[pymodule_export]
    use crate::pairs::distinct_pairs;
    #[pymodule_export]
    use crate::permute::{permutation, permuted, permuted_within};
    #[pymodule_export]
    use crate::rng::{random_u64, uniform};
}
