//! A recovery holder on a machine of their own, offline too, while a wallet is made: three files and a state.
//!
//! ```text
//! recovery holder                          device
//!   new       -> opening ---------------->  create --recovery  (server: first round trip)
//!   continue  <- message to recovery <-----
//!             -> message from recovery --->  continue           (server: second round trip)
//! ```
//!
//! The holder reads the server's identity in an invitation itself, and signs only what that server signed over the
//! holder's own identity: a device that plays the server gets nothing. The state lies sealed to the words, and signed by
//! them, so that nobody can put another in its place; the answer is written into it before it is given away, so that the
//! same message gets the same bytes and another one gets none.

pub mod voice;
pub mod words;

use bitcoin::hashes::{Hash, sha256};
use rand_core::{CryptoRng, RngCore};
use twofold_api::request::Name;
use twofold_intent::ChainName;
use twofold_threshold::create::recovery::{self, AwaitServer};
use twofold_threshold::create::{RecoveryOpening, ToRecovery};
use twofold_threshold::id::{CeremonyId, WalletId};
use twofold_threshold::identity::{Domain, IdentityKey, Signature64};
use twofold_threshold::package::{OpenAsRecovery as _, SealToRecovery as _};
use twofold_threshold::words::RecoverySecret;
use zeroize::Zeroizing;

use super::file::{self, FileFault, FileKind};
use super::{AgeOpener, AgeSealer, RecoveryFault};
use crate::home;
use crate::port::KeystoreFault;

/// Recovery's word on its opening: for which server it is.
const OPENING: Domain = Domain::new("recovery/opening");
/// Recovery's word on its own state.
const STATE: Domain = Domain::new("recovery/state");
/// The device's word on what it adds for people to read.
const NAMED: Domain = Domain::new("recovery/named");

/// A new recovery holder: what goes to the device, and what stays.
#[derive(Debug)]
pub struct New {
    /// The opening's file, for the device.
    pub opening: String,
    /// The state's file; only the words open it.
    pub state: String,
}

/// Begins a holder's part in a wallet to be made with `server`, whose identity the holder itself read in an invitation.
pub fn begin(
    secret: &RecoverySecret,
    server: IdentityKey,
    random: &mut (impl RngCore + CryptoRng),
) -> Result<New, RecoveryFault> {
    let (mut wallet, mut ceremony) = (WalletId([0; 16]), CeremonyId([0; 16]));
    random.fill_bytes(&mut wallet.0);
    random.fill_bytes(&mut ceremony.0);
    let (waiting, opening) =
        recovery::begin(secret, server, wallet, ceremony, random).map_err(RecoveryFault::Ceremony)?;
    let body = file::writer().var(&server.to_bytes()).var(&opening.to_bytes()).finish();
    let signature = secret.identity().sign(OPENING, &body);
    let content = [&body[..], &signature.0].concat();
    let preamble = format!(
        "Twofold: a recovery holder's opening for a new wallet. Take this file to the device and run:\n\
         twofold create --name NAME --recovery FILE --out MESSAGE\n\nserver expected  {server}"
    );
    let waiting = waiting.to_secret_bytes().map_err(RecoveryFault::Ceremony)?;
    Ok(New {
        opening: file::write(FileKind::Opening, &preamble, &content),
        state: seal(secret, &Stage::Waiting(waiting))?,
    })
}

/// A holder's opening, as a device reads it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) server: IdentityKey,
    pub(crate) opening: RecoveryOpening,
}

impl Opened {
    pub(crate) fn parse(text: &str) -> Result<Self, RecoveryFault> {
        const KIND: FileKind = FileKind::Opening;
        let bytes = file::read(KIND, text)?;
        let damaged = |fault: KeystoreFault| file::read_fault(KIND, &fault);
        let mut reader = file::reader(KIND, &bytes)?;
        let server = IdentityKey::try_from(reader.var().map_err(damaged)?).map_err(RecoveryFault::Ceremony)?;
        let opening = RecoveryOpening::try_from(reader.var().map_err(damaged)?).map_err(RecoveryFault::Ceremony)?;
        let signature = Signature64(reader.array().map_err(damaged)?);
        reader.finish().map_err(damaged)?;
        let body = file::writer().var(&server.to_bytes()).var(&opening.to_bytes()).finish();
        opening
            .identity()
            .signing
            .verify(OPENING, &body, &signature)
            .map_err(|_| FileFault::Damaged(KIND))?;
        Ok(Self { server, opening })
    }
}

