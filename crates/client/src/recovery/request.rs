//! Device and recovery sign without a server: one request file, one reply file.
//!
//! The device makes its nonces, writes the request, and waits with the nonces in memory. Recovery judges the whole PSBT
//! by itself, makes its own nonces, its commitments and its shares in one call, and answers. The first reply that the
//! device parses uses its nonces up, good or bad; after a crash or a time-out there is a new request with fresh ones.

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{OutPoint, Psbt, Script, TxOut};
use rand_core::{CryptoRng, RngCore};
use twofold_intent::{Facts, Keychain, WalletView, psbt};
use twofold_threshold::id::RequestDigest;
use twofold_threshold::identity::{Domain, IdentitySecret, Signature64};
use twofold_threshold::package::Contents;
use twofold_threshold::sign::{
    AwaitingReply, Commitment, CosignReply, DeviceSession, InputToCosign, MAX_INPUTS, cosign_as_recovery,
};
use twofold_threshold::words::RecoverySecret;

use super::RecoveryFault;
use super::file::{self, FileFault, FileKind};
use super::package::RecoveryPackage;
use crate::cosign::inputs_to_sign;
use crate::fault::Fault;
use crate::keystore::record::Writer;
use crate::ledger::Draft;
use crate::port::KeystoreFault;
use crate::wallet::Wallet;

/// The device's word on a request to recovery.
const REQUEST: Domain = Domain::new("recovery/request");

/// The device's side: nonces in memory, bound to one request.
#[derive(Debug)]
#[must_use]
pub struct Asking {
    waiting: AwaitingReply,
    psbt: Psbt,
    facts: Facts,
}

/// Asks recovery to sign a draft: what stays in memory, and the file.
pub(crate) fn ask(
    wallet: &Wallet,
    draft: Draft,
    device: &IdentitySecret,
    random: &mut (impl RngCore + CryptoRng),
) -> Result<(Asking, String), Fault> {
    let Draft { psbt, facts, .. } = draft;
    let bytes = psbt.serialize();
    let inputs = inputs_to_sign(&facts);
    let mut nonce = [0; 16];
    random.fill_bytes(&mut nonce);
    let record = &wallet.record;
    let (nonces, commitments) = DeviceSession::commit(
        &record.share,
        &record.public,
        &device.public().device_id(),
        &inputs,
        &sha256::Hash::hash(&bytes).to_byte_array(),
        &nonce,
        random,
    )?;
    let package = RecoveryPackage::of(record, device)?;
    let mut request = Request {
        package,
        psbt: bytes,
        commitments,
        nonce,
        signature: Signature64([0; 64]),
    };
    request.signature = device.sign(REQUEST, &request.body().finish());
    let preamble = format!(
        "Twofold signing request: the device of the wallet {:?} asks recovery to sign. Take this file to the machine \
         where\nthe words may be typed and run: twofold recovery sign FILE --out REPLY\n\n{facts}",
        record.name
    );
    let waiting = nonces.bind(request.digest());
    let text = file::write(FileKind::Request, &preamble, &request.to_bytes());
    Ok((Asking { waiting, psbt, facts }, text))
}

impl Asking {
    /// Takes recovery's reply and finishes the signatures. Whatever the reply says, the nonces are used up.
    pub fn finish(self, wallet: &Wallet, reply: &str) -> Result<Psbt, RecoveryFault> {
        let Self {
            waiting,
            mut psbt,
            facts,
        } = self;
        let bytes = file::read(FileKind::Reply, reply)?;
        let damaged = |fault: KeystoreFault| file::read_fault(FileKind::Reply, &fault);
        let mut reader = file::reader(FileKind::Reply, &bytes)?;
        let digest: [u8; 32] = reader.array().map_err(damaged)?;
        let cosign = CosignReply::try_from(reader.var().map_err(damaged)?).map_err(RecoveryFault::Reply)?;
        reader.finish().map_err(damaged)?;
        if digest != waiting.request().0 {
            return Err(RecoveryFault::OtherRequest);
        }
        let record = &wallet.record;
        let epochs = record.epochs().map_err(RecoveryFault::Package)?;
        let recovery = epochs.recovery().map_err(RecoveryFault::Package)?.signing;
        let signatures = waiting
            .receive_from_recovery(&cosign, &record.share, &record.public, &recovery)
            .map_err(RecoveryFault::Reply)?;
        let signatures: Vec<[u8; 64]> = signatures.into_iter().map(|signature| signature.0).collect();
        psbt::attach(&mut psbt, &facts, &signatures).map_err(RecoveryFault::Signature)?;
        Ok(psbt)
    }
}

