//! The side that asks, and has the signature: a device, or whoever has the words.

use alloc::sync::Arc;
use core::fmt;

use dkls23_core::protocols::signing::SignData;
use rand_core::{CryptoRng, RngCore};

use super::{
    RecoverableSignature, SignFault, ToSign,
    fault::refused,
    message::{Answer, Half, Hello, Offer},
    phase::First,
    session::{AfterSecond, Session, named, only, second},
};
use crate::{
    FaultKind,
    ecdsa::{
        pair::{Pair, SetUp, Untested},
        said::{self, Unsigned, then},
    },
    identity::{Domain, Signature64},
    share::{PublicShares, Share},
};

/// Asks for a signature.
pub fn begin(
    pair: &Pair,
    public: &PublicShares,
    what: &ToSign,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(AwaitOffer, Unsigned<Hello>), SignFault> {
    ask(&pair.0, public, Ok(what), rng)
}

/// Asks for the test signature of a new pair.
pub fn begin_test(
    pair: &Untested,
    public: &PublicShares,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(AwaitOffer, Unsigned<Hello>), SignFault> {
    ask(&pair.0, public, Err(pair.message()), rng)
}

fn ask(
    set_up: &Arc<SetUp>,
    public: &PublicShares,
    what: Result<&ToSign, [u8; 32]>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(AwaitOffer, Unsigned<Hello>), SignFault> {
    if set_up.me != set_up.setting.asker.party {
        return Err(FaultKind::Internal.into());
    }
    let session = Session::new(set_up, public, what)?;
    let mut fresh = [0; 32];
    rng.fill_bytes(&mut fresh);
    let hello = Hello {
        head: session.head(),
        fresh,
        signature: Signature64([0; 64]),
    };
    let said = then(&[0; 32], &hello.signed());
    Ok((AwaitOffer { session, fresh, said }, Unsigned(hello)))
}

/// Whether the answerer itself said this, after all that was said before. Nothing secret is done with what fails here.
fn check(
    session: &Session,
    said: &[u8; 32],
    before: &[u8; 32],
    signed: &[u8; 32],
    signature: &Signature64,
) -> Result<(), SignFault> {
    let side = &session.set_up.setting.answerer;
    said::check(side, Domain::ECDSA_ANSWER, signed, signature)?;
    Ok(said::follows(side, said, before)?)
}

/// Waiting for the answerer's first phase.
#[must_use]
pub struct AwaitOffer {
    session: Session,
    fresh: [u8; 32],
    said: [u8; 32],
}

impl AwaitOffer {
    /// Takes the first two phases at once.
    pub fn receive(self, offer: &Offer, share: &Share) -> Result<(AwaitAnswer, Unsigned<Half>), SignFault> {
        let Self { session, fresh, said } = self;
        session.set_up.check_usable()?;
        offer.head.check(&session.set_up)?;
        check(&session, &said, &offer.before, &offer.signed(), &offer.signature)?;
        let data = session.data(&fresh, &offer.fresh);
        let said = then(&said, &offer.to_bytes());
        let (first, second, kept) = session.set_up.step(|| {
            let party = session.party(Some(share))?;
            let fault = |abort| refused(&session.set_up, &abort);
            let (unique, kept, first) = party.sign_phase1(&data).map_err(fault)?;
            let theirs = [offer.first.clone().library(&session.set_up)];
            let (unique, kept, messages) = party.sign_phase2(&data, unique, kept, &theirs).map_err(fault)?;
            let first = First::of(only(&first)?);
            Ok((first, second(&messages)?, AfterSecond::new((unique, kept))))
        })?;
        let half = Half {
            head: session.head(),
            before: said,
            first,
            second,
            signature: Signature64([0; 64]),
        };
        let said = then(&said, &half.signed());
        let state = AwaitAnswer {
            session,
            data,
            kept,
            said,
        };
        Ok((state, Unsigned(half)))
    }
}

impl fmt::Debug for AwaitOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        named("AwaitOffer", &self.session, f)
    }
}

/// Waiting for the answerer's half.
#[must_use]
pub struct AwaitAnswer {
    session: Session,
    data: SignData,
    kept: AfterSecond,
    said: [u8; 32],
}

impl AwaitAnswer {
    /// Checks the answerer's half to the end, and finishes. What leaves has been verified against the address's key.
    pub fn receive(self, answer: &Answer) -> Result<RecoverableSignature, SignFault> {
        let Self {
            session,
            data,
            kept,
            said,
        } = self;
        session.set_up.check_usable()?;
        answer.head.check(&session.set_up)?;
        check(&session, &said, &answer.before, &answer.signed(), &answer.signature)?;
        let (x, (s, recovery)) = session.set_up.step(|| {
            let party = session.party(None)?;
            let (unique, kept) = kept.take();
            let fault = |abort| refused(&session.set_up, &abort);
            let theirs = [answer.second.clone().library(&session.set_up)];
            let (x, ours) = party.sign_phase3(&data, unique, kept, &theirs).map_err(fault)?;
            let halves = [ours, answer.last.clone()];
            let finished = party.sign_phase4(&data, &x, &halves, true).map_err(fault)?;
            Ok((x, finished))
        })?;
        let mut rs = [0; 64];
        let (r_half, s_half) = rs.split_at_mut(32);
        for (half, text) in [(r_half, &x), (s_half, &s)] {
            half.copy_from_slice(&crate::id::read_hex::<32>(text).map_err(|_| FaultKind::Internal)?);
        }
        let signature = RecoverableSignature::new(rs, recovery);
        signature.verify(session.key.key(), &session.digest)?;
        Ok(signature)
    }
}

impl fmt::Debug for AwaitAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        named("ecdsa::AwaitAnswer", &self.session, f)
    }
}
