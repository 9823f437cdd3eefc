//! What a device asks of words on another machine, and what they answer: two files a pass.
//!
//! The request is signed by the device and, once the device knows whose wallet it is, sealed to the words; the answer is
//! sealed to a key that the device drew for this errand. So whoever copies either file learns nothing, and has nothing to
//! use: what recovery signs in an answer no other machine ever sees. Who the device is, nobody can know from the file: both
//! machines show the device's fingerprint, and people compare it.

mod answer;

use twofold_api::seal_key::Offer;
use twofold_intent::ChainName;
use twofold_threshold::envelope::{Binding, SealPublic};
use twofold_threshold::id::{CeremonyId, DeviceId, EpochId, KeyKind, Party, WalletId};
use twofold_threshold::identity::{Domain, IdentityKey, Signature64};
use twofold_threshold::package::{Chain, OpenAsRecovery as _, SealToRecovery as _};
use twofold_threshold::words::{RecoveryIdentity, RecoverySecret};

pub(super) use self::answer::{Answer, Given, Part, Sealed};
use super::file::{self, FileFault, FileKind};
use super::{AgeOpener, AgeSealer, RecoveryFault};
use crate::home;
use crate::keystore::record::{Reader, Writer};
use crate::port::KeystoreFault;

/// The device's word on a request.
const ASK: Domain = Domain::new("recovery/ask");
const REQUEST: FileKind = FileKind::ToWords;
const ANSWER: FileKind = FileKind::FromWords;

/// What a device asks.
#[derive(Debug)]
pub(super) struct Ask {
    /// Ties the answer to the errand.
    pub(super) errand: CeremonyId,
    pub(super) wallet: WalletId,
    pub(super) server: IdentityKey,
    pub(super) device: IdentityKey,
    /// The answer is sealed to this.
    pub(super) key: SealPublic,
    pub(super) want: Want,
}

/// For what.
#[derive(Debug)]
pub(super) enum Want {
    /// A new machine asks to read the wallet, and that recovery ask for it. It knows nothing of the wallet yet.
    Begin { sealing: SealPublic },
    /// A new machine that has seen the wallet asks for what is missing.
    Place(Box<Place>),
    /// A device asks the old words to speak for new ones.
    Words { shown: Box<Told>, words: RecoveryIdentity },
}

/// The wallet as the device knows it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) chain: ChainName,
    pub(super) epochs: Chain,
}

/// What is missing of a recovery.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) told: Told,
    pub(super) sealing: SealPublic,
    /// The key that the server offers.
    pub(super) offer: Offer,
    /// The share is sealed to this. None where the share is there.
    pub(super) share: Option<SealPublic>,
    /// The device to be struck off next.
    pub(super) strike: Option<DeviceId>,
    /// The freeze to be ended.
    pub(super) frozen: Option<u64>,
}

fn damaged(kind: FileKind) -> impl Fn(KeystoreFault) -> FileFault {
    move |fault| file::read_fault(kind, &fault)
}

fn damage<T>(_: T) -> RecoveryFault {
    FileFault::Damaged(REQUEST).into()
}

