//! The anchor as a file: one process at a time, lines that are durable before they are answered for.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rustix::fs::{FlockOperation, flock};
use twofold_cosigner::port::anchor::{Anchor, AnchorFault, Appended};

use crate::sqlite::open::{OpenFault, at, make, sync};

/// An anchor in a file of its own. It must lie outside the data directory, on another volume where there is one, and in no
/// backup of it.
#[derive(Debug)]
pub struct AnchorFile {
    path: PathBuf,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// A write or a sync failed and could not be taken back: what the disk has is not known.
    broken: bool,
}

impl AnchorFile {
    /// Opens the file, or makes it. What a crash left of a line that nobody was answered for is cut off.
    pub fn open(path: &Path) -> Result<Self, OpenFault> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        make(folder)?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(at(path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(OpenFault::InUse(path.to_path_buf())),
            Err(error) => return Err(at(path)(error.into())),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(at(path))?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let length = whole as u64;
        if whole < bytes.len() {
            tracing::warn!(path = %path.display(), "the anchor's last line was cut short by a crash and is dropped");
            file.set_len(length).map_err(at(path))?;
        }
        file.sync_all().map_err(at(path))?;
        sync(folder)?;
        Ok(Self {
            path: path.to_path_buf(),
            open: Mutex::new(Open {
                file,
                length,
                broken: false,
            }),
        })
    }

    /// The lines of an anchor that another process may have open; none where there is no file.
    pub fn peek(path: &Path) -> Result<Vec<String>, AnchorFault> {
        match fs::read(path) {
            Ok(bytes) => lines(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(AnchorFault::Unavailable(format!("{}: {error}", path.display()))),
        }
    }
}

impl Anchor for AnchorFile {
    fn append(&self, line: String) -> Appended<'_> {
        // A refresh waits for it, and nothing else: it is one small write and its sync.
        Box::pin(async move {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.append(&line)
                .map_err(|error| AnchorFault::Unavailable(format!("{}: {error}", self.path.display())))
        })
    }

    fn lines(&self) -> Result<Vec<String>, AnchorFault> {
        let _whole = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        Self::peek(&self.path)
    }
}

impl Open {
    fn append(&mut self, line: &str) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier write may or may not be there: restart"));
        }
        let bytes = format!("{line}\n");
        let length = self.length + bytes.len() as u64;
        let written = self
            .file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| self.file.write_all(bytes.as_bytes()));
        if let Err(error) = written {
            // What got there is taken back, so that the next line stands alone.
            let undone = self.file.set_len(self.length).and_then(|()| self.file.sync_all());
            self.broken = undone.is_err();
            return Err(error);
        }
        // A sync that failed proves nothing when it is tried again.
        if let Err(error) = self.file.sync_all() {
            self.broken = true;
            return Err(error);
        }
        self.length = length;
        Ok(())
    }
}

fn lines(bytes: &[u8]) -> Result<Vec<String>, AnchorFault> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let text = std::str::from_utf8(bytes.get(..whole).unwrap_or_default())
        .map_err(|_| AnchorFault::Damaged("it holds something else than lines".into()))?;
    Ok(text.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests;
