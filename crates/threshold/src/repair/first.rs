//! The helper that opens and closes.

use core::fmt;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use alloc::vec::Vec;

use super::{
    hub,
    message::{Answer, Claim, Closing, Helpers, Opening, Signed, ToSign, named},
    part::{self, Deltas},
};
use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    envelope::{Purpose, SealPublic, SealSecret},
    id::Party,
    point,
    secret::{Secret32, UnlockKey},
    share::{PublicShares, Share},
};

/// Opens a repair. `second` is the second helper's own short-lived or one-time key.
///
/// The caller has settled that this repair is wanted: what comes of it is a share.
pub fn begin(
    claim: Claim,
    helpers: Helpers,
    share: &Share,
    public: &PublicShares,
    second: &SealPublic,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<ToSign<Drafted, Opening>, Fault> {
    claim.check(public, &helpers)?;
    let (me, fellow) = (helpers.first.0, helpers.second.0);
    if share.party() != me || share.wallet() != claim.wallet {
        return Err(FaultKind::Internal.into());
    }
    let deltas = Deltas::deal(share, public, fellow, claim.repaired, rng)?;
    let key = SealSecret::generate(rng);
    let to_second = part::seal(&claim, (me, fellow), second, Purpose::Delta, &deltas.given, rng)?;
    let message = Opening {
        claim,
        key: key.public(),
        shown: deltas.shown,
        to_second,
    };
    Ok(ToSign {
        body: message.body(),
        message,
        state: Drafted {
            helpers,
            public: public.clone(),
            key,
            kept: deltas.kept,
        },
        signer: helpers.first,
    })
}

/// What the first helper keeps until its opening is signed.
pub struct Drafted {
    helpers: Helpers,
    public: PublicShares,
    key: SealSecret,
    kept: Secret32,
}

impl Drafted {
    /// The opening is signed: it goes out, and this waits.
    pub fn opened(self, opening: Signed<Opening>) -> AwaitAnswer {
        AwaitAnswer {
            hub: hub::AwaitAnswer {
                helpers: self.helpers,
                public: self.public,
                opening,
            },
            key: self.key,
            kept: self.kept,
        }
    }
}

impl fmt::Debug for Drafted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("first::Drafted").finish_non_exhaustive()
    }
}

/// Waiting for the second helper.
///
/// A helper who will not be there any more leaves this ([`AwaitAnswer::to_secret_bytes`]) with the one repaired, sealed:
/// that one takes the answer by [`super::repaired::AwaitSigmas::receive_left`].
#[must_use]
pub struct AwaitAnswer {
    pub(super) hub: hub::AwaitAnswer,
    pub(super) key: SealSecret,
    pub(super) kept: Secret32,
}

impl AwaitAnswer {
    /// What is being repaired.
    #[must_use]
    pub const fn claim(&self) -> &Claim {
        self.hub.opening.claim()
    }

    /// The record to seal, where the answer comes by hand.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let opening = self.hub.opening.to_bytes();
        Writer::with_capacity(Kind::RepairState, 2 + 2 * 32 + 4 + opening.len())
            .fixed(self.key.expose().expose())
            .fixed(self.kept.expose())
            .var(&opening)
            .finish_secret()
    }

    /// The other direction, for the same key and helpers.
    pub fn from_secret_bytes(bytes: &[u8], helpers: Helpers, public: &PublicShares) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::RepairState)?;
        let key = SealSecret::new(Secret32::new(reader.array()?));
        let kept = Secret32::new(reader.array()?);
        let opening = Signed::<Opening>::try_from(reader.var(bytes.len())?)?;
        reader.finish()?;
        let waiting = hub::AwaitOpening::new(opening.claim().clone(), helpers, public.clone())?;
        if key.public() != opening.message.key {
            return Err(FaultKind::PublicKey.into());
        }
        part::is_behind(&kept, &point::decode(&opening.message.shown.kept)?, helpers.first.0)?;
        let hub = waiting.receive(opening)?;
        Ok(Self { hub, key, kept })
    }

    /// Checks the second helper's answer, and seals sigma and the unlock key to the one repaired.
    pub fn receive(
        self,
        answer: &Signed<Answer>,
        unlock: &UnlockKey,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<ToSign<(), Closing>, Fault> {
        let Self { hub, key, kept } = self;
        let helpers = hub.helpers;
        let hub = hub.receive(answer.clone())?;
        let claim = hub.opening.claim();
        let (me, fellow): (Party, Party) = (helpers.first.0, helpers.second.0);
        unlock.check(&claim.unlock_digest)?;
        let delta = part::open(claim, (fellow, me), &key, Purpose::Delta, &answer.message.to_first)?;
        part::is_behind(&delta, &point::decode(&answer.message.shown.given)?, fellow)?;
        let sigma = part::sigma(&kept, &delta)?;
        let mut to_repaired =
            |purpose, plain: &Secret32| part::seal(claim, (me, claim.repaired), &claim.key, purpose, plain, rng);
        let message = Closing {
            ceremony: claim.ceremony,
            answer: named(&answer.to_bytes()),
            to_repaired: to_repaired(Purpose::Sigma, &sigma)?,
            unlock: to_repaired(Purpose::UnlockKey, unlock.expose())?,
        };
        Ok(ToSign {
            body: message.body(),
            message,
            state: (),
            signer: helpers.first,
        })
    }
}

impl fmt::Debug for AwaitAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("first::AwaitAnswer")
            .field("claim", self.claim())
            .finish_non_exhaustive()
    }
}
