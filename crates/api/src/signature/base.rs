//! The bytes that are signed (RFC 9421, section 2.5).

use alloc::vec::Vec;

/// Joins components and their values to the signature base: a line `"name": value` for each, then `@signature-params`
/// with `params`, without a newline at the end.
///
/// Names are lower-case and values are already canonical (RFC 9421, section 2.1): no line breaks, no white space at
/// either end. That is the caller's to ensure; [`super::Proof`] and [`super::Unsigned`] do.
#[must_use]
pub fn signature_base<'a>(components: impl IntoIterator<Item = (&'a str, &'a str)> + Clone, params: &str) -> Vec<u8> {
    const LAST: &str = "\"@signature-params\": ";
    let length = components
        .clone()
        .into_iter()
        .map(|(name, value)| name.len() + value.len() + 5)
        .sum::<usize>();
    let mut base = Vec::with_capacity(length + LAST.len() + params.len());
    for (name, value) in components {
        base.push(b'"');
        base.extend_from_slice(name.as_bytes());
        base.extend_from_slice(b"\": ");
        base.extend_from_slice(value.as_bytes());
        base.push(b'\n');
    }
    base.extend_from_slice(LAST.as_bytes());
    base.extend_from_slice(params.as_bytes());
    base
}
