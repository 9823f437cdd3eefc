//! What two parties set up once to sign together: a multiplication each way, on oblivious transfers, and a seed for shares
//! of zero. Two round trips, then a test signature; nothing of it comes from the key generation or from another pair.
//!
//! ```text
//! asker                          answerer
//!   | PairOpening                   |   fresh bytes, a key to seal to, the commitment to a seed
//!   |------------------------------>|
//!   |                    PairAnswer |   the same, and its part of both multiplications
//!   |<------------------------------|
//!   | PairClosing                   |   its part, and its seed, sealed
//!   |------------------------------>|
//!   |                PairCompletion |   its seed, sealed
//!   |<------------------------------|
//! ```
//!
//! Every number is of one session: of the wallet, the epoch and so its transcript, both identities, the run, and fresh
//! bytes of both, and each message is signed by who says it, after all that was said before: a line that garbles has nobody
//! blamed. The pair's name is a hash of all that went over the line but the seeds, and each signature is bound to
//! it, so who stood in between holds two pairs that sign nothing together.
//!
//! A proof that fails *here* costs nothing but the run: nothing was made that outlives it. Whoever lets another try again
//! without end counts the tries.

mod machine;
mod message;
mod multiplication;
mod standing;

pub use machine::{AwaitAnswer, AwaitClosing, AwaitCompletion, answer, begin};
pub use message::{PairAnswer, PairClosing, PairCompletion, PairOpening};
#[cfg(test)]
pub(super) use standing::Registry;
pub use standing::Standing;

use alloc::{sync::Arc, vec};
use core::fmt;

use dkls23_core::utilities::{
    multiplication::{MulReceiver, MulSender},
    zero_shares::SeedPair,
};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::{Zeroize, Zeroizing};

use self::standing::{PROCESS, State};
use super::{LIBRARY, curve::Curve, curve::index, randomness::Fresh, same_library, sign::SignFault};
use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Kind, Reader, Writer},
    hash,
    id::{EpochId, Party, WalletId, write_hex},
    identity::IdentityKey,
    secret::and_wipe,
    share::PublicShares,
};

/// The most that one direction's multiplication takes in a record.
const MAX_MULTIPLICATION: usize = 64 * 1024;

/// A party, and who it is: of several devices each has a pair of its own with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// Whose share.
    pub party: Party,
    /// Who holds it.
    pub identity: IdentityKey,
}

impl Encode for Side {
    fn encode(&self, writer: Writer) -> Writer {
        writer.field(&self.party).field(&self.identity)
    }
}

impl Decode for Side {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            party: reader.field()?,
            identity: reader.field()?,
        })
    }
}

/// Who sets up with whom, in which wallet, at which epoch: both must hold it to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Whose wallet.
    pub wallet: WalletId,
    /// The epoch of the ECDSA key.
    pub epoch: EpochId,
    /// Who asks, in this and in every signature.
    pub asker: Side,
    /// Who answers.
    pub answerer: Side,
}

impl Setting {
    /// Two halves of one party's would be a signature by one.
    fn check_two(&self) -> Result<(), Fault> {
        if self.asker.party == self.answerer.party || self.asker.identity == self.answerer.identity {
            return Err(FaultKind::Count.into());
        }
        Ok(())
    }

    fn to_bytes(self) -> alloc::vec::Vec<u8> {
        Writer::bare().field(&self).finish()
    }
}

impl Encode for Setting {
    fn encode(&self, writer: Writer) -> Writer {
        writer
            .field(&self.wallet)
            .field(&self.epoch)
            .field(&self.asker)
            .field(&self.answerer)
    }
}

impl Decode for Setting {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let setting = Self {
            wallet: reader.field()?,
            epoch: reader.field()?,
            asker: reader.field()?,
            answerer: reader.field()?,
        };
        setting.check_two()?;
        Ok(setting)
    }
}

/// A pair's name: a hash of what made it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairId(pub [u8; 32]);

