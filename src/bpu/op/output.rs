//! Owned results, and the element types that occur.

use bytemuck::Pod;

use crate::tensor::DType;

/// Elements of one type. Booleans are bytes 0 and 1.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "one variant per element type")]
pub enum Data {
    Bool(Vec<u8>),
    U8(Vec<u8>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Data {
    /// The element type.
    pub fn dtype(&self) -> DType {
        match self {
            Data::Bool(_) => DType::Bool,
            Data::U8(_) => DType::U8,
            Data::I8(_) => DType::I8,
            Data::I16(_) => DType::I16,
            Data::I32(_) => DType::I32,
            Data::I64(_) => DType::I64,
            Data::F32(_) => DType::F32,
            Data::F64(_) => DType::F64,
        }
    }

    /// The elements as bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Data::Bool(v) | Data::U8(v) => v,
            Data::I8(v) => bytemuck::cast_slice(v),
            Data::I16(v) => bytemuck::cast_slice(v),
            Data::I32(v) => bytemuck::cast_slice(v),
            Data::I64(v) => bytemuck::cast_slice(v),
            Data::F32(v) => bytemuck::cast_slice(v),
            Data::F64(v) => bytemuck::cast_slice(v),
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.bytes().len() / self.dtype().size()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }
}

/// An element type of [`Data`].
pub trait Element: Pod + Default + Send + Sync + PartialEq + std::fmt::Debug {
    /// Its torch type.
    const DTYPE: DType;
    /// Wraps a vector.
    fn wrap(elements: Vec<Self>) -> Data;
}

macro_rules! elements {
    ($($ty:ty = $variant:ident),*) => {$(
        impl Element for $ty {
            const DTYPE: DType = DType::$variant;
            fn wrap(elements: Vec<Self>) -> Data {
                Data::$variant(elements)
            }
        }
    )*};
}

elements!(
    u8 = U8,
    i8 = I8,
    i16 = I16,
    i32 = I32,
    i64 = I64,
    f32 = F32,
    f64 = F64
);

/// Order of the elements in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryFormat {
    /// As the shape says, last dimension fastest.
    Contiguous,
    /// Shape `[N, C, spatial…]`, memory `[N, spatial…, C]`.
    ChannelsLast,
}

/// An owned tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    data: Data,
    shape: Vec<usize>,
    format: MemoryFormat,
}

impl Output {
    /// A tensor of `elements` in the order of `format`. `elements` has the shape's number of them.
    pub fn new<T: Element>(elements: Vec<T>, shape: Vec<usize>, format: MemoryFormat) -> Self {
        debug_assert_eq!(elements.len(), shape.iter().product::<usize>());
        Self {
            data: T::wrap(elements),
            shape,
            format,
        }
    }

    /// A contiguous tensor of booleans.
    pub fn bools(elements: Vec<u8>, shape: Vec<usize>) -> Self {
        Self {
            data: Data::Bool(elements),
            shape,
            format: MemoryFormat::Contiguous,
        }
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.data.dtype()
    }

    /// Shape, in torch's order whatever the memory format.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Memory order.
    pub fn format(&self) -> MemoryFormat {
        self.format
    }

    /// The elements, in memory order.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The elements as bytes, in memory order.
    pub fn bytes(&self) -> &[u8] {
        self.data.bytes()
    }

    /// Address of the first element; stable as long as the output lives.
    pub fn as_ptr(&self) -> *const u8 {
        self.bytes().as_ptr()
    }

    /// Strides in elements, one per dimension of the shape.
    pub fn strides(&self) -> Vec<usize> {
        let order: Vec<usize> = match self.format {
            MemoryFormat::Contiguous => (0..self.shape.len()).collect(),
            MemoryFormat::ChannelsLast => {
                let mut order = vec![0];
                order.extend(2..self.shape.len());
                order.push(1);
                order
            }
        };
        let mut strides = vec![0; self.shape.len()];
        let mut step = 1;
        for &dim in order.iter().rev() {
            strides[dim] = step;
            step *= self.shape[dim].max(1);
        }
        strides
    }
}
