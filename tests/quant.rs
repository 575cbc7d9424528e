//! From float to fixed point.

mod prepare;
mod qconfig;