impl fmt::Display for PairId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for PairId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PairId({self})")
    }
}

impl Encode for PairId {
    fn encode(&self, writer: Writer) -> Writer {
        writer.fixed(&self.0)
    }
}

impl Decode for PairId {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.array().map(Self)
    }
}

/// One side's secrets of a pair. What the library holds of them wipes itself.
pub(super) struct SetUp {
    pub(super) setting: Setting,
    pub(super) me: Party,
    pub(super) id: PairId,
    pub(super) seed: SeedPair,
    pub(super) sender: MulSender<Curve>,
    pub(super) receiver: MulReceiver<Curve>,
    state: Arc<State>,
}

impl SetUp {
    pub(super) const fn other(&self) -> &Side {
        if self.me.number() == self.setting.asker.party.number() {
            &self.setting.answerer
        } else {
            &self.setting.asker
        }
    }

    pub(super) fn check_usable(&self) -> Result<(), SignFault> {
        if self.state.is_ended() {
            Err(self.quarantine())
        } else {
            Ok(())
        }
    }

    /// Ends the pair if the caller's list does.
    pub(super) fn check_standing(&self, standing: Standing) -> Result<(), SignFault> {
        if standing.ended(self.id)? {
            return Err(self.quarantine());
        }
        self.check_usable()
    }

    /// One step of a session, alone on the pair in this process. A pair that has ended since the session began, or is ended
    /// while the step is taken, lets nothing out: each failed proof tells of the pair's secrets, and so there is one.
    pub(super) fn step<T>(&self, step: impl FnOnce() -> Result<T, SignFault>) -> Result<T, SignFault> {
        let _alone = self.state.alone()?;
        self.check_usable()?;
        let done = {
            let _fresh = Fresh::seeded()?;
            and_wipe(step)
        }?;
        self.check_usable()?;
        Ok(done)
    }

    /// From here on nothing is done with these secrets, in this or any other session of theirs.
    pub(super) fn quarantine(&self) -> SignFault {
        self.state.end();
        SignFault::Quarantined {
            pair: self.id,
            culprit: self.other().party,
        }
    }
}

/// One side of a pair that has signed a test. Sessions of one pair share its secrets, which are wiped with the last.
pub struct Pair(pub(super) Arc<SetUp>);

impl Pair {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> PairId {
        self.0.id
    }

    /// Who is in it, in which wallet, at which epoch.
    #[must_use]
    pub fn setting(&self) -> &Setting {
        &self.0.setting
    }

    /// Whose side this is.
    #[must_use]
    pub fn party(&self) -> Party {
        self.0.me
    }

    /// Whether a proof of the other's has failed: nothing is signed with this pair any more.
    #[must_use]
    pub fn is_quarantined(&self) -> bool {
        self.0.state.is_ended()
    }

    /// Says that a proof of the other's has failed elsewhere. What is under way with this pair lets nothing more out.
    pub fn quarantine(&self) {
        let _said = self.0.quarantine();
    }

    /// The record to seal.
    pub fn to_secret_bytes(&self) -> Result<Zeroizing<alloc::vec::Vec<u8>>, Fault> {
        let set_up = &*self.0;
        let (sender, receiver) = and_wipe(|| Ok::<_, Fault>((written(&set_up.sender)?, written(&set_up.receiver)?)))?;
        Ok(Writer::with_capacity(
            Kind::EcdsaPair,
            2 + 256 + 32 + 2 + 32 + 8 + 4 + LIBRARY.len() + sender.len() + receiver.len(),
        )
        .var(LIBRARY)
        .field(&set_up.setting)
        .field(&set_up.me)
        .field(&set_up.id)
        .u8(u8::from(self.is_quarantined()))
        .fixed(&set_up.seed.seed)
        .var(&sender)
        .var(&receiver)
        .finish_secret())
    }

    /// The other direction. However often a process reads one record, what it has of the pair ends as one.
    pub fn from_secret_bytes(bytes: &[u8], standing: Standing) -> Result<Self, Fault> {
        Self::read_in(&PROCESS, bytes, standing)
    }