impl Told {
    fn write(&self, writer: Writer) -> Writer {
        writer
            .var(self.name.as_bytes())
            .var(self.chain.to_string().as_bytes())
            .var(&self.epochs.to_bytes())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, RecoveryFault> {
        let name = reader.text().map_err(damaged(REQUEST))?;
        // Shown to a person: only what a name can be.
        let name: twofold_api::request::Name = name.parse().map_err(damage)?;
        let chain = home::chain(reader.text().map_err(damaged(REQUEST))?).map_err(damage)?;
        let epochs = reader.var().map_err(damaged(REQUEST))?;
        Ok(Self {
            name: name.as_str().to_owned(),
            chain,
            epochs: Chain::try_from(epochs).map_err(RecoveryFault::Package)?,
        })
    }
}

impl Place {
    fn write(&self, writer: Writer) -> Writer {
        self.told
            .write(writer)
            .fixed(self.sealing.as_bytes())
            .var(&self.offer.to_bytes())
            .optional(self.share.as_ref().map(|key| key.as_bytes().as_slice()))
            .optional(self.strike.as_ref().map(|device| device.0.as_slice()))
            .optional(self.frozen.map(u64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, RecoveryFault> {
        let told = Told::read(reader)?;
        let sealing = key(reader)?;
        let offer = Offer::parse(reader.var().map_err(damaged(REQUEST))?).map_err(damage)?;
        let share = reader.optional().map_err(damaged(REQUEST))?;
        let share = share.map(SealPublic::try_from).transpose().map_err(damage)?;
        let strike = reader.optional().map_err(damaged(REQUEST))?;
        let strike = strike.map(<[u8; 32]>::try_from).transpose().map_err(damage)?;
        let frozen = reader.optional().map_err(damaged(REQUEST))?;
        let frozen = frozen.map(<[u8; 8]>::try_from).transpose().map_err(damage)?;
        Ok(Self {
            told,
            sealing,
            offer,
            share,
            strike: strike.map(DeviceId),
            frozen: frozen.map(u64::from_be_bytes),
        })
    }
}

fn key(reader: &mut Reader<'_>) -> Result<SealPublic, RecoveryFault> {
    let bytes: [u8; 32] = reader.array().map_err(damaged(REQUEST))?;
    SealPublic::try_from(bytes.as_slice()).map_err(damage)
}

impl Ask {
    fn body(&self) -> Writer {
        let writer = file::writer()
            .fixed(&self.errand.0)
            .fixed(&self.wallet.0)
            .var(&self.server.to_bytes())
            .var(&self.device.to_bytes())
            .fixed(self.key.as_bytes());
        match &self.want {
            Want::Begin { sealing } => writer.fixed(&[0]).fixed(sealing.as_bytes()),
            Want::Place(place) => place.write(writer.fixed(&[1])),
            Want::Words { shown, words } => shown.write(writer.fixed(&[2])).var(&words.to_bytes()),
        }
    }

    /// The request's file, signed by the device; sealed to the words where it knows them.
    pub(super) fn write(&self, sign: impl FnOnce(Domain, &[u8]) -> Signature64) -> Result<String, RecoveryFault> {
        let body = self.body().finish();
        let signature = sign(ASK, &body);
        let signed = [&body[..], &signature.0].concat();
        let told = match &self.want {
            Want::Begin { .. } => None,
            Want::Place(place) => Some(&place.told),
            Want::Words { shown, .. } => Some(&**shown),
        };
        let content = match told {
            None => file::writer().fixed(&[0]).var(&signed),
            Some(told) => {
                let words = told.epochs.recovery().map_err(RecoveryFault::Package)?;
                let sealed = AgeSealer.seal(&words.recipient, &signed);
                file::writer()
                    .fixed(&[1])
                    .var(&sealed.map_err(|_| RecoveryFault::OtherWords)?)
            }
        }
        .finish();
        let preamble = format!(
            "Twofold: a device asks the recovery words. Take this file to the machine where they may be typed and run:\n\
             twofold recovery continue FILE --out ANSWER\n\nwallet   {}\nmachine  {}",
            self.wallet,
            machine(&self.device)
        );
        Ok(file::write(REQUEST, &preamble, &content))
    }

    /// Reads a request's file.
    pub(super) fn read(text: &str, secret: &RecoverySecret) -> Result<Self, RecoveryFault> {
        let bytes = file::read(REQUEST, text)?;
        let mut reader = file::reader(REQUEST, &bytes)?;
        let [sealed] = reader.array().map_err(damaged(REQUEST))?;
        let content = reader.var().map_err(damaged(REQUEST))?;
        reader.finish().map_err(damaged(REQUEST))?;
        let opened;
        let signed = match sealed {
            0 => content,
            1 => {
                let age = AgeOpener::new(secret).map_err(|_| RecoveryFault::OtherWords)?;
                opened = age.open(content).map_err(|_| RecoveryFault::NotForTheseWords)?;
                &opened
            }
            _ => return Err(damage(())),
        };
        let mut reader = file::reader(REQUEST, signed)?;
        let errand = CeremonyId(reader.array().map_err(damaged(REQUEST))?);
        let wallet = WalletId(reader.array().map_err(damaged(REQUEST))?);
        let server = IdentityKey::try_from(reader.var().map_err(damaged(REQUEST))?).map_err(damage)?;
        let device = IdentityKey::try_from(reader.var().map_err(damaged(REQUEST))?).map_err(damage)?;
        let answer = key(&mut reader)?;
        let want = match reader.array().map_err(damaged(REQUEST))? {
            [0] => Want::Begin {
                sealing: key(&mut reader)?,
            },
            [1] => Want::Place(Box::new(Place::read(&mut reader)?)),
            [2] => {
                let shown = Box::new(Told::read(&mut reader)?);
                let words = reader.var().map_err(damaged(REQUEST))?;
                let words = RecoveryIdentity::try_from(words).map_err(damage)?;
                Want::Words { shown, words }
            }
            [_] => return Err(damage(())),
        };
        let signature = Signature64(reader.array().map_err(damaged(REQUEST))?);
        reader.finish().map_err(damaged(REQUEST))?;
        let body = signed.get(..signed.len() - signature.0.len()).unwrap_or_default();
        device.verify(ASK, body, &signature).map_err(damage)?;
        // What only the words may read is not taken in the clear.
        if (sealed == 0) != matches!(want, Want::Begin { .. }) {
            return Err(damage(()));
        }
        Ok(Self {
            errand,
            wallet,
            server,
            device,
            key: answer,
            want,
        })
    }

    const fn binding(wallet: WalletId, errand: CeremonyId) -> Binding {
        Binding {
            wallet,
            ceremony: errand,
            epoch_number: 0,
            previous: EpochId::NONE,
            kind: KeyKind::Taproot,
            from: Party::Recovery,
            to: Party::Device,
        }
    }
}

/// A device's fingerprint, for people to compare: 80 bits of its id.
pub(super) fn machine(device: &IdentityKey) -> String {
    let id = device.device_id().to_string();
    let parts: Vec<&str> = (0..20).step_by(4).filter_map(|at| id.get(at..at + 4)).collect();
    parts.join(" ")
}
