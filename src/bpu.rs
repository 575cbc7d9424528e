//! The `horizon::` operators: schemas, and what they compute, in integers (`horizon.md` 2 and 3, `hbir.md`).
//!
//! No libtorch and no float in the integer path. One place owns rounding, shifting and saturation.
