//! What recovery answers, sealed to the device that asked.

use rand_core::{CryptoRng, RngCore};
use twofold_api::request::Word;
use twofold_api::seal_key::{SEALED_BYTES, SealedUnlockKey};
use twofold_threshold::envelope::{Purpose, SealPublic, SealSecret};
use twofold_threshold::id::{CeremonyId, DeviceId, WalletId};
use twofold_threshold::identity::Signature64;
use twofold_threshold::secret::{Secret32, UnlockKey};
use zeroize::Zeroizing;

use super::{ANSWER, Ask, damaged, machine};
use crate::keystore::record::Reader;
use crate::port::KeystoreFault;
use crate::recovery::RecoveryFault;
use crate::recovery::file::{self, FileFault};

/// What recovery answers.
pub(in crate::recovery) enum Answer {
    /// Its word that the machine may read, and its wish that the machine take a lost one's place.
    Begin { read: [u8; 64], wish: Vec<u8> },
    /// What was missing, as far as it was asked for.
    Place(Box<Given>),
    /// Its signature over the entry that names new words.
    Words(Signature64),
}

/// What recovery gives a new machine.
pub(in crate::recovery) struct Given {
    /// The entry that lists the machine, where it is not listed.
    pub(in crate::recovery) entry: Option<Vec<u8>>,
    pub(in crate::recovery) part: Option<Part>,
    /// Over the entry that strikes off a device, on the head of the one before.
    pub(in crate::recovery) strike: Option<(DeviceId, Signature64)>,
    /// Over the end of a freeze.
    pub(in crate::recovery) frozen: Option<(u64, Word)>,
}

/// Recovery's part of a repair: what goes to the server, and what it leaves with the machine.
pub(in crate::recovery) struct Part {
    pub(in crate::recovery) opening: Vec<u8>,
    pub(in crate::recovery) to_server: SealedUnlockKey,
    /// A [`twofold_threshold::repair::first::AwaitAnswer`].
    pub(in crate::recovery) left: Zeroizing<Vec<u8>>,
    pub(in crate::recovery) unlock: UnlockKey,
}

impl Answer {
    fn plain(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Begin { read, wish } => file::writer().fixed(&[0]).fixed(read).var(wish),
            Self::Place(given) => {
                let part = given.part.as_ref().map(|part| {
                    file::writer()
                        .var(&part.opening)
                        .fixed(&part.to_server.key_id)
                        .fixed(&part.to_server.ciphertext)
                        .var(&part.left)
                        .fixed(part.unlock.expose().expose())
                        .finish()
                });
                let strike = given
                    .strike
                    .map(|(device, signature)| [device.0.as_slice(), &signature.0].concat());
                let frozen = given.frozen.as_ref().map(|(since, word)| {
                    [
                        &since.to_be_bytes(),
                        word.seal_key.as_bytes().as_slice(),
                        &word.signature,
                    ]
                    .concat()
                });
                file::writer()
                    .fixed(&[1])
                    .optional(given.entry.as_deref())
                    .optional(part.as_ref().map(|part| part.as_slice()))
                    .optional(strike.as_deref())
                    .optional(frozen.as_deref())
            }
            Self::Words(signature) => file::writer().fixed(&[2]).fixed(&signature.0),
        }
        .finish()
    }

    /// The answer's file, sealed to the machine that asked.
    pub(in crate::recovery) fn write(
        &self,
        ask: &Ask,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<String, RecoveryFault> {
        let binding = Ask::binding(ask.wallet, ask.errand);
        let sealed = ask.key.seal(&binding, Purpose::Voice, &self.plain(), random);
        let content = file::writer()
            .fixed(&ask.wallet.0)
            .var(&sealed.map_err(RecoveryFault::Ceremony)?)
            .finish();
        let next = match self {
            Self::Words(_) => "twofold recovery replace --voice FILE, with the new words as before",
            _ => "twofold recovery continue FILE",
        };
        let preamble = format!(
            "Twofold: what the recovery words answer a device, sealed to it. Take this file back to the machine {} and run:\n\
             {next}",
            machine(&ask.device)
        );
        Ok(file::write(ANSWER, &preamble, &content))
    }
}

