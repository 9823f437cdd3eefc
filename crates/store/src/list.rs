//! Lists of byte strings in one column: each entry behind its length, four bytes, little-endian.

use crate::fault::Fault;

/// Packs entries.
pub(crate) fn pack(entries: &[Vec<u8>]) -> Result<Vec<u8>, Fault> {
    let mut packed = Vec::with_capacity(entries.iter().map(|entry| 4 + entry.len()).sum());
    for entry in entries {
        let length = u32::try_from(entry.len()).map_err(|_| Fault::Damaged("a list entry of over 4 GiB".to_owned()))?;
        packed.extend_from_slice(&length.to_le_bytes());
        packed.extend_from_slice(entry);
    }
    Ok(packed)
}

/// Unpacks entries.
pub(crate) fn unpack(what: &'static str, mut packed: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
    let mut entries = Vec::new();
    while !packed.is_empty() {
        let (entry, rest) = packed
            .split_first_chunk::<4>()
            .and_then(|(length, rest)| rest.split_at_checked(u32::from_le_bytes(*length) as usize))
            .ok_or_else(|| Fault::Damaged(format!("{what} ends within an entry")))?;
        entries.push(entry.to_vec());
        packed = rest;
    }
    Ok(entries)
}

/// Splits a column that holds entries of one length.
pub(crate) fn split<const N: usize>(what: &'static str, column: &[u8]) -> Result<Vec<[u8; N]>, Fault> {
    let (entries, rest) = column.as_chunks::<N>();
    if rest.is_empty() {
        Ok(entries.to_vec())
    } else {
        Err(Fault::Damaged(format!("{what} ends within an entry")))
    }
}
