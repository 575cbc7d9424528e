//! A dict of tensors as `torch.save` writes it, so that `torch.load` reads it.

use crate::exec::HostTensor;
use std::io::{self, Seek, Write};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

/// Tensor data begins at a multiple of this, as torch aligns it.
const ALIGNMENT: u16 = 64;

/// Writes `{name: tensor, …}`; quantised tensors as their integers.
pub fn write(out: impl Write + Seek, tensors: &[(String, HostTensor)]) -> io::Result<()> {
    let mut zip = ZipWriter::new(out);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .with_alignment(ALIGNMENT);
    let mut record = |name: &str, bytes: &[u8]| -> io::Result<()> {
        zip.start_file(format!("results/{name}"), options)?;
        zip.write_all(bytes)
    };
    record("data.pkl", &pickle(tensors))?;
    record("byteorder", b"little")?;
    for (i, (_, tensor)) in tensors.iter().enumerate() {
        record(&format!("data/{i}"), &tensor.bytes)?;
    }
    record("version", b"3\n")?;
    zip.finish()?;
    Ok(())
}

/// Protocol 2: an ordered dict of `_rebuild_tensor_v2` calls.
fn pickle(tensors: &[(String, HostTensor)]) -> Vec<u8> {
    let mut p = vec![0x80, 2, b'}', b'('];
    for (i, (name, tensor)) in tensors.iter().enumerate() {
        text(&mut p, name);
        p.extend_from_slice(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut p, "storage");
        let storage = format!("ctorch\n{}Storage\n", tensor.dtype.storage_name());
        p.extend_from_slice(storage.as_bytes());
        text(&mut p, &i.to_string());
        text(&mut p, "cpu");
        int(
            &mut p,
            (tensor.bytes.len() / tensor.dtype.size().max(1)) as i64,
        );
        p.extend_from_slice(b"tQ");
        int(&mut p, 0);
        let mut strides = vec![1i64; tensor.shape.len()];
        for k in (1..strides.len()).rev() {
            strides[k - 1] = strides[k] * tensor.shape[k].max(1);
        }
        for list in [&tensor.shape, &strides] {
            p.push(b'(');
            list.iter().for_each(|&n| int(&mut p, n));
            p.push(b't');
        }
        // requires_grad False, no backward hooks.
        p.extend_from_slice(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    p.extend_from_slice(b"u.");
    p
}

fn text(p: &mut Vec<u8>, text: &str) {
    p.push(b'X');
    p.extend_from_slice(&(text.len() as u32).to_le_bytes());
    p.extend_from_slice(text.as_bytes());
}

fn int(p: &mut Vec<u8>, value: i64) {
    match i32::try_from(value) {
        Ok(value) => {
            p.push(b'J');
            p.extend_from_slice(&value.to_le_bytes());
        }
        Err(_) => {
            p.extend_from_slice(&[0x8a, 8]);
            p.extend_from_slice(&value.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Value;
    use crate::inputs::Arrays;

    #[test]
    fn our_own_reader_reads_it() {
        let x = HostTensor::from_f32(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let y = HostTensor::from_i64(&[], &[7]).unwrap();
        let z = HostTensor::new(crate::tensor::DType::I8, vec![0, 2], vec![]).unwrap();
        let tensors = [("a.0", x), ("b", y), ("empty", z)].map(|(n, t)| (n.to_owned(), t));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.pt");
        write(std::fs::File::create(&path).unwrap(), &tensors).unwrap();
        let read = Arrays::read(&path).unwrap();
        let read: Vec<_> = read
            .items
            .into_iter()
            .map(|it| match it.value {
                Value::Tensor(tensor) => (it.name.unwrap(), tensor),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(read, tensors);
    }
}
