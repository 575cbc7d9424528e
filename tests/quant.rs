//! From float to fixed point.

mod qconfig;
