//! A `.safetensors` file written as results come: data goes to a temporary file, since the header comes first.

use crate::exec::HostTensor;
use crate::inputs::safetensors::dtype_name;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{self, Seek, Write};

/// Tensors on their way into a file.
pub struct Spool {
    data: io::BufWriter<File>,
    header: Map<String, Value>,
    size: u64,
    skipped: usize,
}

impl Spool {
    /// An empty one; its data is in a nameless temporary file.
    pub fn new() -> io::Result<Spool> {
        Ok(Spool {
            data: io::BufWriter::new(tempfile::tempfile()?),
            header: Map::new(),
            size: 0,
            skipped: 0,
        })
    }

    /// Appends a tensor; one whose dtype the format has not is counted and left out.
    pub fn push(&mut self, name: &str, tensor: &HostTensor) -> io::Result<()> {
        let Some(dtype) = dtype_name(tensor.dtype) else {
            self.skipped += 1;
            return Ok(());
        };
        self.data.write_all(&tensor.bytes)?;
        let end = self.size + tensor.bytes.len() as u64;
        let entry = json!({
            "dtype": dtype,
            "shape": tensor.shape,
            "data_offsets": [self.size, end],
        });
        self.header.insert(name.to_owned(), entry);
        self.size = end;
        Ok(())
    }

    /// Tensors left out.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Writes header and data.
    pub fn finish(self, out: &mut impl Write) -> io::Result<()> {
        let mut header = serde_json::to_vec(&self.header)?;
        // Data begins at a multiple of 8.
        header.resize(header.len().next_multiple_of(8), b' ');
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        let mut data = self
            .data
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        data.rewind()?;
        io::copy(&mut data, out)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::safetensors;

    #[test]
    fn spooled_tensors_are_a_valid_file() {
        let x = HostTensor::from_f32(&[3], &[1.0, 2.0, 3.0]).unwrap();
        let y = HostTensor::from_i64(&[1, 2], &[4, 5]).unwrap();
        let mut spool = Spool::new().unwrap();
        spool.push("a/x", &x).unwrap();
        spool.push("b/y", &y).unwrap();
        let mut file = Vec::new();
        spool.finish(&mut file).unwrap();
        let read = safetensors::read(&file, "x.safetensors").unwrap();
        assert_eq!(read, [("a/x".to_owned(), x), ("b/y".to_owned(), y)]);
    }
}