/// The message to recovery as a file, with what the device calls the wallet.
pub(crate) fn message(
    name: &Name,
    chain: ChainName,
    message: &ToRecovery,
    sign: impl FnOnce(Domain, &[u8]) -> Signature64,
) -> String {
    let body = file::writer()
        .var(name.as_str().as_bytes())
        .var(chain.to_string().as_bytes())
        .var(&message.to_bytes())
        .finish();
    let signature = sign(NAMED, &body);
    let preamble = format!(
        "Twofold: what device and server did for the new wallet {:?} on {chain}. Take this file to the recovery holder's \
         machine and run:\ntwofold recovery continue FILE --state STATE --out ANSWER",
        name.as_str()
    );
    file::write(FileKind::ToRecovery, &preamble, &[&body[..], &signature.0].concat())
}

/// Where a holder stands.
enum Stage {
    /// The threshold crate's record.
    Waiting(Zeroizing<Vec<u8>>),
    /// It has signed: the digest of the message, and the answer.
    Answered { message: [u8; 32], answer: Answer },
    /// New words of a wallet that is there wait for their share.
    Expecting(words::Expecting),
}

/// What the holder's machine shows and gives away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The file for the device.
    pub file: String,
    /// The group key's short fingerprint, to be compared with the one that the device shows.
    pub fingerprint: String,
    /// What the device calls the wallet.
    pub name: String,
    /// The network, as the device says.
    pub network: String,
    /// The server, as the invitation named it.
    pub server: String,
    /// The device's identity key.
    pub device: String,
}

/// The holder's answer to a message, and the state to keep before the answer leaves.
#[derive(Debug)]
pub struct Continued {
    /// The answer.
    pub answer: Answer,
    /// The new state's file; none where the message was answered before.
    pub state: Option<String>,
}

/// Goes on with a state: judges the message, signs, and gives the answer. The same message gets the same bytes again.
pub fn go_on(
    state: &str,
    text: &str,
    secret: &RecoverySecret,
    random: &mut (impl RngCore + CryptoRng),
) -> Result<Continued, RecoveryFault> {
    const KIND: FileKind = FileKind::ToRecovery;
    let reached = open(secret, state)?;
    if let Stage::Expecting(expecting) = &reached {
        return words::go_on(expecting, text, secret);
    }
    let bytes = file::read(KIND, text)?;
    let digest = sha256::Hash::hash(&bytes).to_byte_array();
    let waiting = match reached {
        Stage::Waiting(record) => record,
        Stage::Answered { message, answer } if message == digest => return Ok(Continued { answer, state: None }),
        Stage::Answered { .. } | Stage::Expecting(_) => return Err(RecoveryFault::Answered),
    };
    let damaged = |fault: KeystoreFault| file::read_fault(KIND, &fault);
    let damage = || FileFault::Damaged(KIND);
    let mut reader = file::reader(KIND, &bytes)?;
    // What the device says is shown to a person: only what a name and a chain can be.
    let name: Name = reader.text().map_err(damaged)?.parse().map_err(|_| damage())?;
    let chain = home::chain(reader.text().map_err(damaged)?).map_err(|_| damage())?;
    let message = ToRecovery::try_from(reader.var().map_err(damaged)?).map_err(RecoveryFault::Ceremony)?;
    let signature = Signature64(reader.array().map_err(damaged)?);
    reader.finish().map_err(damaged)?;
    let body = bytes.get(..bytes.len() - signature.0.len()).unwrap_or_default();
    message
        .device()
        .verify(NAMED, body, &signature)
        .map_err(|_| FileFault::Damaged(KIND))?;

    let waiting = AwaitServer::from_secret_bytes(&waiting, secret).map_err(|_| RecoveryFault::OtherState)?;
    let server = waiting.server().to_string();
    let opener = AgeOpener::new(secret).map_err(|_| RecoveryFault::OtherState)?;
    let (finished, round) = waiting
        .receive(&message, &AgeSealer, &opener, random)
        .map_err(RecoveryFault::Ceremony)?;
    let fingerprint = finished.public.fingerprint();
    let preamble = format!(
        "Twofold: a recovery holder's part of the new wallet {:?}, fingerprint {fingerprint}. Take this file back to the \
         device and run:\ntwofold recovery continue FILE",
        name.as_str()
    );
    let answer = Answer {
        file: file::write(
            FileKind::FromRecovery,
            &preamble,
            &file::writer().var(&round.to_bytes()).finish(),
        ),
        fingerprint,
        name: name.as_str().to_owned(),
        network: chain.to_string(),
        server,
        device: message.device().to_string(),
    };
    let answered = Stage::Answered {
        message: digest,
        answer: answer.clone(),
    };
    Ok(Continued {
        state: Some(seal(secret, &answered)?),
        answer,
    })
}

