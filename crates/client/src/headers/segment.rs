//! Headers in pieces for the keystore, so that a new block rewrites one small item.

use bitcoin::block::Header;
use bitcoin::consensus::encode::{deserialize, serialize};

use twofold_intent::ChainName;

use super::HeaderChain;

/// Headers in one piece; pieces are counted from height 0.
pub const SEGMENT: u32 = 2016;

impl HeaderChain {
    /// The numbers of the pieces that hold heights from `from` up.
    pub(crate) fn segments_from(&self, from: u32) -> core::ops::Range<u32> {
        let first = from.max(self.base) / SEGMENT;
        if self.headers.is_empty() {
            first..first
        } else {
            first..(self.next_height() - 1) / SEGMENT + 1
        }
    }

    /// One piece: the height of its first header (big-endian), then 80 bytes a header.
    pub(crate) fn segment(&self, number: u32) -> Vec<u8> {
        let first = number.saturating_mul(SEGMENT).max(self.base);
        let last = number.saturating_add(1).saturating_mul(SEGMENT);
        let headers = (first..last).map_while(|height| self.get(height)).flat_map(serialize);
        first.to_be_bytes().into_iter().chain(headers).collect()
    }

    /// A chain from pieces that were kept sealed, in order. A crash between two pieces leaves some of an older fork:
    /// what does not follow is left out, and the next sync asks for it again.
    pub(crate) fn from_segments<'a>(
        name: ChainName,
        birthday: u32,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let mut chain = Self::starting_at(name, birthday);
        for piece in pieces {
            let Some((first, headers)) = piece.split_first_chunk() else {
                break;
            };
            let first = u32::from_be_bytes(*first);
            if chain.headers.is_empty() {
                chain.base = first;
            } else if first != chain.next_height() {
                break;
            }
            for bytes in headers.as_chunks::<80>().0 {
                let Ok(header) = deserialize::<Header>(bytes) else {
                    return chain;
                };
                if chain
                    .headers
                    .last()
                    .is_some_and(|last| last.block_hash() != header.prev_blockhash)
                {
                    return chain;
                }
                chain.headers.push(header);
            }
        }
        chain
    }
}
