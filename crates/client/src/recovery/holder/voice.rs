//! Recovery words on a machine of their own, offline too, answer a device: they let a new machine take a lost one's place,
//! or speak for new words. Nothing is kept here between two requests, so that each may be answered as often as one likes.
//!
//! Whoever holds the words reads wallet, server and machine here and compares the machine with what the device shows: a
//! request says who it is from, and anyone can write one. The words take the wallet's fingerprint and its server from what
//! they once signed themselves, and from nobody's word.

use rand_core::{CryptoRng, RngCore};
use twofold_api::recovery::{READ, mandate, reading};
use twofold_api::request::Word;
use twofold_api::seal_key::{SealTo, Step, Usage};
use twofold_api::shape::{UNFREEZE, unfreezing};
use twofold_threshold::device_list::{Act, DeviceList, Proposal, Signer};
use twofold_threshold::envelope::SealPublic;
use twofold_threshold::id::{CeremonyId, KeyKind, Party};
use twofold_threshold::package::{Chain, Opened};
use twofold_threshold::repair::{Claim, Helpers, first};
use twofold_threshold::words::{RecoveryIdentity, RecoverySecret};

use crate::recovery::voice::{self, Answer, Ask, Given, Part, Place, Want};
use crate::recovery::{AgeOpener, RecoveryFault};

/// A request that these words have read and judged. Show [`Asked::shown`] before [`Asked::answer`].
#[derive(Debug)]
#[must_use]
pub struct Asked {
    ask: Ask,
    seen: Option<Seen>,
}

/// The wallet, as these words have verified it.
#[derive(Debug)]
struct Seen {
    opened: Opened,
    list: DeviceList,
}

/// What a person reads before the words answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The wallet's long name.
    pub wallet: String,
    /// Its server's identity.
    pub server: String,
    /// The asking device's fingerprint, to be compared with what it shows itself.
    pub machine: String,
    /// What the words could verify; nothing where the machine knows nothing of the wallet yet.
    pub verified: Option<Verified>,
    /// What they are asked for.
    pub wish: Wish,
}

/// What the words could verify of the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The group key's short fingerprint.
    pub fingerprint: String,
    /// What it is called; the server's word.
    pub name: String,
    /// The network, as the device says.
    pub network: String,
}

/// What the words are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wish {
    /// To let the machine read the wallet, and to ask the server that it take a lost one's place.
    Ask,
    /// Their part of that.
    Place {
        /// Their part of the share.
        share: bool,
        /// The device that is struck off, by its long id.
        strike: Option<String>,
        /// The freeze ends.
        unfreeze: bool,
    },
    /// To say yes to other words in their place.
    Words,
}

impl Asked {
    /// Reads a request with the words at hand, and verifies all that it says of the wallet. `made` is what the holder's
    /// state has of the wallet, where there is one.
    pub fn read(text: &str, secret: &RecoverySecret, made: Option<&super::Made>) -> Result<Self, RecoveryFault> {
        let ask = Ask::read(text, secret)?;
        let seen = match &ask.want {
            Want::Begin { .. } => None,
            Want::Place(place) => Some(Seen::verify(&ask, &place.told.epochs, secret)?),
            Want::Words { shown, .. } => Some(Seen::verify(&ask, &shown.epochs, secret)?),
        };
        if let Some(made) = made {
            let same = seen
                .as_ref()
                .is_none_or(|seen| seen.opened.public.fingerprint() == made.fingerprint);
            if made.server != ask.server.to_string() || !same {
                let expected = format!("fingerprint {}, server {}", made.fingerprint, made.server);
                return Err(RecoveryFault::NotThatWallet { expected });
            }
        }
        Ok(Self { ask, seen })
    }

    /// What it is about.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let told = match &self.ask.want {
            Want::Begin { .. } => None,
            Want::Place(place) => Some(&place.told),
            Want::Words { shown, .. } => Some(&**shown),
        };
        Shown {
            wallet: self.ask.wallet.to_string(),
            server: self.ask.server.to_string(),
            machine: voice::machine(&self.ask.device),
            verified: self.seen.as_ref().zip(told).map(|(seen, told)| Verified {
                fingerprint: seen.opened.public.fingerprint(),
                name: told.name.clone(),
                network: told.chain.to_string(),
            }),
            wish: match &self.ask.want {
                Want::Begin { .. } => Wish::Ask,
                Want::Place(place) => Wish::Place {
                    share: place.share.is_some(),
                    strike: place.strike.as_ref().map(ToString::to_string),
                    unfreeze: place.frozen.is_some(),
                },
                Want::Words { .. } => Wish::Words,
            },
        }
    }

    /// Makes the answer's file.
    pub fn answer(
        self,
        secret: &RecoverySecret,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<String, RecoveryFault> {
        let Self { ask, seen } = self;
        let answer = match (&ask.want, &seen) {
            (Want::Begin { sealing }, _) => {
                let act = Act::Enrol {
                    identity: ask.device,
                    sealing: *sealing,
                };
                let wish = Proposal::wish(ask.wallet, act);
                let signature = secret.identity().sign_raw(&wish.signing_bytes());
                let reading = reading(ask.wallet, ask.device.device_id());
                Answer::Begin {
                    read: secret.identity().sign(READ, &reading).0,
                    wish: wish.signed(Signer::Recovery, signature).to_bytes(),
                }
            }
            (Want::Place(place), Some(seen)) => Answer::Place(Box::new(seen.give(&ask, place, secret, random)?)),
            (Want::Words { words, .. }, Some(seen)) => seen.speak(words, secret)?,
            (Want::Place(_) | Want::Words { .. }, None) => return Err(RecoveryFault::Incomplete),
        };
        answer.write(&ask, random)
    }
}

