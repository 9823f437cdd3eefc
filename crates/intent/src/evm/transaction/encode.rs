//! A transaction as bytes: to be hashed, to be sent to who signs, and to be broadcast.

use alloy_primitives::{B256, Signature, U256, keccak256};
use alloy_rlp::{BufMut, Encodable, encode_list};

use super::{Access, Fee, Transaction};

impl Transaction {
    /// The bytes that are signed.
    #[must_use]
    pub fn unsigned(&self) -> Vec<u8> {
        match &self.fee {
            // EIP-155: the chain stands where the signature will.
            Fee::Legacy { .. } => self.bytes(&[&self.chain.number(), &0_u8, &0_u8]),
            Fee::AccessList { .. } | Fee::Dynamic { .. } => self.bytes(&[]),
        }
    }

    /// The digest that is signed: Keccak-256 of [`unsigned`](Self::unsigned).
    #[must_use]
    pub fn digest(&self) -> B256 {
        keccak256(self.unsigned())
    }

    /// The bytes that are broadcast.
    pub(super) fn signed(&self, signature: &Signature) -> Vec<u8> {
        let (parity, r, s): (bool, U256, U256) = (signature.v(), signature.r(), signature.s());
        match &self.fee {
            Fee::Legacy { .. } => {
                // A chain id is bounded so that this fits.
                let v = self.chain.number() * 2 + 35 + u64::from(parity);
                self.bytes(&[&v, &r, &s])
            }
            Fee::AccessList { .. } | Fee::Dynamic { .. } => self.bytes(&[&parity, &r, &s]),
        }
    }

    fn bytes(&self, tail: &[&dyn Encodable]) -> Vec<u8> {
        let chain = self.chain.number();
        let mut out = Vec::new();
        let mut fields: Vec<&dyn Encodable> = Vec::with_capacity(12);
        match &self.fee {
            Fee::Legacy { gas_price } => fields.extend([&self.nonce as &dyn Encodable, gas_price]),
            Fee::AccessList { gas_price, .. } => {
                out.push(1);
                fields.extend([&chain as &dyn Encodable, &self.nonce, gas_price]);
            }
            Fee::Dynamic {
                max_fee_per_gas,
                max_priority_fee_per_gas,
                ..
            } => {
                out.push(2);
                fields.extend([
                    &chain as &dyn Encodable,
                    &self.nonce,
                    max_priority_fee_per_gas,
                    max_fee_per_gas,
                ]);
            }
        }
        fields.extend([&self.gas_limit as &dyn Encodable, &self.to, &self.value, &self.data]);
        match &self.fee {
            Fee::Legacy { .. } => {}
            Fee::AccessList { access, .. } | Fee::Dynamic { access, .. } => fields.push(access),
        }
        fields.extend(tail);
        encode_list::<&dyn Encodable, dyn Encodable>(&fields, &mut out);
        out
    }
}

impl Encodable for Access {
    fn encode(&self, out: &mut dyn BufMut) {
        encode_list::<&dyn Encodable, dyn Encodable>(&[&self.address, &self.keys], out);
    }
}
