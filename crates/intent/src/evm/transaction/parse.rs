//! Bytes into a transaction: bounded, whole, in the one spelling that is hashed, nothing left over.

use alloy_primitives::{Address, B256, U256};
use alloy_rlp::{Decodable, Error, Header, PayloadView, decode_exact};

use super::{Access, Fee, Refused, Transaction};
use crate::evm::ChainId;

/// The largest transaction read, in bytes: nodes pass on none that is larger.
pub const MAX_BYTES: usize = 128 * 1024;

/// Fields of a legacy transaction before its chain or its signature.
const LEGACY: usize = 6;
/// Fields of a signature.
const SIGNATURE: usize = 3;

/// Reads an unsigned transaction.
pub fn parse(bytes: &[u8]) -> Result<Transaction, Refused> {
    if bytes.len() > MAX_BYTES {
        return Err(Refused::TooLarge { limit: MAX_BYTES });
    }
    let (first, rest) = bytes.split_first().ok_or(Refused::Empty)?;
    match first {
        1 => with_access_list(&Fields::read(rest, 8)?),
        2 => with_dynamic_fee(&Fields::read(rest, 9)?),
        3 => Err(Refused::Blobs),
        4 => Err(Refused::Authorizations),
        // What is neither a type nor a list (EIP-2718).
        0 | 5..0xc0 | 0xff => Err(Refused::UnknownType(*first)),
        0xc0..0xff => legacy(bytes),
    }
}

fn legacy(bytes: &[u8]) -> Result<Transaction, Refused> {
    let fields = Fields(items(bytes)?);
    if fields.0.len() == LEGACY {
        return Err(Refused::NoChain);
    }
    if fields.0.len() != LEGACY + SIGNATURE {
        return Err(Refused::FieldCount {
            expected: LEGACY + SIGNATURE,
            got: fields.0.len(),
        });
    }
    let (r, s): (U256, U256) = (fields.get(7, "r")?, fields.get(8, "s")?);
    if !r.is_zero() || !s.is_zero() {
        return Err(Refused::AlreadySigned);
    }
    let fee = Fee::Legacy {
        gas_price: fields.get(1, "gas price")?,
    };
    fields.transaction(fields.chain(6)?, 0, (fee, 1))
}

fn with_access_list(fields: &Fields<'_>) -> Result<Transaction, Refused> {
    let fee = Fee::AccessList {
        gas_price: fields.get(2, "gas price")?,
        access: fields.get(7, "access list")?,
    };
    fields.transaction(fields.chain(0)?, 1, (fee, 1))
}

fn with_dynamic_fee(fields: &Fields<'_>) -> Result<Transaction, Refused> {
    let fee = Fee::Dynamic {
        max_priority_fee_per_gas: fields.get(2, "priority fee")?,
        max_fee_per_gas: fields.get(3, "max fee")?,
        access: fields.get(8, "access list")?,
    };
    fields.transaction(fields.chain(0)?, 1, (fee, 2))
}

/// The fields of a transaction, each with its header.
struct Fields<'a>(Vec<&'a [u8]>);

impl<'a> Fields<'a> {
    fn read(bytes: &'a [u8], expected: usize) -> Result<Self, Refused> {
        let fields = items(bytes)?;
        match fields.len() {
            got if got == expected => Ok(Self(fields)),
            got if got == expected + SIGNATURE => Err(Refused::AlreadySigned),
            got => Err(Refused::FieldCount { expected, got }),
        }
    }

    fn get<T: Decodable>(&self, place: usize, field: &'static str) -> Result<T, Refused> {
        let bytes = self.0.get(place).copied().unwrap_or_default();
        decode_exact(bytes).map_err(|fault| match fault {
            Error::Overflow => Refused::Overflow { field },
            _ => Refused::Field { field },
        })
    }

    /// What every form has in one order: the nonce at `place`, as many prices as the fee has, and the rest.
    fn transaction(&self, chain: ChainId, place: usize, (fee, prices): (Fee, usize)) -> Result<Transaction, Refused> {
        let after = place + prices;
        Ok(Transaction {
            chain,
            nonce: self.get(place, "nonce")?,
            fee,
            gas_limit: self.get(after + 1, "gas limit")?,
            to: self.get(after + 2, "to")?,
            value: self.get(after + 3, "value")?,
            data: self.get(after + 4, "data")?,
        })
    }

    fn chain(&self, place: usize) -> Result<ChainId, Refused> {
        let number: U256 = self.get(place, "chain id")?;
        ChainId::try_from(number).map_err(|_| Refused::ChainId)
    }
}

fn items(bytes: &[u8]) -> Result<Vec<&[u8]>, Refused> {
    let mut rest = bytes;
    let list = Header::decode_raw(&mut rest).map_err(|_| Refused::NotRlp)?;
    if !rest.is_empty() {
        return Err(Refused::TrailingBytes(rest.len()));
    }
    match list {
        PayloadView::List(fields) => Ok(fields),
        PayloadView::String(_) => Err(Refused::NotRlp),
    }
}

impl Decodable for Access {
    fn decode(bytes: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let mut line = Header::decode_bytes(bytes, true)?;
        let address = Address::decode(&mut line)?;
        let keys = Vec::<B256>::decode(&mut line)?;
        if line.is_empty() {
            Ok(Self { address, keys })
        } else {
            Err(Error::UnexpectedLength)
        }
    }
}
