//! A backup as a file: an age file to the operator's key whose contents are a line that says what it is, and the database.
//!
//! The server has only the public half of that key, so it can't open what it wrote. A backup is read back all the same: a
//! second recipient is drawn for each and forgotten with it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read, Write},
    iter,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    str::FromStr as _,
};

use age::{Decryptor, Encryptor, x25519};
use rustix::fs::{Advice, fadvise};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use twofold_store::Contents;
use zeroize::Zeroizing;

use crate::{
    failpoint::failpoint,
    fault::Fault,
    pace::{Pace, Paced},
    private_file,
};

/// What the first line of a backup's contents names.
const FORMAT: &str = "twofold-backup/1";
/// Longest first line, in bytes.
const LINE: u64 = 4096;
/// Bytes copied at a time.
const CHUNK: usize = 1 << 16;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    format: String,
    /// When it was made, in seconds since 1970.
    pub(crate) made: u64,
    /// The program's version.
    pub(crate) version: String,
    /// The database's schema.
    pub(crate) schema: u32,
    /// How many wallets.
    pub(crate) wallets: u64,
    /// Bytes of the database.
    pub(crate) bytes: u64,
}

/// Reads an operator's public key, `age1...`.
pub(crate) fn recipient(text: &str) -> Result<x25519::Recipient, Fault> {
    x25519::Recipient::from_str(text.trim()).map_err(|_| {
        Fault::Config(format!(
            "`{text}` is no age recipient; it begins with age1, as age-keygen prints it"
        ))
    })
}

/// Draws a key for backups into a new private file, as `age-keygen` writes it; its public half.
pub(crate) fn draw_key(file: &Path) -> Result<String, Fault> {
    use age::secrecy::ExposeSecret as _;
    let identity = x25519::Identity::generate();
    let public = identity.to_public().to_string();
    let secret = identity.to_string();
    let text = Zeroizing::new(format!("# public key: {public}\n{}\n", secret.expose_secret()));
    private_file::create(file, text.as_bytes())?;
    Ok(public)
}

/// Reads the operator's secret key from its file.
pub(crate) fn identity(file: &Path) -> Result<x25519::Identity, Fault> {
    let text = fs::read(file).map(Zeroizing::new).map_err(Fault::reading(file))?;
    let none = || {
        Fault::Config(format!(
            "{} holds no key of age; it needs a line that begins with AGE-SECRET-KEY-1",
            file.display()
        ))
    };
    let text = core::str::from_utf8(&text).map_err(|_| none())?;
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'));
    x25519::Identity::from_str(line.ok_or_else(none)?).map_err(|_| none())
}

/// Writes a backup of `database` to a new file and reads it back, with a rest after each bit. What is there when this fails
/// is removed.
pub(crate) fn write(
    database: &Path,
    out: &Path,
    recipient: &x25519::Recipient,
    contents: Contents,
    now: u64,
    pace: &mut Pace,
) -> Result<Manifest, Fault> {
    let part = Part::beside(out)?;
    let bytes = fs::metadata(database).map_err(Fault::reading(database))?.len();
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        made: now,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schema: contents.schema,
        wallets: contents.wallets,
        bytes,
    };
    let reader = x25519::Identity::generate();
    let recipients = [recipient, &reader.to_public()];
    let written = seal(database, &part.0, &recipients, &manifest, pace).map_err(Fault::writing(out))?;
    failpoint!("backup::sealed");
    let (read, found) = unseal(&part.0, &reader, &mut Paced::new(io::sink(), pace))?;
    if read != written || found != manifest {
        return Err(Fault::Data(format!(
            "{} does not read back as it was written; is the disk sound?",
            out.display()
        )));
    }
    failpoint!("backup::read_back");
    part.publish(out)?;
    failpoint!("backup::published");
    Ok(manifest)
}

