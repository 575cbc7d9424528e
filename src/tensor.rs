//! Element types of tensors, with torch's codes and names.

pub mod view;

/// One row per dtype: variant, torch's code (`c10::ScalarType`), storage name without `Storage`, bytes, PyTorch's name.
macro_rules! dtypes {
    ($($variant:ident = $code:literal, $storage:literal, $size:literal, $name:literal;)*) => {
        /// A tensor element type; codes as in `torchscript.md` 2.4.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the names are torch's")]
        pub enum DType { $($variant = $code),* }

        impl DType {
            /// Every dtype, by code.
            pub const ALL: &[DType] = &[$(DType::$variant),*];

            /// Bytes per element (packed sub-byte types: bytes per stored byte).
            pub const fn size(self) -> usize {
                match self { $(DType::$variant => $size),* }
            }

            /// PyTorch's name without `torch.`, such as `float32`.
            pub const fn name(self) -> &'static str {
                match self { $(DType::$variant => $name),* }
            }

            /// The storage class in a pickle without its `Storage` suffix, such as `Float`.
            pub const fn storage_name(self) -> &'static str {
                match self { $(DType::$variant => $storage),* }
            }
        }
    };
}

dtypes! {
    U8 = 0, "Byte", 1, "uint8";
    I8 = 1, "Char", 1, "int8";
    I16 = 2, "Short", 2, "int16";
    I32 = 3, "Int", 4, "int32";
    I64 = 4, "Long", 8, "int64";
    F16 = 5, "Half", 2, "float16";
    F32 = 6, "Float", 4, "float32";
    F64 = 7, "Double", 8, "float64";
    C32 = 8, "ComplexHalf", 4, "complex32";
    C64 = 9, "ComplexFloat", 8, "complex64";
    C128 = 10, "ComplexDouble", 16, "complex128";
    Bool = 11, "Bool", 1, "bool";
    QI8 = 12, "QInt8", 1, "qint8";
    QU8 = 13, "QUInt8", 1, "quint8";
    QI32 = 14, "QInt32", 4, "qint32";
    BF16 = 15, "BFloat16", 2, "bfloat16";
    QU4x2 = 16, "QUInt4x2", 1, "quint4x2";
    QU2x4 = 17, "QUInt2x4", 1, "quint2x4";
    Bits1x8 = 18, "Bits1x8", 1, "bits1x8";
    Bits2x4 = 19, "Bits2x4", 1, "bits2x4";
    Bits4x2 = 20, "Bits4x2", 1, "bits4x2";
    Bits8 = 21, "Bits8", 1, "bits8";
    Bits16 = 22, "Bits16", 2, "bits16";
    F8E5M2 = 23, "Float8_e5m2", 1, "float8_e5m2";
    F8E4M3 = 24, "Float8_e4m3fn", 1, "float8_e4m3fn";
    F8E5M2Fnuz = 25, "Float8_e5m2fnuz", 1, "float8_e5m2fnuz";
    F8E4M3Fnuz = 26, "Float8_e4m3fnuz", 1, "float8_e4m3fnuz";
    U16 = 27, "UInt16", 2, "uint16";
    U32 = 28, "UInt32", 4, "uint32";
    U64 = 29, "UInt64", 8, "uint64";
    F8E8M0 = 44, "Float8_e8m0fnu", 1, "float8_e8m0fnu";
    F4E2M1x2 = 45, "Float4_e2m1fn_x2", 1, "float4_e2m1fn_x2";
}

impl DType {
    /// torch's integer code, as written for dtype attributes and arguments.
    pub const fn code(self) -> i64 {
        self as i64
    }

    /// The dtype with torch's integer code.
    pub fn from_code(code: i64) -> Option<DType> {
        DType::ALL.iter().copied().find(|d| d.code() == code)
    }

    /// The dtype with PyTorch's name, such as `float32`.
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.iter().copied().find(|d| d.name() == name)
    }

    /// The dtype of a storage class such as `FloatStorage`.
    pub fn from_storage_class(class: &str) -> Option<DType> {
        let stem = class.strip_suffix("Storage")?;
        DType::ALL
            .iter()
            .copied()
            .find(|d| d.storage_name() == stem)
    }
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