/// What the device asks, as recovery reads it.
#[derive(Debug)]
struct Request {
    package: RecoveryPackage,
    psbt: Vec<u8>,
    commitments: Vec<Commitment>,
    nonce: [u8; 16],
    signature: Signature64,
}

impl Request {
    fn body(&self) -> Writer {
        let commitments: Vec<u8> = self.commitments.iter().flat_map(Commitment::to_bytes).collect();
        file::writer()
            .var(&self.package.to_bytes())
            .var(&self.psbt)
            .var(&commitments)
            .fixed(&self.nonce)
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.body().fixed(&self.signature.0).finish().to_vec()
    }

    /// What the answer is bound to: every byte of the request.
    fn digest(&self) -> RequestDigest {
        RequestDigest(sha256::Hash::hash(&self.to_bytes()).to_byte_array())
    }

    fn parse(text: &str) -> Result<Self, RecoveryFault> {
        let bytes = file::read(FileKind::Request, text)?;
        let damaged = |fault: KeystoreFault| file::read_fault(FileKind::Request, &fault);
        let mut reader = file::reader(FileKind::Request, &bytes)?;
        let package = RecoveryPackage::from_bytes(reader.var().map_err(damaged)?)?;
        let psbt = reader.var().map_err(damaged)?.to_vec();
        let commitments = reader.var().map_err(damaged)?;
        let (nonce, signature) = (
            reader.array().map_err(damaged)?,
            Signature64(reader.array().map_err(damaged)?),
        );
        reader.finish().map_err(damaged)?;
        if commitments.len() > MAX_INPUTS * Commitment::LEN || commitments.len() % Commitment::LEN != 0 {
            return Err(FileFault::Damaged(FileKind::Request).into());
        }
        let commitments = commitments
            .chunks_exact(Commitment::LEN)
            .map(Commitment::try_from)
            .collect::<Result<_, _>>()
            .map_err(|_| FileFault::Damaged(FileKind::Request))?;
        let request = Self {
            package,
            psbt,
            commitments,
            nonce,
            signature,
        };
        let body = request.body().finish();
        if request.package.is_by_device(REQUEST, &body, &request.signature) {
            Ok(request)
        } else {
            Err(RecoveryFault::NotFromDevice)
        }
    }
}

/// A request that recovery has read and judged. Show [`Judged::facts`] before [`Judged::sign`].
#[derive(Debug)]
#[must_use]
pub struct Judged {
    request: Request,
    contents: Contents,
    facts: Facts,
}

impl Judged {
    /// Reads a request with the words at hand: whose it is, that the share is the right one, and what the transaction
    /// does, worked out here from the whole PSBT.
    pub fn read(text: &str, secret: &RecoverySecret) -> Result<Self, RecoveryFault> {
        let request = Request::parse(text)?;
        let contents = request.package.open(secret)?;
        let psbt = psbt::from_bytes(&request.psbt)?;
        let facts = twofold_intent::facts(&psbt, request.package.account(), &NoBooks)?;
        Ok(Self {
            request,
            contents,
            facts,
        })
    }

    /// What the transaction does.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The package that came with the request.
    #[must_use]
    pub const fn package(&self) -> &RecoveryPackage {
        &self.request.package
    }

    /// Makes recovery's half and the reply's file. The nonces live and die in here, and the request can be signed once.
    pub fn sign(
        self,
        secret: &RecoverySecret,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<String, RecoveryFault> {
        let Self {
            request,
            contents,
            facts,
        } = self;
        let inputs: Vec<InputToCosign<'_>> = facts
            .inputs
            .iter()
            .map(|own| InputToCosign {
                path: [own.keychain.number(), own.child],
                message: own.sighash,
                tweak: None,
            })
            .collect();
        let digest = request.digest();
        let reply = cosign_as_recovery(
            &contents.share,
            request.package.public(),
            &inputs,
            &request.commitments,
            digest,
            &secret.identity(),
            random,
        )
        .map_err(RecoveryFault::Reply)?;
        let content = file::writer().fixed(&digest.0).var(&reply.to_bytes()).finish();
        let preamble = format!(
            "Twofold signing reply: recovery's half for {}. Take it back to the device that waits for it.",
            facts.txid
        );
        Ok(file::write(FileKind::Reply, &preamble, &content))
    }
}

/// Recovery has no books: it knows no coin but what the PSBT says of it, and no change past the first address.
struct NoBooks;

impl WalletView for NoBooks {
    fn coin(&self, _: OutPoint) -> Option<TxOut> {
        None
    }

    fn change_horizon(&self, _: Keychain) -> u32 {
        0
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
