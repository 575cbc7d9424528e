//! `--entries`: the records of the zip.

use crate::archive::Archive;
use crate::archive::zip::Method;
use crate::report::table;
use serde::Serialize;

/// The records in directory order.
#[derive(Debug, Serialize)]
pub struct Entries {
    /// The folder all records of the model stand in.
    pub folder: String,
    /// One for each.
    pub entries: Vec<Entry>,
}

/// One record.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Full name.
    pub name: String,
    /// First byte of the data in the file; none if its header is broken.
    pub data_offset: Option<u64>,
    /// Bytes in use.
    pub size: u64,
    /// Bytes in the file.
    pub compressed_size: u64,
    /// `stored` or `deflated`.
    pub method: &'static str,
    /// Checksum in the directory.
    pub crc32: u32,
    /// Whether the data has that checksum.
    pub is_crc_ok: bool,
    /// Why the record cannot be read.
    pub problem: Option<String>,
}

/// Lists and checks every record.
pub fn entries(archive: &Archive) -> Entries {
    let zip = archive.zip();
    let entry = |(id, entry): (_, &crate::archive::zip::Entry)| {
        let problem = zip.verify_crc(id).err().map(|e| e.to_string());
        Entry {
            name: zip.display_name(id),
            data_offset: zip.local(id).ok().map(|local| local.data.start as u64),
            size: entry.size,
            compressed_size: entry.compressed_size,
            method: match entry.method {
                Method::Stored => "stored",
                Method::Deflated => "deflated",
            },
            crc32: entry.crc,
            is_crc_ok: problem.is_none(),
            problem,
        }
    };
    Entries {
        folder: archive.name().into_owned(),
        entries: zip.entries().map(entry).collect(),
    }
}

impl Entries {
    /// A table.
    pub fn text(&self) -> String {
        let row = |e: &Entry| {
            vec![
                e.name.clone(),
                e.data_offset
                    .map_or_else(|| "?".to_owned(), |o| o.to_string()),
                e.size.to_string(),
                e.compressed_size.to_string(),
                e.method.to_owned(),
                format!("{:08x}", e.crc32),
                if e.is_crc_ok { "ok" } else { "BAD" }.to_owned(),
            ]
        };
        let rows: Vec<_> = self.entries.iter().map(row).collect();
        let headings = [
            "name",
            "offset",
            "size",
            "compressed",
            "method",
            "crc32",
            "check",
        ];
        table(&headings, &rows, &[1, 2, 3])
    }
}
