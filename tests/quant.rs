//! From float to fixed point.

mod observer;
mod prepare;
mod qconfig;
