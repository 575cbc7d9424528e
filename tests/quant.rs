//! From float to fixed point.

mod observer;
mod qconfig;