/// What a state has of the wallet that was made with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The server's identity, as the invitation named it.
    pub server: String,
    /// The group key's short fingerprint.
    pub fingerprint: String,
}

/// Reads what a state has of its wallet; none where that is not made yet.
pub fn made(state: &str, secret: &RecoverySecret) -> Result<Option<Made>, RecoveryFault> {
    Ok(match open(secret, state)? {
        Stage::Answered { answer, .. } => Some(Made {
            server: answer.server,
            fingerprint: answer.fingerprint,
        }),
        Stage::Waiting(_) | Stage::Expecting(_) => None,
    })
}

fn seal(secret: &RecoverySecret, stage: &Stage) -> Result<String, RecoveryFault> {
    let plain = match stage {
        Stage::Expecting(expecting) => expecting.write(file::writer().fixed(&[2])),
        Stage::Waiting(record) => file::writer().fixed(&[0]).var(record),
        Stage::Answered { message, answer } => {
            let texts = [
                &answer.file,
                &answer.fingerprint,
                &answer.name,
                &answer.network,
                &answer.server,
                &answer.device,
            ];
            let writer = file::writer().fixed(&[1]).fixed(message);
            texts
                .into_iter()
                .fold(writer, |writer, text| writer.var(text.as_bytes()))
        }
    }
    .finish();
    let sealed = AgeSealer
        .seal(&secret.public().recipient, &plain)
        .map_err(|_| RecoveryFault::OtherState)?;
    let signature = secret.identity().sign(STATE, &sealed);
    let content = file::writer().var(&sealed).fixed(&signature.0).finish();
    let preamble = "Twofold: a recovery holder's state while a wallet is made, sealed to the words. Keep it on this machine; it \
                    is of no use once the wallet is there.";
    Ok(file::write(FileKind::State, preamble, &content))
}

fn open(secret: &RecoverySecret, text: &str) -> Result<Stage, RecoveryFault> {
    const KIND: FileKind = FileKind::State;
    let damaged = |fault: KeystoreFault| file::read_fault(KIND, &fault);
    let bytes = file::read(KIND, text)?;
    let mut reader = file::reader(KIND, &bytes)?;
    let sealed = reader.var().map_err(damaged)?;
    let signature = Signature64(reader.array().map_err(damaged)?);
    reader.finish().map_err(damaged)?;
    // age hides, and proves nothing of who sealed: a state that somebody else made would have holes that they know.
    secret
        .identity()
        .public()
        .verify(STATE, sealed, &signature)
        .map_err(|_| RecoveryFault::OtherState)?;
    let opener = AgeOpener::new(secret).map_err(|_| RecoveryFault::OtherState)?;
    let plain = opener.open(sealed).map_err(|_| RecoveryFault::OtherState)?;
    let mut reader = file::reader(KIND, &plain)?;
    let stage = match reader.array().map_err(damaged)? {
        [0] => Stage::Waiting(Zeroizing::new(reader.var().map_err(damaged)?.to_vec())),
        [1] => {
            let message = reader.array().map_err(damaged)?;
            let mut text = || Ok::<_, RecoveryFault>(reader.text().map_err(damaged)?.to_owned());
            let answer = Answer {
                file: text()?,
                fingerprint: text()?,
                name: text()?,
                network: text()?,
                server: text()?,
                device: text()?,
            };
            Stage::Answered { message, answer }
        }
        [2] => {
            let server = reader.var().map_err(damaged)?;
            Stage::Expecting(words::Expecting::read(server, reader.array().map_err(damaged)?)?)
        }
        [_] => return Err(FileFault::Damaged(KIND).into()),
    };
    reader.finish().map_err(damaged)?;
    Ok(stage)
}

#[cfg(test)]
mod tests;
