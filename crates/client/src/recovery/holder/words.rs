//! New recovery words on a machine of their own, offline too, while they take the old ones' place.
//!
//! ```text
//! new words                                 device
//!   new --replace  -> opening ------------>  recovery replace --recovery   (server: helps to repair the share)
//!   continue      <- message <-------------
//!                  -> answer -------------->  continue                      (server: the words are replaced; a refresh)
//! ```
//!
//! The words sign for one key, to which device and server seal their share, and for the server that they read in an
//! invitation themselves. They take a share only if it is the one that the wallet's transcripts have for recovery, and if
//! that server signed what it did for exactly these words.

use rand_core::{CryptoRng, RngCore};
use twofold_api::recovery::{ACCEPT, accepting, replacing};
use twofold_api::request::Name;
use twofold_intent::ChainName;
use twofold_threshold::envelope::{SealPublic, SealSecret};
use twofold_threshold::id::Party;
use twofold_threshold::identity::{Domain, IdentityKey, Signature64};
use twofold_threshold::package::{Chain, FirstPackage};
use twofold_threshold::repair::hub::Carried;
use twofold_threshold::repair::{Helpers, repaired};
use twofold_threshold::secret::Secret32;
use twofold_threshold::words::{RecoveryIdentity, RecoverySecret};

use super::{Answer, Continued, NAMED, New, OPENING, Stage, seal};
use crate::home;
use crate::keystore::record::Writer;
use crate::port::KeystoreFault;
use crate::recovery::file::{self, FileFault, FileKind};
use crate::recovery::{AgeSealer, RecoveryFault};

/// The key that new words take their share under, and their word for it.
#[derive(Debug)]
pub(crate) struct Taker {
    pub(crate) words: RecoveryIdentity,
    pub(crate) key: SealPublic,
    pub(crate) accepted: Signature64,
}

/// What waits on the words' own machine.
pub(super) struct Expecting {
    pub(super) server: IdentityKey,
    pub(super) key: SealSecret,
}

impl Expecting {
    pub(super) fn write(&self, writer: Writer) -> Writer {
        writer.var(&self.server.to_bytes()).fixed(self.key.expose().expose())
    }

    pub(super) fn read(server: &[u8], key: [u8; 32]) -> Result<Self, RecoveryFault> {
        Ok(Self {
            server: IdentityKey::try_from(server).map_err(|_| RecoveryFault::OtherState)?,
            key: SealSecret::new(Secret32::new(key)),
        })
    }
}

/// Begins the part of new words that are to take the place of a wallet's old ones.
pub fn begin(
    secret: &RecoverySecret,
    server: IdentityKey,
    random: &mut (impl RngCore + CryptoRng),
) -> Result<New, RecoveryFault> {
    let key = SealSecret::generate(random);
    let words = secret.public();
    let accepted = secret.identity().sign(ACCEPT, &accepting(&server, &key.public()));
    let body = body(&server, &words, &key.public(), &accepted).finish();
    let signature = secret.identity().sign(OPENING, &body);
    let preamble = format!(
        "Twofold: new recovery words' opening, for a wallet that has others. Take this file to the device and run:\n\
         twofold recovery replace --recovery FILE --out MESSAGE\n\nserver expected  {server}"
    );
    Ok(New {
        opening: file::write(FileKind::NewWords, &preamble, &[&body[..], &signature.0].concat()),
        state: seal(secret, &Stage::Expecting(Expecting { server, key }))?,
    })
}

fn body(server: &IdentityKey, words: &RecoveryIdentity, key: &SealPublic, accepted: &Signature64) -> Writer {
    file::writer()
        .var(&server.to_bytes())
        .var(&words.to_bytes())
        .fixed(key.as_bytes())
        .fixed(&accepted.0)
}

/// An opening as a device reads it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) server: IdentityKey,
    pub(crate) taker: Taker,
}

impl Opened {
    pub(crate) fn parse(text: &str) -> Result<Self, RecoveryFault> {
        const KIND: FileKind = FileKind::NewWords;
        let bytes = file::read(KIND, text)?;
        let damaged = |fault: KeystoreFault| file::read_fault(KIND, &fault);
        let damage = |_| FileFault::Damaged(KIND);
        let mut reader = file::reader(KIND, &bytes)?;
        let server = IdentityKey::try_from(reader.var().map_err(damaged)?).map_err(damage)?;
        let words = RecoveryIdentity::try_from(reader.var().map_err(damaged)?).map_err(damage)?;
        let key: [u8; 32] = reader.array().map_err(damaged)?;
        let key = SealPublic::try_from(key.as_slice()).map_err(damage)?;
        let accepted = Signature64(reader.array().map_err(damaged)?);
        let signature = Signature64(reader.array().map_err(damaged)?);
        reader.finish().map_err(damaged)?;
        let body = body(&server, &words, &key, &accepted).finish();
        words.signing.verify(OPENING, &body, &signature).map_err(damage)?;
        let taker = Taker { words, key, accepted };
        if taker.is_accepted(&server) {
            Ok(Self { server, taker })
        } else {
            Err(FileFault::Damaged(KIND).into())
        }
    }
}

