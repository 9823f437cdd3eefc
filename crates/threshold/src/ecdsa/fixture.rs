//! What the tests of this half share: a ceremony, a pair, a signature; and shares that were dealt by hand where a test is
//! about signing alone.

mod gaining;

pub(crate) use gaining::{DECODERS, Gaining, Message, Run};

use std::vec::Vec;

use k256::{ProjectivePoint, Scalar, elliptic_curve::PrimeField};
use rand_chacha::ChaCha20Rng;

use super::{
    Pair, SignFault, pair,
    pair::{Registry, Setting, Side, Standing, Untested},
    sign::{self, Answer, AwaitAnswer, AwaitOffer, Half, Hello, Offer, RecoverableSignature, ToSign, Unjudged},
};
use crate::{
    Class, Fault, FaultKind,
    derive::ExtendedKey,
    fixture,
    id::{CeremonyId, EpochId, KeyKind, Party, WalletId},
    identity::IdentitySecret,
    point,
    share::{PublicShares, Share},
};

pub(crate) const WALLET: WalletId = WalletId([7; 16]);
pub(crate) const EPOCH: EpochId = EpochId {
    number: 3,
    transcript: [0x33; 32],
};
pub(crate) const WHAT: ToSign = ToSign {
    path: [0, 5],
    digest: [0xd1; 32],
};

/// Three shares on a line, as a ceremony leaves them, and who holds them.
pub(crate) struct Dealt {
    pub(crate) public: PublicShares,
    pub(crate) shares: [Share; 3],
    pub(crate) identities: [IdentitySecret; 3],
    pub(crate) rng: ChaCha20Rng,
}

impl Dealt {
    pub(crate) fn new(seed: u64) -> Self {
        Self::at(seed, EPOCH)
    }

    /// The same key at another epoch.
    pub(crate) fn at(seed: u64, epoch: EpochId) -> Self {
        Self::of(WALLET, seed, epoch)
    }

    /// A key of another wallet's.
    pub(crate) fn of(wallet: WalletId, seed: u64, epoch: EpochId) -> Self {
        let mut rng = fixture::rng(seed);
        let secret = Scalar::generate_vartime(&mut rng);
        let identities = [(); 3].map(|()| IdentitySecret::generate(&mut rng));
        let slope = Scalar::from(u64::from(epoch.number) + 40);
        let value = |party: Party| secret + slope * Scalar::from(u64::from(party.number()));
        let encode = |scalar: Scalar| point::encode(&(ProjectivePoint::GENERATOR * scalar)).unwrap();
        let public = PublicShares::new(
            KeyKind::Ecdsa,
            epoch,
            ExtendedKey {
                key: encode(secret),
                chain_code: [0xcc; 32],
            },
            Party::ALL.map(|party| encode(value(party))),
        )
        .unwrap();
        let shares = Party::ALL.map(|party| {
            let share = Share::new(wallet, party, KeyKind::Ecdsa, epoch, &value(party).to_repr().into()).unwrap();
            share.check(&public).unwrap();
            share
        });
        Self {
            public,
            shares,
            identities,
            rng,
        }
    }

    pub(crate) fn share(&self, party: Party) -> &Share {
        &self.shares[party.index()]
    }

    pub(crate) fn identity(&self, party: Party) -> &IdentitySecret {
        &self.identities[party.index()]
    }

    pub(crate) fn setting(&self, asker: Party, answerer: Party) -> Setting {
        let side = |party: Party| Side {
            party,
            identity: self.identity(party).public(),
        };
        Setting {
            wallet: self.share(asker).wallet(),
            epoch: self.public.epoch(),
            asker: side(asker),
            answerer: side(answerer),
        }
    }

    /// A pair that has signed nothing.
    pub(crate) fn untested(&mut self, setting: Setting) -> (Untested, Untested) {
        let mut rng = self.rng.clone();
        let identities = (self.signer(&setting.asker), self.signer(&setting.answerer));
        let untested = set_up(setting, identities, &mut rng);
        self.rng = rng;
        untested
    }