/// Opens a backup and writes its database into an empty file.
pub(crate) fn read(from: &Path, identity: &x25519::Identity, to: &mut File) -> Result<Manifest, Fault> {
    let (_, manifest) = unseal(from, identity, to)?;
    Ok(manifest)
}

/// A file that goes unless it is published.
struct Part(PathBuf);

impl Part {
    fn beside(out: &Path) -> Result<Self, Fault> {
        if out.exists() {
            let told = format!("{} is there already; a backup overwrites nothing", out.display());
            return Err(Fault::Config(told));
        }
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = Self(out.with_file_name(name));
        let _ = fs::remove_file(&part.0);
        Ok(part)
    }

    /// Gives the file its name, durably, unless somebody else has taken it.
    fn publish(self, out: &Path) -> Result<(), Fault> {
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        fs::hard_link(&self.0, out)
            .and_then(|()| File::open(folder)?.sync_all())
            .map_err(Fault::writing(out))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may never have been made.
        let _ = fs::remove_file(&self.0);
    }
}

/// What is read or written, with its hash.
struct Hashed<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A file that goes to the disk with each flush.
struct Pushed(File);

impl Write for Pushed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// Encrypts; the hash of what went in.
fn seal(
    database: &Path,
    to: &Path,
    recipients: &[&x25519::Recipient],
    manifest: &Manifest,
    pace: &mut Pace,
) -> io::Result<[u8; 32]> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let pushed = Paced::new(Pushed(file), pace);
    let recipients = recipients.iter().map(|recipient| *recipient as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
    let mut out = Hashed {
        inner: encryptor.wrap_output(io::BufWriter::with_capacity(CHUNK, pushed))?,
        hash: Sha256::new(),
    };
    let mut line = serde_json::to_vec(manifest)?;
    line.push(b'\n');
    out.write_all(&line)?;
    io::copy(&mut BufReader::with_capacity(CHUNK, File::open(database)?), &mut out)?;
    let pushed = out.inner.finish()?.into_inner();
    let pushed = pushed.map_err(io::IntoInnerError::into_error)?.into_inner();
    pushed.0.sync_all()?;
    Ok(out.hash.finalize().into())
}

/// Decrypts into `to`; the hash of all that came out, and what its first line says.
fn unseal(from: &Path, identity: &x25519::Identity, to: &mut dyn Write) -> Result<([u8; 32], Manifest), Fault> {
    let file = File::open(from).map_err(Fault::reading(from))?;
    // Not what memory still has of it. Where the system takes no advice, that is what it is.
    let _ = fadvise(&file, 0, None, Advice::DontNeed);
    let decryptor = Decryptor::new_buffered(BufReader::with_capacity(CHUNK, file))
        .map_err(|why| Fault::Data(format!("{} is no backup: {why}", from.display())))?;
    let opened = decryptor
        .decrypt(iter::once(identity as &dyn age::Identity))
        .map_err(|why| Fault::Data(format!("{} does not open: {why}; is it this key's?", from.display())))?;
    let damaged = |why: &dyn core::fmt::Display| Fault::Data(format!("{} is damaged: {why}", from.display()));
    let mut opened = BufReader::with_capacity(CHUNK, opened);
    let mut line = Vec::new();
    Read::by_ref(&mut opened)
        .take(LINE)
        .read_until(b'\n', &mut line)
        .map_err(|why| damaged(&why))?;
    let manifest: Manifest =
        serde_json::from_slice(&line).map_err(|_| damaged(&"it does not say what it is, or needs a newer version"))?;
    if manifest.format != FORMAT {
        return Err(damaged(&"it is of another version"));
    }
    let mut out = Hashed {
        inner: to,
        hash: Sha256::new().chain_update(&line),
    };
    let count = io::copy(&mut opened, &mut out).map_err(|why| damaged(&why))?;
    out.flush().map_err(|why| damaged(&why))?;
    if count != manifest.bytes {
        return Err(damaged(&"its length is not what it says"));
    }
    Ok((out.hash.finalize().into(), manifest))
}

#[cfg(test)]
mod tests;