/// An answer as a device reads it, before it knows by which key.
pub(in crate::recovery) struct Sealed {
    pub(in crate::recovery) wallet: WalletId,
    sealed: Vec<u8>,
}

impl Sealed {
    pub(in crate::recovery) fn read(text: &str) -> Result<Self, RecoveryFault> {
        let bytes = file::read(ANSWER, text)?;
        let mut reader = file::reader(ANSWER, &bytes)?;
        let wallet = WalletId(reader.array().map_err(damaged(ANSWER))?);
        let sealed = reader.var().map_err(damaged(ANSWER))?.to_vec();
        reader.finish().map_err(damaged(ANSWER))?;
        Ok(Self { wallet, sealed })
    }

    /// Opens it with the errand's key.
    pub(in crate::recovery) fn open(&self, errand: CeremonyId, key: &SealSecret) -> Result<Answer, RecoveryFault> {
        let binding = Ask::binding(self.wallet, errand);
        let plain = key
            .open(&binding, Purpose::Voice, &self.sealed)
            .map_err(|_| RecoveryFault::NotAsked)?;
        let wrong = |_: KeystoreFault| RecoveryFault::from(FileFault::Damaged(ANSWER));
        let mut reader = file::reader(ANSWER, &plain)?;
        let answer = match reader.array().map_err(wrong)? {
            [0] => Self::begin(&mut reader).map_err(wrong)?,
            [1] => Answer::Place(Box::new(Self::given(&mut reader).map_err(wrong)?)),
            [2] => Answer::Words(Signature64(reader.array().map_err(wrong)?)),
            [_] => return Err(FileFault::Damaged(ANSWER).into()),
        };
        reader.finish().map_err(wrong)?;
        Ok(answer)
    }

    fn begin(reader: &mut Reader<'_>) -> Result<Answer, KeystoreFault> {
        Ok(Answer::Begin {
            read: reader.array()?,
            wish: reader.var()?.to_vec(),
        })
    }

    fn given(reader: &mut Reader<'_>) -> Result<Given, KeystoreFault> {
        let entry = reader.optional()?.map(<[u8]>::to_vec);
        let part = match reader.optional()? {
            Some(bytes) => {
                let mut inner = Reader::new("file", bytes, 1)?;
                let part = Part {
                    opening: inner.var()?.to_vec(),
                    to_server: SealedUnlockKey {
                        key_id: inner.array()?,
                        ciphertext: inner.array::<SEALED_BYTES>()?,
                    },
                    left: Zeroizing::new(inner.var()?.to_vec()),
                    unlock: UnlockKey::new(Secret32::new(inner.array()?)),
                };
                inner.finish()?;
                Some(part)
            }
            None => None,
        };
        let mut signed = || -> Result<_, KeystoreFault> { reader.optional() };
        let (strike, frozen) = (signed()?, signed()?);
        let apart = |bytes: &[u8], at: usize| {
            let (subject, signature) = bytes.split_at_checked(at)?;
            Some((subject.to_vec(), <[u8; 64]>::try_from(signature).ok()?))
        };
        let strike = strike.map(|bytes| {
            let (device, signature) = apart(bytes, 32)?;
            Some((DeviceId(device.try_into().ok()?), Signature64(signature)))
        });
        let frozen = frozen.map(|bytes| {
            let (subject, signature) = apart(bytes, 40)?;
            let (since, key) = subject.split_first_chunk()?;
            let seal_key = SealPublic::try_from(key).ok()?;
            Some((u64::from_be_bytes(*since), Word { seal_key, signature }))
        });
        let whole = |missing: bool| if missing { Err(reader.damaged()) } else { Ok(()) };
        whole(matches!(strike, Some(None)) || matches!(frozen, Some(None)))?;
        Ok(Given {
            entry,
            part,
            strike: strike.flatten(),
            frozen: frozen.flatten(),
        })
    }
}
