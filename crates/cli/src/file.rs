//! Files that people carry between machines, as a command reads and writes them.

use std::{fs::File, io::Read as _, path::Path};

use anyhow::{Context as _, Result, bail};

use crate::{exit::Wrong, private_file};

/// Reads a file of at most `limit` bytes.
pub(crate) fn read_bytes(path: &Path, limit: usize) -> Result<Vec<u8>> {
    let unreadable = || Wrong(format!("{} can't be read", path.display()));
    let mut bytes = Vec::new();
    File::open(path)
        .with_context(unreadable)?
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(unreadable)?;
    if bytes.len() > limit {
        bail!(Wrong(format!(
            "{} is larger than {limit} bytes, which nothing of ours is",
            path.display()
        )));
    }
    Ok(bytes)
}

/// Reads a text of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: usize) -> Result<String> {
    String::from_utf8(read_bytes(path, limit)?).with_context(|| Wrong(format!("{} is no text", path.display())))
}

/// The same, or standard input where the path is `-`.
pub(crate) fn read_or_stdin(path: &Path, limit: usize) -> Result<String> {
    if path == Path::new("-") {
        read(Path::new("/dev/stdin"), limit)
    } else {
        read(path, limit)
    }
}

/// Writes a new file that only its owner reads, and waits until it would outlive a power cut.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<()> {
    private_file::settle(&private_file::create(path, text)?, path)
}

/// The same; a file that says exactly this already is fine, so that an interrupted run can be repeated.
pub(crate) fn write_same(path: &Path, text: &str) -> Result<()> {
    // One line feed may have been added.
    let there = read(path, text.len() + 1);
    if there.is_ok_and(|there| there.trim_end() == text.trim_end()) {
        return private_file::settle(&File::open(path)?, path);
    }
    write_new(path, text)
}

#[cfg(test)]
mod tests {
    use super::{read, write_new, write_same};

    #[test]
    fn a_file_is_written_once_and_read_within_its_bound() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("note");
        write_new(&path, "four").expect("writes");
        assert!(write_new(&path, "more").is_err());
        assert_eq!(read(&path, 5).expect("reads"), "four\n");
        write_same(&path, "four").expect("is there");
        assert!(write_same(&path, "five").is_err());
        assert!(read(&path, 4).expect_err("is too long").to_string().contains("larger"));
    }
}
