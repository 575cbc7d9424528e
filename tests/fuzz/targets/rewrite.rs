//! Fuzz target; the law is in `src/testing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ptool::testing::rewrite::rewrite(data));
