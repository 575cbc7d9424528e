//! Whether this process may use the tile registers of AMX: the processor has them, and the system saves them.
#![allow(unsafe_code)]

use std::arch::x86_64::__cpuid_count;
use std::sync::OnceLock;

/// Leaf 7 of `cpuid`, register `edx`: AMX-TILE and AMX-INT8.
const TILE_AND_INT8: u32 = 1 << 24 | 1 << 25;

/// Leaf 1 of `cpuid`, register `ecx`: the system saves extended registers.
const OSXSAVE: u32 = 1 << 27;

/// Whether tiles can be used. The first call asks the system, for the whole process.
pub(super) fn allowed() -> bool {
    static ALLOWED: OnceLock<bool> = OnceLock::new();
    *ALLOWED.get_or_init(|| has_tiles() && granted())
}

fn has_tiles() -> bool {
    __cpuid_count(0, 0).eax >= 7
        && __cpuid_count(1, 0).ecx & OSXSAVE != 0
        && __cpuid_count(7, 0).edx & TILE_AND_INT8 == TILE_AND_INT8
}

/// Linux hands out the 8 KB of tile state on request alone (`arch_prctl(2)`).
#[cfg(target_os = "linux")]
fn granted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: the call takes two numbers and touches no memory of this process.
    let result = unsafe {
        libc::syscall(
            libc::SYS_arch_prctl,
            ARCH_REQ_XCOMP_PERM,
            XFEATURE_XTILEDATA,
        )
    };
    result == 0
}

#[cfg(not(target_os = "linux"))]
fn granted() -> bool {
    false
}
