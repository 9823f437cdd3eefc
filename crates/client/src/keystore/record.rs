//! Bytes of records that hold secrets: wiped when dropped, and never left behind by a growing buffer.

use zeroize::Zeroizing;

use crate::port::KeystoreFault;

/// Writes a record: fixed fields as they are, variable ones after their length (four bytes, big-endian).
#[derive(Debug)]
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    /// A record of a format version.
    pub(crate) fn new(version: u8) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(4096))).fixed(&[version])
    }

    /// A field whose length both sides know.
    pub(crate) fn fixed(mut self, bytes: &[u8]) -> Self {
        if self.0.len() + bytes.len() > self.0.capacity() {
            // A vector that grows by itself frees its old memory unwiped.
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * (self.0.len() + bytes.len())));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
        self
    }

    /// A field of any length.
    pub(crate) fn var(self, bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.fixed(&length.to_be_bytes()).fixed(bytes)
    }

    /// A field that may be missing.
    pub(crate) fn optional(self, bytes: Option<&[u8]>) -> Self {
        match bytes {
            Some(bytes) => self.fixed(&[1]).var(bytes),
            None => self.fixed(&[0]),
        }
    }

    /// A list of fields, after their number.
    pub(crate) fn all(self, fields: &[Vec<u8>]) -> Self {
        let count = u32::try_from(fields.len()).unwrap_or(u32::MAX);
        fields
            .iter()
            .fold(self.fixed(&count.to_be_bytes()), |writer, field| writer.var(field))
    }

    /// The record.
    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

/// Reads a record back.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    name: &'a str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A record of a known version; `name` is the item it comes from, for faults.
    pub(crate) fn new(name: &'a str, bytes: &'a [u8], version: u8) -> Result<Self, KeystoreFault> {
        let mut reader = Self { name, rest: bytes };
        let [found] = reader.array()?;
        if found > version {
            return Err(KeystoreFault::Newer { found, known: version });
        }
        if found == version {
            Ok(reader)
        } else {
            Err(reader.damaged())
        }
    }

    /// A record of a known version or an older one that can still be read; which one it is.
    pub(crate) fn since(name: &'a str, bytes: &'a [u8], oldest: u8, version: u8) -> Result<(Self, u8), KeystoreFault> {
        let found = bytes.first().copied().unwrap_or_default();
        let read_as = if (oldest..version).contains(&found) {
            found
        } else {
            version
        };
        Ok((Self::new(name, bytes, read_as)?, read_as))
    }

    /// What to say when a field makes no sense.
    pub(crate) fn damaged(&self) -> KeystoreFault {
        KeystoreFault::Damaged { name: self.name.into() }
    }

    /// A field of fixed length.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], KeystoreFault> {
        let (field, rest) = self.rest.split_first_chunk().ok_or_else(|| self.damaged())?;
        self.rest = rest;
        Ok(*field)
    }

    /// A field of any length.
    pub(crate) fn var(&mut self) -> Result<&'a [u8], KeystoreFault> {
        let length = usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| self.damaged())?;
        let (field, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.damaged())?;
        self.rest = rest;
        Ok(field)
    }

    /// A field that may be missing.
    pub(crate) fn optional(&mut self) -> Result<Option<&'a [u8]>, KeystoreFault> {
        match self.array()? {
            [0] => Ok(None),
            [1] => self.var().map(Some),
            [_] => Err(self.damaged()),
        }
    }

    /// A list of at most so many fields.
    pub(crate) fn all(&mut self, most: u32) -> Result<Vec<Vec<u8>>, KeystoreFault> {
        let count = u32::from_be_bytes(self.array()?);
        if count > most {
            return Err(self.damaged());
        }
        (0..count).map(|_| self.var().map(<[u8]>::to_vec)).collect()
    }

    /// A text.
    pub(crate) fn text(&mut self) -> Result<&'a str, KeystoreFault> {
        let bytes = self.var()?;
        core::str::from_utf8(bytes).map_err(|_| self.damaged())
    }

    /// The end; nothing may follow.
    pub(crate) fn finish(self) -> Result<(), KeystoreFault> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.damaged())
        }
    }
}

#[cfg(test)]
mod tests;
