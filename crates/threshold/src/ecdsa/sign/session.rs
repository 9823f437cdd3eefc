//! What both sides of one signature have in common.

use alloc::{
    boxed::Box,
    collections::BTreeMap,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::mem;

use dkls23_core::{
    protocols::{
        Party as LibraryParty, PartyIndex,
        derivation::DerivData,
        signing::{KeepPhase1to2, KeepPhase2to3, SignData, TransmitPhase2to3, UniqueKeep1to2, UniqueKeep2to3},
    },
    utilities::zero_shares::ZeroShare,
};
use k256::elliptic_curve::PrimeField;
use zeroize::{Zeroize, Zeroizing};

use super::{SignFault, ToSign, message::Head, phase::Second};
use crate::{
    Fault, FaultKind,
    ecdsa::{
        AccountKey, LIBRARY,
        curve::{self, AffinePoint, Curve, PARAMETERS, Scalar, index},
        pair::SetUp,
    },
    hash,
    id::{EpochId, KeyKind},
    share::{PublicShares, Share},
};

/// One signature's session, on one side.
pub(super) struct Session {
    pub(super) set_up: Arc<SetUp>,
    pub(super) key: AccountKey,
    pub(super) digest: [u8; 32],
}

/// What the first phase leaves. Boxed in the step that makes it and taken out in the next, so that what moves in between is
/// a pointer.
pub(super) struct AfterFirst(Box<UniqueKeep1to2<Curve>>, BTreeMap<PartyIndex, KeepPhase1to2<Curve>>);

impl AfterFirst {
    pub(super) fn new((unique, kept): (UniqueKeep1to2<Curve>, BTreeMap<PartyIndex, KeepPhase1to2<Curve>>)) -> Self {
        Self(Box::new(unique), kept)
    }

    /// As the library takes it. What stays in the box is nothing.
    pub(super) fn take(mut self) -> (UniqueKeep1to2<Curve>, BTreeMap<PartyIndex, KeepPhase1to2<Curve>>) {
        let nothing = UniqueKeep1to2 {
            instance_key: Scalar::ZERO,
            instance_point: AffinePoint::GENERATOR,
            inversion_mask: Scalar::ZERO,
            zeta: Scalar::ZERO,
        };
        (mem::replace(&mut *self.0, nothing), self.1)
    }
}

/// What the second phase leaves, in the same way.
pub(super) struct AfterSecond(Box<UniqueKeep2to3<Curve>>, BTreeMap<PartyIndex, KeepPhase2to3<Curve>>);

impl AfterSecond {
    pub(super) fn new((unique, kept): (UniqueKeep2to3<Curve>, BTreeMap<PartyIndex, KeepPhase2to3<Curve>>)) -> Self {
        Self(Box::new(unique), kept)
    }

    /// As the library takes it.
    pub(super) fn take(mut self) -> (UniqueKeep2to3<Curve>, BTreeMap<PartyIndex, KeepPhase2to3<Curve>>) {
        let nothing = UniqueKeep2to3 {
            instance_key: Scalar::ZERO,
            instance_point: AffinePoint::GENERATOR,
            inversion_mask: Scalar::ZERO,
            key_share: Scalar::ZERO,
            public_share: AffinePoint::GENERATOR,
        };
        (mem::replace(&mut *self.0, nothing), self.1)
    }
}

impl Session {
    /// Of `set_up`, about `what`; an `Err` is the digest of a test, with the group key.
    pub(super) fn new(
        set_up: &Arc<SetUp>,
        public: &PublicShares,
        what: Result<&ToSign, [u8; 32]>,
    ) -> Result<Self, SignFault> {
        set_up.check_usable()?;
        let (key, digest) = match what {
            Ok(what) => (AccountKey::at(public, what.path)?, what.digest),
            Err(test) => (AccountKey::root(public)?, test),
        };
        if key.epoch() != set_up.setting.epoch {
            return Err(FaultKind::StaleEpoch.into());
        }
        Ok(Self {
            set_up: Arc::clone(set_up),
            key,
            digest,
        })
    }

    /// What my messages begin with.
    pub(super) fn head(&self) -> Head {
        Head::of(&self.set_up, self.set_up.me)
    }

    /// The session's name, of the library's version and both sides' fresh bytes.
    pub(super) fn data(&self, asker: &[u8; 32], answerer: &[u8; 32]) -> SignData {
        let EpochId { number, transcript } = self.set_up.setting.epoch;
        let sign_id = hash::tagged(
            "twofold/ecdsa/sign",
            &[
                LIBRARY,
                &self.set_up.setting.wallet.0,
                &number.to_be_bytes(),
                &transcript,
                &self.set_up.id.0,
                asker,
                answerer,
            ],
        );
        SignData {
            sign_id: sign_id.to_vec(),
            counterparties: Vec::from([index(self.set_up.other().party)]),
            message_hash: self.digest,
        }
    }

    /// The library's party for one step of this session ([`SetUp::step`]), in which it dies. Only the second phase has need of the share.
    pub(super) fn party(&self, share: Option<&Share>) -> Result<LibraryParty<Curve>, SignFault> {
        let set_up = &self.set_up;
        let mut poly_point = match share {
            Some(share) => self.child(share)?,
            None => Scalar::ZERO,
        };
        let other = index(set_up.other().party);
        let pk = curve::point(self.key.key())?;
        let party = LibraryParty {
            parameters: PARAMETERS,
            party_index: index(set_up.me),
            session_id: set_up.id.0.to_vec(),
            poly_point,
            pk,
            zero_share: ZeroShare::initialize(Vec::from([set_up.seed.clone()])),
            mul_senders: BTreeMap::from([(other, set_up.sender.clone())]),
            mul_receivers: BTreeMap::from([(other, set_up.receiver.clone())]),
            derivation_data: DerivData {
                depth: 0,
                child_number: 0,
                parent_fingerprint: [0; 4],
                poly_point,
                pk,
                chain_code: *self.key.chain_code(),
            },
            address: String::new(),
        };
        poly_point.zeroize();
        Ok(party)
    }

    /// My share of the address's key.
    fn child(&self, share: &Share) -> Result<Scalar, SignFault> {
        if share.wallet() != self.set_up.setting.wallet || share.party() != self.set_up.me {
            return Err(FaultKind::Internal.into());
        }
        // The key of the session is an ECDSA key of this epoch, and so must the share be.
        share.kind().only(KeyKind::Ecdsa).map_err(|_| FaultKind::StaleEpoch)?;
        if share.epoch() != self.key.epoch() {
            return Err(FaultKind::StaleEpoch.into());
        }
        let bytes = Zeroizing::new(<[u8; 32]>::from(share.scalar().to_repr()));
        let mut own = curve::scalar(&bytes)?;
        let child = own + curve::scalar(self.key.tweak())?;
        own.zeroize();
        Ok(child)
    }
}

/// The one message that a phase makes for the one counterparty.
pub(super) fn only<T>(messages: &[T]) -> Result<&T, Fault> {
    match messages {
        [message] => Ok(message),
        _ => Err(FaultKind::Internal.into()),
    }
}

pub(super) fn second(messages: &[TransmitPhase2to3<Curve>]) -> Result<Second, Fault> {
    Second::of(only(messages)?)
}

/// For the debug output of a state: which pair, and nothing else.
pub(super) fn named(name: &str, session: &Session, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
    f.debug_struct(name)
        .field("pair", &session.set_up.id.to_string())
        .finish_non_exhaustive()
}
