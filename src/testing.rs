//! The laws of the library as functions of bytes: bodies of fuzz targets, replayed by the tests. Each takes any bytes
//! and must neither panic nor disagree with itself.

pub mod archive;
pub mod lower;
pub mod rewrite;
pub mod source;