impl Seen {
    /// The wallet is these words', and of the server that the device asks in the name of.
    fn verify(ask: &Ask, epochs: &Chain, secret: &RecoverySecret) -> Result<Self, RecoveryFault> {
        let first = epochs.created().transcript();
        if epochs.recovery().map_err(RecoveryFault::Package)? != secret.public() {
            return Err(RecoveryFault::OtherWords);
        }
        if first.wallet() != ask.wallet {
            return Err(RecoveryFault::OtherWallet);
        }
        if *first.server() != ask.server {
            let expected = first.server().to_string();
            return Err(RecoveryFault::NotThatWallet { expected });
        }
        let opener = AgeOpener::new(secret).map_err(|_| RecoveryFault::OtherWords)?;
        let identity = secret.identity().public();
        Ok(Self {
            opened: epochs.open(&identity, &opener).map_err(RecoveryFault::Package)?,
            list: epochs.devices().map_err(RecoveryFault::Package)?,
        })
    }

    fn give(
        &self,
        ask: &Ask,
        place: &Place,
        secret: &RecoverySecret,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<Given, RecoveryFault> {
        let identity = secret.identity();
        let mut list = self.list.clone();
        let refused = |_| RecoveryFault::NotFromDevice;
        let entry = match list.device(ask.device.device_id()) {
            Some(device) if *device.sealing() == place.sealing => None,
            Some(_) => return Err(RecoveryFault::NotFromDevice),
            None => {
                let act = Act::Enrol {
                    identity: ask.device,
                    sealing: place.sealing,
                };
                let proposal = Proposal::new(&list, act);
                let signature = identity.sign_raw(&proposal.signing_bytes());
                let entry = proposal.signed(Signer::Recovery, signature);
                list.append(&entry).map_err(refused)?;
                Some(entry.to_bytes())
            }
        };
        let to = place.offer.verify(&ask.server).map_err(|_| RecoveryFault::Incomplete)?;
        let part = match &place.share {
            Some(key) => Some(self.part(ask, place, (key, &to), secret, random)?),
            None => None,
        };
        let strike = place.strike.map(|device| {
            let proposal = Proposal::new(&list, Act::Revoke(device));
            (device, identity.sign_raw(&proposal.signing_bytes()))
        });
        let frozen = place.frozen.map(|since| {
            let said = unfreezing(ask.wallet, since, to.public());
            let word = Word {
                seal_key: *to.public(),
                signature: identity.sign(UNFREEZE, &said).0,
            };
            (since, word)
        });
        Ok(Given {
            entry,
            part,
            strike,
            frozen,
        })
    }

    /// Recovery's part of the repair: it opens, and leaves to the machine what it would wait with.
    fn part(
        &self,
        ask: &Ask,
        place: &Place,
        (key, to): (&SealPublic, &SealTo),
        secret: &RecoverySecret,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<Part, RecoveryFault> {
        let Opened { contents, public } = &self.opened;
        let identity = secret.identity();
        let mut ceremony = CeremonyId([0; 16]);
        random.fill_bytes(&mut ceremony.0);
        let claim = Claim {
            wallet: ask.wallet,
            ceremony,
            kind: KeyKind::Taproot,
            epoch: public.epoch(),
            repaired: Party::Device,
            identity: ask.device,
            key: *key,
            unlock_digest: contents.unlock.digest(),
            mandate: mandate(&ask.device, &place.sealing),
        };
        let helpers = Helpers {
            first: (Party::Recovery, identity.public()),
            second: (Party::Server, ask.server),
        };
        let drafted = first::begin(claim, helpers, &contents.share, public, to.public(), random)
            .map_err(RecoveryFault::Ceremony)?;
        let signature = identity.sign_raw(&drafted.signing_bytes());
        let (state, opening) = drafted.signed(signature).map_err(RecoveryFault::Ceremony)?;
        let usage = Usage {
            wallet: ask.wallet,
            epoch: public.epoch().number,
            step: Step::Recover,
            device: ask.device.device_id(),
        };
        let to_server = to.seal(&contents.unlock, &usage, random);
        let unlock = contents.unlock.expose().expose();
        Ok(Part {
            opening: opening.to_bytes(),
            to_server: to_server.map_err(|_| RecoveryFault::Incomplete)?,
            left: state.opened(opening).to_secret_bytes(),
            unlock: twofold_threshold::secret::UnlockKey::new(twofold_threshold::secret::Secret32::new(*unlock)),
        })
    }

    /// The old words' voice for new ones, on the list as it stands.
    fn speak(&self, words: &RecoveryIdentity, secret: &RecoverySecret) -> Result<Answer, RecoveryFault> {
        if *words == secret.public() {
            return Err(RecoveryFault::SameWords);
        }
        let proposal = Proposal::new(&self.list, Act::ReplaceRecovery(*words));
        Ok(Answer::Words(secret.identity().sign_raw(&proposal.signing_bytes())))
    }
}
