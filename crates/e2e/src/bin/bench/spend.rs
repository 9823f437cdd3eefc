//! Signing requests: a whole device, and one that stops where the server's part is done.

use anyhow::{Context as _, Result};
use bitcoin::{
    Amount, OutPoint, Psbt, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, XOnlyPublicKey,
    absolute::LockTime, hashes::Hash as _, key::TweakedPublicKey, transaction::Version,
};
use rand_core::OsRng;
use twofold_api::request::Sign;
use twofold_intent::{Account, Keychain, WalletView, facts};
use twofold_threshold::{
    checkpoint::Checkpoint,
    sign::{Commitment, CosignReply, DeviceNonces, DeviceSession, InputToSign},
};

use crate::{
    connection::Connection,
    device::{Device, random},
    purse::Purse,
};

/// What every coin is worth.
pub(crate) const COIN: u64 = 1_000_000;
const PAID: u64 = 400_000;
const FEE: u64 = 1_000;
/// Somebody else's output key: the x coordinate of secp256k1's generator.
const STRANGER: [u8; 32] = [
    0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b, 0xfc,
    0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
];

/// A device that knows nothing of the chain.
pub(crate) struct Blind;

impl WalletView for Blind {
    fn coin(&self, _: OutPoint) -> Option<TxOut> {
        None
    }
    fn change_horizon(&self, _: Keychain) -> u32 {
        19
    }
    fn script(&self, _: &Script) -> Option<(Keychain, u32)> {
        None
    }
    fn tip_height(&self) -> Option<u32> {
        None
    }
    fn median_time(&self) -> Option<u32> {
        None
    }
}

/// One input of the wallet, one payment, change.
pub(crate) fn template(account: &Account) -> Result<Psbt> {
    let stranger = TweakedPublicKey::dangerous_assume_tweaked(XOnlyPublicKey::from_slice(&STRANGER)?);
    let input = TxIn {
        previous_output: OutPoint::new(Txid::from_byte_array([1; 32]), 0),
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    };
    let payment = TxOut {
        value: Amount::from_sat(PAID),
        script_pubkey: ScriptBuf::new_p2tr_tweaked(stranger),
    };
    let change = TxOut {
        value: Amount::from_sat(COIN - PAID - FEE),
        script_pubkey: account.script(Keychain::Internal, 0)?,
    };
    let mut psbt = Psbt::from_unsigned_tx(Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![input],
        output: vec![payment, change],
    })?;
    let spent = psbt.inputs.first_mut().context("an input")?;
    let internal = account.internal_key(Keychain::External, 0)?;
    spent.witness_utxo = Some(TxOut {
        value: Amount::from_sat(COIN),
        script_pubkey: account.script(Keychain::External, 0)?,
    });
    spent.tap_internal_key = Some(internal);
    let origin = account.origin(Keychain::External, 0)?;
    spent.tap_key_origins.insert(internal, (Vec::new(), origin));
    let change = psbt.outputs.last_mut().context("change")?;
    let internal = account.internal_key(Keychain::Internal, 0)?;
    change.tap_internal_key = Some(internal);
    let origin = account.origin(Keychain::Internal, 0)?;
    change.tap_key_origins.insert(internal, (Vec::new(), origin));
    Ok(psbt)
}

/// A request with everything in it but the newest checkpoint and the signature.
pub(crate) struct Ready {
    request: Sign,
    nonce: [u8; 16],
    nonces: DeviceNonces,
}

impl Purse {
    /// Another transaction: it spends a coin that no request has spent yet.
    pub(crate) fn fresh_psbt(&mut self) -> Result<Psbt> {
        let coin = self.coins.pop().context("a coin: fund the wallet with more")?;
        let mut psbt = self.template.clone();
        for input in &mut psbt.unsigned_tx.input {
            input.previous_output = coin;
        }
        Ok(psbt)
    }

    /// Works out what the transaction does, makes nonces, seals the unlock key.
    pub(crate) fn ready(&self, device: &Device, psbt: &Psbt) -> Result<Ready> {
        let facts = facts(psbt, &self.account, &Blind)?;
        let inputs: Vec<_> = facts
            .inputs
            .iter()
            .map(|own| InputToSign {
                path: [own.keychain.number(), own.child],
                message: own.sighash,
            })
            .collect();
        let nonce = random();
        let (nonces, commitments) = DeviceSession::commit(
            &self.share,
            &self.public,
            &device.id(),
            &inputs,
            &facts.txid.to_byte_array(),
            &nonce,
            &mut OsRng,
        )?;
        let request = Sign {
            wallet: self.id,
            epoch: self.public.epoch(),
            psbt: psbt.serialize(),
            commitments,
            unlock: self.sealed_unlock(device)?,
            checkpoint: self.newest,
        };
        Ok(Ready { request, nonce, nonces })
    }

    /// A commitment as it is sent.
    pub(crate) fn commitment(&self, device: &Device) -> Result<[u8; Commitment::LEN]> {
        let Ready { request, .. } = self.ready(device, &self.template)?;
        Ok(request.commitments.first().context("a commitment")?.to_bytes())
    }

    /// The server's half and no more: the reply is read, not used.
    pub(crate) fn cosign(&mut self, device: &Device, line: &mut Connection, ready: Ready) -> Result<()> {
        let Ready { mut request, nonce, .. } = ready;
        request.checkpoint = self.newest;
        let message = device.message(&request, nonce)?;
        let signed = device.send::<Sign>(line, &message)?;
        self.newest = Checkpoint::try_from(signed.head.checkpoint.context("a checkpoint")?.as_slice())?;
        Ok(())
    }

    /// A whole signature: from the PSBT to a signature that was verified.
    pub(crate) fn sign(&mut self, device: &Device, line: &mut Connection, psbt: &Psbt) -> Result<()> {
        let Ready { request, nonce, nonces } = self.ready(device, psbt)?;
        let message = device.message(&request, nonce)?;
        let awaiting = nonces.bind(message.digest);
        let signed = device.send::<Sign>(line, &message)?;
        let server = &device.site().identity;
        let newest = Checkpoint::try_from(signed.head.checkpoint.context("a checkpoint")?.as_slice())?;
        newest.verify(server)?;
        let half = CosignReply::try_from(signed.cosign.as_slice())?;
        let signatures = awaiting.receive(&half, &self.share, &self.public, server, &newest.digest())?;
        std::hint::black_box(signatures);
        self.newest = newest;
        Ok(())
    }
}
