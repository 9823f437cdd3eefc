//! A text, signed for one address of the wallet (BIP-322, the simple form), into the one digest that its signature covers.
//!
//! Nothing is spent. The text is hashed into a transaction that nobody can mine (`to_spend`: it spends a coin that does not
//! exist, and gives nothing to the address), and what is signed is a second one that would spend the first (`to_sign`). So
//! the digest commits to the text and to the address, and no coin that ever was or will be can be moved with it: its
//! version is 0, which [`psbt::facts`](crate::psbt::facts) refuses, as it refuses the second transaction's lone empty
//! output under any version. The two intents can never end in one digest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode::serialize;
use bitcoin::hashes::{Hash as _, HashEngine as _, sha256};
use bitcoin::opcodes::all::OP_RETURN;
use bitcoin::script::Builder;
use bitcoin::secp256k1::{Message, schnorr};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{
    Address, Amount, OutPoint, ScriptBuf, Sequence, TapSighashType, Transaction, TxIn, TxOut, Txid, Witness,
    XOnlyPublicKey, taproot,
};

use crate::curve::secp;
use crate::{Account, AccountError, Keychain};

/// The longest text signed, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// What the simple form starts with.
const SIMPLE: &str = "smp";
const TAG: &[u8] = b"BIP0322-signed-message";

/// What signing a text means. Made only by [`facts`], so every field follows from text, account and address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageFacts {
    /// The keychain of the child key that signs.
    pub keychain: Keychain,
    /// The index of the child key that signs.
    pub child: u32,
    /// The address that the text is signed for.
    pub address: Address,
    /// BIP-322's tagged hash of the text.
    pub hash: [u8; 32],
    /// The transaction that the address would be paid by. It commits to the text.
    pub to_spend: Txid,
    /// The BIP-341 key-path digest of the transaction that would spend it.
    pub sighash: [u8; 32],
}

/// Why a text can't be signed, or its signature not be given out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageRefused {
    /// More bytes than are signed.
    #[error("the text has more than {MAX_BYTES} bytes; sign its hash instead, and say so in the text")]
    TooLong,
    /// The child can't be derived.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// No digest follows, which only a defect of ours can bring about.
    #[error("no digest follows from the text; report this")]
    Sighash,
    /// The signature does not verify under the address's key.
    #[error("the signature of the text does not verify; ask for it again")]
    BadSignature,
}

/// What signing `text` for a child's address means.
pub fn facts(text: &[u8], account: &Account, keychain: Keychain, child: u32) -> Result<MessageFacts, MessageRefused> {
    if text.len() > MAX_BYTES {
        return Err(MessageRefused::TooLong);
    }
    let address = account.address(keychain, child)?;
    let (hash, script) = (hash(text), address.script_pubkey());
    let to_spend = to_spend(&hash, script);
    let coin = to_spend.output.first().ok_or(MessageRefused::Sighash)?;
    let txid = to_spend.compute_txid();
    let to_sign = to_sign(txid);
    let sighash = SighashCache::new(&to_sign)
        .taproot_key_spend_signature_hash(0, &Prevouts::All(&[coin]), TapSighashType::Default)
        .map_err(|_| MessageRefused::Sighash)?;
    Ok(MessageFacts {
        keychain,
        child,
        address,
        hash,
        to_spend: txid,
        sighash: *AsRef::<[u8; 32]>::as_ref(&sighash),
    })
}

/// The signature as people pass it on: BIP-322's simple form, `smp` and the witness in base64. It is verified first.
pub fn proof(facts: &MessageFacts, signature: &[u8; 64]) -> Result<String, MessageRefused> {
    let bad = |_| MessageRefused::BadSignature;
    let signature = schnorr::Signature::from_slice(signature).map_err(bad)?;
    let script = facts.address.script_pubkey();
    let key = script.as_bytes().get(2..).unwrap_or_default();
    let key = XOnlyPublicKey::from_slice(key).map_err(bad)?;
    secp()
        .verify_schnorr(&signature, &Message::from_digest(facts.sighash), &key)
        .map_err(bad)?;
    let witness = Witness::p2tr_key_spend(&taproot::Signature {
        signature,
        sighash_type: TapSighashType::Default,
    });
    Ok(format!("{SIMPLE}{}", STANDARD.encode(serialize(&witness))))
}

/// BIP-322's tagged hash of a text.
#[must_use]
pub fn hash(text: &[u8]) -> [u8; 32] {
    let tag = sha256::Hash::hash(TAG);
    let mut engine = sha256::Hash::engine();
    engine.input(tag.as_ref());
    engine.input(tag.as_ref());
    engine.input(text);
    sha256::Hash::from_engine(engine).to_byte_array()
}

/// Whether a transaction has the one output that a proof of BIP-322 has, in whatever form: no other transaction of use
/// looks so, and none may be signed as if it were a payment.
pub(crate) fn is_proof(transaction: &Transaction) -> bool {
    matches!(transaction.output.as_slice(), [only] if only.script_pubkey == nothing())
}

fn to_spend(hash: &[u8; 32], script: ScriptBuf) -> Transaction {
    virtual_transaction(
        TxIn {
            previous_output: OutPoint::null(),
            script_sig: Builder::new().push_int(0).push_slice(hash).into_script(),
            sequence: Sequence::ZERO,
            witness: Witness::new(),
        },
        script,
    )
}

fn to_sign(to_spend: Txid) -> Transaction {
    virtual_transaction(
        TxIn {
            previous_output: OutPoint::new(to_spend, 0),
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ZERO,
            witness: Witness::new(),
        },
        nothing(),
    )
}

fn virtual_transaction(input: TxIn, script_pubkey: ScriptBuf) -> Transaction {
    Transaction {
        version: Version(0),
        lock_time: LockTime::ZERO,
        input: vec![input],
        output: vec![TxOut {
            value: Amount::ZERO,
            script_pubkey,
        }],
    }
}

fn nothing() -> ScriptBuf {
    Builder::new().push_opcode(OP_RETURN).into_script()
}

#[cfg(test)]
mod tests;