    /// A pair that has signed its test.
    pub(crate) fn pair(&mut self, setting: Setting) -> Pairs {
        let (asker, answerer) = self.untested(setting);
        let (ours, theirs) = (setting.asker.party, setting.answerer.party);
        let signature = test(
            (&asker, self.share(ours), self.signer(&setting.asker)),
            (&answerer, self.share(theirs), self.identity(theirs)),
            &self.public,
            &mut self.rng.clone(),
        )
        .unwrap();
        Pairs {
            asker: asker.tested(&signature, &self.public).unwrap(),
            answerer: answerer.tested(&signature, &self.public).unwrap(),
        }
    }

    /// Device and server, out of the records that vectors/ keeps: setting up takes most of a second.
    pub(crate) fn device_and_server(&self) -> Pairs {
        let pairs = Pairs::load(
            process(),
            [
                include_bytes!("../../vectors/ecdsa-pair-device.bin"),
                include_bytes!("../../vectors/ecdsa-pair-server.bin"),
            ],
        );
        let setting = self.setting(Party::Device, Party::Server);
        assert_eq!((pairs.asker.setting(), pairs.answerer.setting()), (&setting, &setting));
        pairs
    }

    /// Whoever has that identity.
    pub(crate) fn signer(&self, side: &Side) -> &IdentitySecret {
        let mut identities = self.identities.iter();
        identities.find(|identity| identity.public() == side.identity).unwrap()
    }

    /// Asks, and signs that.
    pub(crate) fn ask(
        &self,
        pair: &Pair,
        what: &ToSign,
        rng: &mut ChaCha20Rng,
    ) -> Result<(AwaitOffer, Hello), SignFault> {
        let (asking, hello) = sign::begin(pair, &self.public, what, rng)?;
        let signature = self.signer(&pair.setting().asker).sign_raw(&hello.signing_bytes());
        Ok((asking, hello.signed(signature)))
    }

    /// Takes the offer, and signs the half.
    pub(crate) fn halve(
        &self,
        pair: &Pair,
        asking: AwaitOffer,
        offer: &Offer,
    ) -> Result<(AwaitAnswer, Half), SignFault> {
        let (asking, half) = asking.receive(offer, self.share(pair.party()))?;
        let signature = self.signer(&pair.setting().asker).sign_raw(&half.signing_bytes());
        Ok((asking, half.signed(signature)))
    }

    /// The second yes, in a house whose list has no pair.
    pub(crate) fn release(&self, pair: &Pair, unjudged: Unjudged) -> Result<Answer, SignFault> {
        let identity = self.signer(&pair.setting().answerer);
        unjudged.release(self.share(pair.party()), identity, good(pair.id()))
    }

    /// A whole signature.
    pub(crate) fn sign(&mut self, pairs: &Pairs, what: &ToSign) -> Result<RecoverableSignature, SignFault> {
        let mut rng = self.rng.clone();
        let (asking, hello) = self.ask(&pairs.asker, what, &mut rng)?;
        let identity = self.identity(pairs.answerer.party());
        let (answering, offer) = sign::offer(&pairs.answerer, &self.public, what, &hello, identity, &mut rng)?;
        let (asking, half) = self.halve(&pairs.asker, asking, &offer)?;
        let answer = self.release(&pairs.answerer, answering.receive(half)?)?;
        self.rng = rng;
        asking.receive(&answer)
    }
}

/// Both sides of a pair.
pub(crate) struct Pairs {
    pub(crate) asker: Pair,
    pub(crate) answerer: Pair,
}

impl Pairs {
    /// As another process has them, that knows of nothing that happened here.
    pub(crate) fn copy(&self) -> Self {
        self.load_again(process())
    }

