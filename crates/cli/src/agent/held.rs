//! A key in one page of memory that the system does not write to disk.

use std::io::{self, Read};

use region::LockGuard;
use zeroize::Zeroize as _;

/// A page by itself, so that nothing else is locked or freed with it.
#[repr(C, align(4096))]
struct Page([u8; 4096]);

/// A data key and the digest of the file that it opens, in a locked page; wiped when dropped.
pub(crate) struct Held {
    // Unlocked before it is freed.
    _locked: LockGuard,
    page: Box<Page>,
    file: [u8; 32],
}

impl Held {
    /// Reads a key and a digest, the key straight into the page.
    pub(crate) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut page = Box::new(Page([0; 4096]));
        let locked = region::lock(page.0.as_ptr(), page.0.len()).map_err(io::Error::other)?;
        from.read_exact(&mut page.0[..32])?;
        let mut file = [0; 32];
        from.read_exact(&mut file)?;
        Ok(Self {
            _locked: locked,
            page,
            file,
        })
    }

    /// The key.
    pub(crate) fn key(&self) -> &[u8] {
        &self.page.0[..32]
    }

    /// SHA-256 of the key file that it opens.
    pub(crate) const fn file(&self) -> &[u8; 32] {
        &self.file
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.page.0.zeroize();
    }
}
