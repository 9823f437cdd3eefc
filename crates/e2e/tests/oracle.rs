//! Remembers every nonce that the server ever showed, and what it was used for.
//!
//! It reads requests and replies as they went over the line, with eyes of its own where it can: fields by their numbers
//! in the protobuf, digests and signatures by libsecp256k1 and the bitcoin crate.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, Result, ensure};
use bitcoin::{
    Psbt, TapSighashType, TxOut,
    hashes::Hash as _,
    secp256k1::{Message, Secp256k1, XOnlyPublicKey},
    sighash::{Prevouts, SighashCache},
};
use twofold_api::request::Sign;
use twofold_client::port::{HttpCall, HttpReply};
use twofold_threshold::sign::{Commitment, CosignReply};
use twofold_wire::client::decode;

/// What a nonce was used for. Two of these for one nonce give the server's share away.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Challenge {
    message: [u8; 32],
    device: Vec<u8>,
    key: [u8; 32],
    share: [u8; 32],
}

/// Hears all lines.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    sent: AtomicU64,
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    nonces: HashMap<[u8; Commitment::LEN], Challenge>,
    /// What each request, by its signature, was answered.
    answers: HashMap<String, Vec<u8>>,
    again: u64,
    breaches: Vec<String>,
}

/// What there was to hear.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count {
    /// Requests for a signature that left.
    pub(crate) sent: u64,
    /// Different nonces that came back.
    pub(crate) nonces: u64,
    /// Answers that had been given before.
    pub(crate) again: u64,
}

impl Oracle {
    pub(crate) fn sent(&self) {
        self.sent.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn heard(&self, call: &HttpCall, reply: &HttpReply) {
        if reply.status != 200 {
            return;
        }
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(fault) = heard.take(call, reply) {
            heard.breaches.push(format!("{fault:#}"));
        }
    }

    /// Every point that the server has committed to.
    pub(crate) fn points(&self) -> Vec<[u8; 33]> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let halves = heard.nonces.keys().flat_map(|both| both.chunks_exact(33));
        halves.filter_map(|point| point.try_into().ok()).collect()
    }

    /// What was heard, if nothing was wrong with it.
    pub(crate) fn verdict(&self) -> Result<Count> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let breaches = &heard.breaches;
        ensure!(
            breaches.is_empty(),
            "{} breaches, first {:?}",
            breaches.len(),
            breaches.first()
        );
        Ok(Count {
            sent: self.sent.load(Ordering::SeqCst),
            nonces: heard.nonces.len() as u64,
            again: heard.again,
        })
    }
}

impl Heard {
    fn take(&mut self, call: &HttpCall, reply: &HttpReply) -> Result<()> {
        let cosign = decode::<Sign>(&reply.body)?.cosign;
        let half = CosignReply::try_from(cosign.as_slice())?;
        let (_, signature) = call
            .headers
            .iter()
            .find(|(name, _)| name == "signature")
            .context("a signature")?;
        if let Some(before) = self.answers.get(signature) {
            ensure!(*before == cosign, "one request was answered in two ways");
            self.again += 1;
        } else {
            self.answers.insert(signature.clone(), cosign);
        }
        let asked = fields(&call.body)?;
        let psbt = Psbt::deserialize(asked.iter().find(|(number, _)| *number == 3).context("a PSBT")?.1)?;
        let device: Vec<_> = asked.iter().filter(|(number, _)| *number == 4).collect();
        let digests = digests(&psbt)?;
        ensure!(
            half.commitments.len() == digests.len()
                && half.shares.len() == digests.len()
                && device.len() == digests.len(),
            "one of each for each input"
        );
        for (place, (message, key)) in digests.into_iter().enumerate() {
            let challenge = Challenge {
                message,
                key: key.serialize(),
                device: device[place].1.to_vec(),
                share: *half.shares[place].as_bytes(),
            };
            let nonce = half.commitments[place].to_bytes();
            let first = self.nonces.entry(nonce).or_insert_with(|| challenge.clone());
            ensure!(
                *first == challenge,
                "one nonce met two challenges: {first:?} and {challenge:?}"
            );
        }
        Ok(())
    }
}

/// Every input's digest (BIP-341, key path, `SIGHASH_DEFAULT`) and the key that it is signed with.
fn digests(psbt: &Psbt) -> Result<Vec<([u8; 32], XOnlyPublicKey)>> {
    let spent: Vec<TxOut> = psbt
        .inputs
        .iter()
        .map(|input| input.witness_utxo.clone().context("what it spends"))
        .collect::<Result<_>>()?;
    let mut cache = SighashCache::new(&psbt.unsigned_tx);
    spent
        .iter()
        .enumerate()
        .map(|(place, output)| {
            let digest =
                cache.taproot_key_spend_signature_hash(place, &Prevouts::All(&spent), TapSighashType::Default)?;
            // OP_1 and a push of 32 bytes (BIP-341).
            let key = output.script_pubkey.as_bytes().get(2..).context("a taproot output")?;
            Ok((digest.to_byte_array(), XOnlyPublicKey::from_slice(key)?))
        })
        .collect()
}

/// Whether every input has a signature that libsecp256k1 accepts.
pub(crate) fn verify(psbt: &Psbt) -> Result<()> {
    let secp = Secp256k1::verification_only();
    for (input, (digest, key)) in psbt.inputs.iter().zip(digests(psbt)?) {
        let signature = input.tap_key_sig.context("a signature")?;
        secp.verify_schnorr(&signature.signature, &Message::from_digest(digest), &key)?;
    }
    Ok(())
}

/// The fields of a protobuf message that hold bytes, with their numbers.
fn fields(mut message: &[u8]) -> Result<Vec<(u64, &[u8])>> {
    fn varint(message: &mut &[u8]) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = message.split_first().context("a whole number")?;
            *message = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        anyhow::bail!("a number without end")
    }
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        ensure!(tag & 7 == 2, "the fields of this message all have a length");
        let length = usize::try_from(varint(&mut message)?)?;
        let (field, rest) = message.split_at_checked(length).context("a whole field")?;
        message = rest;
        fields.push((tag >> 3, field));
    }
    Ok(fields)
}