    /// What `registry`'s process reads of these.
    pub(super) fn load_again(&self, registry: &'static Registry) -> Self {
        let [asker, answerer] = [&self.asker, &self.answerer].map(|pair| pair.to_secret_bytes().unwrap());
        Self::load(registry, [&asker, &answerer])
    }

    fn load(registry: &'static Registry, [asker, answerer]: [&[u8]; 2]) -> Self {
        // Where the name stands: after version and kind, the library's, wallet, epoch, sides and party.
        let at = 2 + 4 + super::LIBRARY.len() + 16 + 36 + 2 * (1 + 33) + 1;
        let load = |record: &[u8]| {
            let id = pair::PairId(record[at..at + 32].try_into().unwrap());
            Pair::read_in(registry, record, good(id)).unwrap()
        };
        Self {
            asker: load(asker),
            answerer: load(answerer),
        }
    }
}

/// The pairs of a process of its own.
pub(super) fn process() -> &'static Registry {
    std::boxed::Box::leak(std::boxed::Box::new(Registry::new()))
}

/// As the list of a caller says that has never seen a cheat.
pub(crate) fn good(pair: pair::PairId) -> Standing {
    Standing::read(pair, false)
}

/// Both sides' set-up.
pub(crate) fn set_up(
    setting: Setting,
    (asker, answerer): (&IdentitySecret, &IdentitySecret),
    rng: &mut ChaCha20Rng,
) -> (Untested, Untested) {
    let (asking, opening) = pair::begin(setting, CeremonyId([9; 16]), rng).unwrap();
    let signature = asker.sign_raw(&opening.signing_bytes());
    let (answering, answer) = pair::answer(setting, &opening.signed(signature), answerer, rng).unwrap();
    let (asking, closing) = asking.receive(&answer, rng).unwrap();
    let signature = asker.sign_raw(&closing.signing_bytes());
    let (answerer, completion) = answering.receive(&closing.signed(signature), answerer, rng).unwrap();
    (asking.receive(&completion).unwrap(), answerer)
}

/// Reads a message and writes it again.
pub(crate) type Again = fn(&[u8]) -> Result<Vec<u8>, Fault>;

macro_rules! again {
    ($type:ty) => {
        |bytes| <$type>::try_from(bytes).map(|message| message.to_bytes())
    };
}
pub(crate) use again;

/// A message is read from the bytes that it was written as, and from nothing that is cut, each `step`, or goes on.
pub(crate) fn has_one_encoding(name: &str, bytes: Vec<u8>, again: Again, step: usize) {
    assert_eq!(again(&bytes).as_deref(), Ok(bytes.as_slice()), "{name}");
    for cut in (0..bytes.len()).step_by(step).chain([bytes.len() - 1]) {
        let fault = again(&bytes[..cut]).unwrap_err();
        let wanted = (FaultKind::Length, Class::Malformed);
        assert_eq!((fault.kind, fault.class()), wanted, "{name} at {cut}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(again(&longer).unwrap_err().kind, FaultKind::TrailingBytes, "{name}");
}

/// The test signature of a pair.
pub(crate) fn test(
    (asker, ours, device): (&Untested, &Share, &IdentitySecret),
    (answerer, theirs, server): (&Untested, &Share, &IdentitySecret),
    public: &PublicShares,
    rng: &mut ChaCha20Rng,
) -> Result<RecoverableSignature, SignFault> {
    let (asking, hello) = sign::begin_test(asker, public, rng)?;
    let signature = device.sign_raw(&hello.signing_bytes());
    let (answering, offer) = sign::offer_test(answerer, public, &hello.signed(signature), server, rng)?;
    let (asking, half) = asking.receive(&offer, ours)?;
    let signature = device.sign_raw(&half.signing_bytes());
    let unjudged = answering.receive(half.signed(signature))?;
    let answer = unjudged.release(theirs, server, good(answerer.id()))?;
    asking.receive(&answer)
}
