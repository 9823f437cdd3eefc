//! The side that answers: the server, or a device that recovery asks.

use alloc::sync::Arc;
use core::fmt;

use dkls23_core::protocols::signing::SignData;
use rand_core::{CryptoRng, RngCore};

use super::{
    SignFault, ToSign,
    fault::refused,
    message::{Answer, Half, Hello, Offer},
    phase::First,
    session::{AfterFirst, Session, named, only, second},
};
use crate::{
    FaultKind,
    ecdsa::{
        pair::{Pair, SetUp, Standing, Untested},
        said::{follows, then},
    },
    identity::{Domain, IdentitySecret, Signature64},
    share::{PublicShares, Share},
};

/// Answers one who asks for a signature of `what`, which the answerer has worked out and judged itself.
pub fn offer(
    pair: &Pair,
    public: &PublicShares,
    what: &ToSign,
    hello: &Hello,
    identity: &IdentitySecret,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(AwaitHalf, Offer), SignFault> {
    answer(&pair.0, public, Ok(what), hello, identity, rng)
}

/// Answers one who asks for the test signature of a new pair.
pub fn offer_test(
    pair: &Untested,
    public: &PublicShares,
    hello: &Hello,
    identity: &IdentitySecret,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(AwaitHalf, Offer), SignFault> {
    answer(&pair.0, public, Err(pair.message()), hello, identity, rng)
}

fn answer(
    set_up: &Arc<SetUp>,
    public: &PublicShares,
    what: Result<&ToSign, [u8; 32]>,
    hello: &Hello,
    identity: &IdentitySecret,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(AwaitHalf, Offer), SignFault> {
    let side = set_up.setting.answerer;
    if set_up.me != side.party || identity.public() != side.identity {
        return Err(FaultKind::Internal.into());
    }
    let session = Session::new(set_up, public, what)?;
    hello.head.check(set_up)?;
    hello.check(&set_up.setting.asker)?;
    let mut fresh = [0; 32];
    rng.fill_bytes(&mut fresh);
    let data = session.data(&hello.fresh, &fresh);
    let (kept, first) = set_up.step(|| {
        // The first phase has no need of the share.
        let party = session.party(None)?;
        let (unique, kept, first) = party.sign_phase1(&data).map_err(|abort| refused(set_up, &abort))?;
        Ok((AfterFirst::new((unique, kept)), First::of(only(&first)?)))
    })?;
    let before = then(&[0; 32], &hello.signed());
    let mut offer = Offer {
        head: session.head(),
        fresh,
        before,
        first,
        signature: Signature64([0; 64]),
    };
    offer.signature = identity.sign(Domain::ECDSA_ANSWER, &offer.signed());
    let said = then(&before, &offer.to_bytes());
    let state = AwaitHalf {
        session,
        data,
        kept,
        said,
    };
    Ok((state, offer))
}

/// Waiting for the asker's half. It holds no share.
#[must_use]
pub struct AwaitHalf {
    session: Session,
    data: SignData,
    kept: AfterFirst,
    pub(super) said: [u8; 32],
}

impl AwaitHalf {
    /// Takes the asker's half, and does nothing with it yet.
    pub fn receive(self, half: Half) -> Result<Unjudged, SignFault> {
        let set_up = &self.session.set_up;
        set_up.check_usable()?;
        half.head.check(set_up)?;
        half.check(&set_up.setting.asker)?;
        follows(&set_up.setting.asker, &self.said, &half.before)?;
        Ok(Unjudged { before: self, half })
    }
}

impl fmt::Debug for AwaitHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        named("AwaitHalf", &self.session, f)
    }
}

/// All is there but the answerer's second yes: the wallet may have been frozen or the device revoked since the first.
/// Dropped, it leaves nothing.
#[must_use]
pub struct Unjudged {
    before: AwaitHalf,
    half: Half,
}

impl Unjudged {
    /// The 32 bytes that would be signed.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.before.session.digest
    }

    /// The second yes is said: only now the share comes in, and what depends on it goes out. `standing` is read for this yes,
    /// as another process may have ended the pair since the first.
    pub fn release(self, share: &Share, identity: &IdentitySecret, standing: Standing) -> Result<Answer, SignFault> {
        let Self {
            before:
                AwaitHalf {
                    session,
                    data,
                    kept,
                    said,
                },
            half,
        } = self;
        let set_up = &session.set_up;
        set_up.check_standing(standing)?;
        if identity.public() != set_up.setting.answerer.identity {
            return Err(FaultKind::Internal.into());
        }
        let said = then(&said, &half.signed());
        let Half {
            first: their_first,
            second: their_second,
            ..
        } = half;
        let (second, last) = set_up.step(|| {
            let party = session.party(Some(share))?;
            let (unique, kept) = kept.take();
            let fault = |abort| refused(set_up, &abort);
            let theirs = [their_first.library(set_up)];
            let (unique, kept, messages) = party.sign_phase2(&data, unique, kept, &theirs).map_err(fault)?;
            let theirs = [their_second.library(set_up)];
            let (_, last) = party.sign_phase3(&data, unique, kept, &theirs).map_err(fault)?;
            Ok((second(&messages)?, last))
        })?;
        let mut answer = Answer {
            head: session.head(),
            before: said,
            second,
            last,
            signature: Signature64([0; 64]),
        };
        answer.signature = identity.sign(Domain::ECDSA_ANSWER, &answer.signed());
        Ok(answer)
    }
}

impl fmt::Debug for Unjudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        named("Unjudged", &self.before.session, f)
    }
}
