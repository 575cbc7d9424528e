//! From a float model to a fake-quant file and a fixed-point file: qconfig, observers, fusion, prepare, calibrate, convert.

pub mod calibrate;
mod cell;
pub mod convert;
pub mod functional;
mod fuse;
pub mod observer;
pub mod prepare;
pub mod qconfig;
