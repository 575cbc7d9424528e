//! Which instructions the kernels may use, found at run time, and loops compiled once per instruction set.

/// Instruction sets that a kernel may use. A value exists only for what this machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Isa(Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::bpu) enum Level {
    Portable,
    Avx2,
    Avx512,
    Vnni,
    Amx,
}

impl Isa {
    /// No assumption beyond the build's target.
    pub const PORTABLE: Isa = Isa(Level::Portable);

    /// The best that this machine has.
    pub fn best() -> Self {
        Self::all().last().unwrap_or(Self::PORTABLE)
    }

    /// Everything this machine has, weakest first.
    pub fn all() -> impl Iterator<Item = Isa> {
        let levels = [
            Level::Portable,
            Level::Avx2,
            Level::Avx512,
            Level::Vnni,
            Level::Amx,
        ];
        levels.into_iter().filter(|level| detected(*level)).map(Isa)
    }

    pub(in crate::bpu) const fn level(self) -> Level {
        self.0
    }
}

impl Default for Isa {
    fn default() -> Self {
        Self::best()
    }
}

#[cfg(target_arch = "x86_64")]
mod tiles;

#[cfg(target_arch = "x86_64")]
fn detected(level: Level) -> bool {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match level {
        Level::Portable => true,
        Level::Avx2 => avx2,
        Level::Avx512 => avx512,
        Level::Vnni => avx512 && is_x86_feature_detected!("avx512vnni"),
        Level::Amx => detected(Level::Vnni) && tiles::allowed(),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detected(level: Level) -> bool {
    level == Level::Portable
}

/// Defines `fn name(isa, args…)` whose body is compiled for each instruction set and chosen by `isa`.
macro_rules! per_isa {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $(<$($generic:ident: $bound:path),*>)? ($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        #[allow(unsafe_code, clippy::too_many_arguments)]
        $vis fn $name $(<$($generic: $bound),*>)? (isa: $crate::bpu::simd::Isa, $($arg: $ty),*) {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn body $(<$($generic: $bound),*>)? ($($arg: $ty),*) $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            fn avx2 $(<$($generic: $bound),*>)? ($($arg: $ty),*) { body($($arg),*) }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
            #[allow(clippy::too_many_arguments)]
            fn avx512 $(<$($generic: $bound),*>)? ($($arg: $ty),*) { body($($arg),*) }
            use $crate::bpu::simd::Level;
            match isa.level() {
                Level::Portable => body($($arg),*),
                // SAFETY: an `Isa` above `Portable` exists only where the machine has these instructions.
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => unsafe { avx2($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 | Level::Vnni | Level::Amx => unsafe { avx512($($arg),*) },
                #[cfg(not(target_arch = "x86_64"))]
                _ => body($($arg),*),
            }
        }
    };
}
pub(in crate::bpu) use per_isa;
