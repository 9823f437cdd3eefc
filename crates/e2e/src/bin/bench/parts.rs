//! What one co-signature is made of, measured piece by piece: the cryptography here, the store by its thread in the
//! server, and what is left over (TLS, HTTP, protobuf, SQLite's reads, allocation, the runtime).

use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use bitcoin::{OutPoint, Script, TxOut};
use rand_core::OsRng;
use twofold_api::seal_key::{Offer, Step, Usage};
use twofold_intent::{ChildKeys, Keychain, WalletView, facts, psbt};
use twofold_threshold::{
    envelope::SealSecret,
    identity::IdentitySecret,
    seal,
    secret::{Secret32, UnlockKey},
    sign::Commitment,
};

use crate::{
    bare::Costs,
    device::random,
    figure::Figure,
    load::{Run, Seat},
    machine,
};

/// The store's writing thread, as the server names it.
const WRITER: &str = "store-writer";

/// The parts of `run`'s server time, in microseconds for one signature.
pub(crate) fn explain(seat: &Seat, costs: &Costs, run: &Run) -> Result<Vec<Figure>> {
    let crypto = [
        ("frost, commit", costs.commit),
        ("frost, sign", costs.half - costs.commit),
        ("request signature, ed25519", request_signature()?),
        ("two signatures of the server's", 2.0 * own_signature()?),
        ("unlock key opened, HPKE", unlock_key(seat)?),
        ("share opened, reply sealed", three_seals(seat)?),
        ("device's commitment decoded", commitment(seat)?),
        ("PSBT read, facts worked out", understanding(seat)?),
    ];
    let writer = run.threads.get(WRITER).copied().unwrap_or_default();
    let known: f64 = crypto.iter().map(|(_, time)| time).sum();
    let mut parts: Vec<_> = crypto.map(|(name, time)| Figure::plain(name, time, "us")).into();
    parts.push(Figure::plain("SQLite, commit (its thread)", writer, "us"));
    parts.push(Figure::plain(
        "all else: TLS, HTTP, reads",
        run.server - known - writer,
        "us",
    ));
    parts.push(Figure::plain("server, whole", run.server, "us"));
    Ok(parts)
}

/// CPU time of one operation, in microseconds.
pub(crate) fn cost(mut operation: impl FnMut() -> Result<()>) -> Result<f64> {
    const ROUNDS: u32 = 500;
    let start = machine::thread_cpu()?;
    for _ in 0..ROUNDS {
        operation()?;
    }
    let spent = machine::thread_cpu()?.saturating_sub(start);
    Ok(spent.as_secs_f64() * 1e6 / f64::from(ROUNDS))
}

/// As long as a signature base is.
const BASE: [u8; 700] = [b'b'; 700];

fn request_signature() -> Result<f64> {
    let secret = IdentitySecret::generate(&mut OsRng);
    let signature = secret.sign_raw(&BASE);
    let key = secret.public().to_bytes();
    let key = key.get(key.len() - 32..).context("a key")?;
    cost(|| {
        let verified = UnparsedPublicKey::new(&ED25519, key).verify(&BASE, &signature.0);
        ensure!(verified.is_ok(), "the signature is good");
        Ok(())
    })
}

/// What a checkpoint costs, and the reply's own signature as much again.
pub(crate) fn own_signature() -> Result<f64> {
    let secret = IdentitySecret::generate(&mut OsRng);
    cost(|| {
        std::hint::black_box(secret.sign_raw(&BASE[..64]));
        Ok(())
    })
}

fn unlock_key(seat: &Seat) -> Result<f64> {
    let (server, secret) = (IdentitySecret::generate(&mut OsRng), SealSecret::generate(&mut OsRng));
    let to = Offer::sign(&server, secret.public(), u64::MAX).verify(&server.public())?;
    let usage = Usage {
        wallet: seat.purse.id,
        epoch: 1,
        step: Step::Sign,
        device: seat.device.id(),
    };
    let sealed = to.seal(&UnlockKey::generate(&mut OsRng), &usage, &mut OsRng)?;
    cost(|| {
        sealed.open(&secret, &usage)?;
        Ok(())
    })
}

/// The share's two seals opened; the recorded reply sealed.
fn three_seals(seat: &Seat) -> Result<f64> {
    let key = Secret32::new(random());
    let aad = seat.purse.share.aad(&seat.purse.public);
    let inner = seat.purse.share.seal(&key, &seat.purse.public, &mut OsRng);
    let outer = seal::seal(&key, &aad, &inner, &mut OsRng);
    cost(|| {
        let opened = seal::open(&key, &aad, &outer)?;
        seal::open(&key, &aad, &opened)?;
        std::hint::black_box(seal::seal(&key, &aad, &[0; 600], &mut OsRng));
        Ok(())
    })
}

fn commitment(seat: &Seat) -> Result<f64> {
    let bytes = seat.purse.commitment(&seat.device)?;
    cost(|| {
        Commitment::try_from(bytes.as_slice())?;
        Ok(())
    })
}

/// With the children's keys at hand, as the server has them.
fn understanding(seat: &Seat) -> Result<f64> {
    let bytes = seat.purse.template.serialize();
    let account = &seat.purse.account;
    let keys = |keychain| Ok(((keychain, 0), account.child_keys(keychain, 0)?));
    let view = Kept(Keychain::ALL.into_iter().map(keys).collect::<Result<_>>()?);
    cost(|| {
        let psbt = psbt::from_bytes(&bytes)?;
        facts(&psbt, account, &view)?;
        Ok(())
    })
}

/// What has been derived before.
struct Kept(HashMap<(Keychain, u32), ChildKeys>);

impl WalletView for Kept {
    fn coin(&self, _: OutPoint) -> Option<TxOut> {
        None
    }
    fn change_horizon(&self, _: Keychain) -> u32 {
        19
    }
    fn script(&self, _: &Script) -> Option<(Keychain, u32)> {
        None
    }
    fn kept(&self, keychain: Keychain, index: u32) -> Option<ChildKeys> {
        self.0.get(&(keychain, index)).cloned()
    }
    fn tip_height(&self) -> Option<u32> {
        None
    }
    fn median_time(&self) -> Option<u32> {
        None
    }
}
