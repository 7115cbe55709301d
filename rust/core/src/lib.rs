//! Kernels of relational synthesis, over plain slices.
//!
//! Tables are seen here as row positions (`u32`), counts of children per parent row, and
//! narrow codes; text, dates and nulls stay with the caller. Where a position may be missing,
//! [`NONE`] stands for it. Every function gives the same answer for any number of threads.
//!
//! ```
//! use synthohive_core::{expand, graph, rng::Stream};
//!
//! let order = graph::levels(&["orders", "users"], &[("orders", "users")]).unwrap();
//! assert_eq!(order, [["users"], ["orders"]]);
//!
//! // three users with 2, 0 and 1 orders: which user does each order belong to?
//! assert_eq!(expand::parent_rows(&[2, 0, 1], 0).unwrap(), [0, 0, 2]);
//!
//! // a random number is a function of (seed, stream, row) and of nothing else
//! assert_eq!(Stream::new(7, 1).uniform(2, 1)[0], Stream::new(7, 1).uniform(0, 3)[2]);
//! ```

#![forbid(unsafe_code)]

mod alias;
pub mod draw;
pub mod error;
pub mod expand;
pub mod graph;
mod groups;
mod hashed;
pub mod integrity;
pub mod pairs;
mod parted;
pub mod permute;
pub mod quota;
pub mod rng;
mod runs;

pub use error::{Error, Result};

/// The position that stands for "no row" and for "unknown group".
pub const NONE: u32 = u32::MAX;