    pub(super) fn read_in(
        registry: &'static standing::Registry,
        bytes: &[u8],
        standing: Standing,
    ) -> Result<Self, Fault> {
        and_wipe(|| {
            let (set_up, quarantined) = SetUp::read(registry, bytes)?;
            let pair = Self(Arc::new(set_up));
            if quarantined || standing.ended(pair.id())? {
                pair.quarantine();
            }
            Ok(pair)
        })
    }
}

impl SetUp {
    /// Out of a record, and whether that says that it has ended.
    fn read(registry: &'static standing::Registry, bytes: &[u8]) -> Result<(Self, bool), Fault> {
        let mut reader = Reader::new(bytes, Kind::EcdsaPair)?;
        same_library(&mut reader)?;
        let setting: Setting = reader.field()?;
        let (me, id) = (reader.field::<Party>()?, reader.field()?);
        let quarantined = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(FaultKind::UnknownName.into()),
        };
        let seed = Zeroizing::new(reader.array()?);
        let (sender, receiver) = (reader.var(MAX_MULTIPLICATION)?, reader.var(MAX_MULTIPLICATION)?);
        reader.finish()?;
        if me != setting.asker.party && me != setting.answerer.party {
            return Err(FaultKind::UnknownName.into());
        }
        let sender: MulSender<Curve> = read(sender)?;
        let receiver: MulReceiver<Curve> = read(receiver)?;
        sender.check_state().map_err(|_| FaultKind::Length)?;
        receiver.check_state(None).map_err(|_| FaultKind::Length)?;
        let mut set_up = Self {
            setting,
            me,
            id,
            seed: SeedPair {
                lowest_index: false,
                index_counterparty: index(me),
                seed: *seed,
            },
            sender,
            receiver,
            state: registry.state(id, me),
        };
        let other = set_up.other().party;
        set_up.seed.lowest_index = me < other;
        set_up.seed.index_counterparty = index(other);
        Ok((set_up, quarantined))
    }
}

/// The library's own form of a multiplication, in a buffer that never grows.
fn written(multiplication: &impl Serialize) -> Result<Zeroizing<alloc::vec::Vec<u8>>, Fault> {
    let mut buffer = Zeroizing::new(vec![0; MAX_MULTIPLICATION]);
    let used = postcard::to_slice(multiplication, &mut buffer)
        .map_err(|_| FaultKind::Internal)?
        .len();
    let (_, rest) = buffer.split_at_mut(used);
    rest.zeroize();
    buffer.truncate(used);
    Ok(buffer)
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(FaultKind::Length.into()),
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pair({}, redacted)", self.id())
    }
}

/// One side of a pair that has signed nothing yet. It signs one message, as any other is
/// signed, and is a [`Pair`] once that signature is there.
#[must_use]
pub struct Untested(pub(super) Arc<SetUp>);

impl Untested {
    /// The pair's name.
    #[must_use]
    pub fn id(&self) -> PairId {
        self.0.id
    }

    /// What is signed as a test, with the group key itself: a tagged hash that is nobody's transaction or text.
    pub(super) fn message(&self) -> [u8; 32] {
        let EpochId { number, transcript } = self.0.setting.epoch;
        hash::tagged(
            "twofold/ecdsa/test",
            &[&number.to_be_bytes(), &transcript, &self.0.id.0],
        )
    }

    /// Takes the test's signature: both sides' secrets fit each other and the key.
    pub fn tested(self, signature: &super::sign::RecoverableSignature, public: &PublicShares) -> Result<Pair, Fault> {
        if public.epoch() != self.0.setting.epoch {
            return Err(FaultKind::StaleEpoch.into());
        }
        signature.verify(public.group_key(), &self.message())?;
        Ok(Pair(self.0))
    }
}

impl fmt::Debug for Untested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untested({}, redacted)", self.id())
    }
}

#[cfg(test)]
mod tests;
