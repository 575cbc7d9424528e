//! The second opinion: a front end of its own over the parsed file, as the compiler's (`horizon.md` 5, `hbir.md`).
//!
//! Imports neither `pass`, `exec`, `quant` nor `bpu`, so that agreement with them means something.
