//! The laws of the library as functions of bytes: bodies of fuzz targets, replayed by the tests.

pub mod lower;
pub mod source;