/// What device and server did for new words, as a file for them.
pub(crate) fn message(
    (name, chain): (&str, ChainName),
    device: &IdentityKey,
    epochs: &Chain,
    carried: &Carried,
    sign: impl FnOnce(Domain, &[u8]) -> Signature64,
) -> String {
    let body = file::writer()
        .var(name.as_bytes())
        .var(chain.to_string().as_bytes())
        .var(&device.to_bytes())
        .var(&epochs.to_bytes())
        .var(&carried.to_bytes())
        .finish();
    let signature = sign(NAMED, &body);
    let preamble = format!(
        "Twofold: what device and server did for new recovery words of the wallet {name:?} on {chain}. Take this file to the \
         machine\nwith the words and run: twofold recovery continue FILE --state STATE --out ANSWER"
    );
    file::write(FileKind::ToNewWords, &preamble, &[&body[..], &signature.0].concat())
}

/// Takes the share, if it is the right one, and seals it to the words. Another message of the same wallet is answered too:
/// the device may have to begin anew, where the wallet changed meanwhile.
pub(super) fn go_on(expecting: &Expecting, text: &str, secret: &RecoverySecret) -> Result<Continued, RecoveryFault> {
    const KIND: FileKind = FileKind::ToNewWords;
    let bytes = file::read(KIND, text)?;
    let damaged = |fault: KeystoreFault| file::read_fault(KIND, &fault);
    let damage = || FileFault::Damaged(KIND);
    let mut reader = file::reader(KIND, &bytes)?;
    let name: Name = reader.text().map_err(damaged)?.parse().map_err(|_| damage())?;
    let chain = home::chain(reader.text().map_err(damaged)?).map_err(|_| damage())?;
    let device = IdentityKey::try_from(reader.var().map_err(damaged)?).map_err(|_| damage())?;
    let epochs = Chain::try_from(reader.var().map_err(damaged)?).map_err(RecoveryFault::Package)?;
    let carried = Carried::try_from(reader.var().map_err(damaged)?).map_err(RecoveryFault::Ceremony)?;
    let signature = Signature64(reader.array().map_err(damaged)?);
    reader.finish().map_err(damaged)?;
    let body = bytes.get(..bytes.len() - signature.0.len()).unwrap_or_default();
    device.verify(NAMED, body, &signature).map_err(|_| damage())?;

    let words = secret.public();
    let first = epochs.created().transcript();
    let listed = epochs.devices().map_err(RecoveryFault::Package)?;
    if listed.device(device.device_id()).is_none() {
        return Err(RecoveryFault::NotFromDevice);
    }
    if *first.server() != expecting.server {
        let expected = expecting.server.to_string();
        return Err(RecoveryFault::OtherServer { expected });
    }
    let public = epochs.public().map_err(RecoveryFault::Package)?;
    let claim = carried.claim().clone();
    let mine = claim.wallet == first.wallet()
        && claim.repaired == Party::Recovery
        && claim.identity == words.signing
        && claim.mandate == replacing(&words);
    if !mine {
        return Err(RecoveryFault::OtherState);
    }
    let helpers = Helpers {
        first: (Party::Device, device),
        second: (Party::Server, expecting.server),
    };
    let repaired = repaired::AwaitSigmas::new(claim, helpers, public.clone())
        .and_then(|waiting| waiting.receive(&carried, &expecting.key))
        .map_err(RecoveryFault::Ceremony)?;
    let package = FirstPackage::renew(&repaired, &public, secret, &AgeSealer).map_err(RecoveryFault::Ceremony)?;
    let fingerprint = public.fingerprint();
    let preamble = format!(
        "Twofold: new recovery words' part of the wallet {:?}, fingerprint {fingerprint}. Take this file back to the device \
         and run:\ntwofold recovery continue FILE",
        name.as_str()
    );
    Ok(Continued {
        answer: Answer {
            file: file::write(
                FileKind::FromNewWords,
                &preamble,
                &file::writer().var(&package.to_bytes()).finish(),
            ),
            fingerprint,
            name: name.as_str().to_owned(),
            network: chain.to_string(),
            server: expecting.server.to_string(),
            device: device.to_string(),
        },
        state: None,
    })
}
