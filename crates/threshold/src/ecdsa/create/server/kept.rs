//! The server's states as it keeps them.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::{
    super::{
        super::{LIBRARY, same_library},
        dealing::{Own, read_dealt},
        message::{Committing, Dealing, Opening, ServerProof},
    },
    AwaitClosing, AwaitCommitting,
};
use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    envelope::SealSecret,
    id::{KeyKind, Party},
    seal::{Aad, Schema},
    secret::Secret32,
};

/// Associated data for sealing a state of the run that `opening` began.
fn aad(opening: &Opening, schema: Schema) -> Aad {
    Aad {
        wallet: opening.run.wallet,
        party: Party::Server,
        kind: KeyKind::Ecdsa,
        epoch: opening.run.epoch_to_come(opening.ground.epoch.number),
        schema,
        public_key: [0; 33],
    }
}

impl AwaitCommitting {
    /// The opening that this run started with.
    #[must_use]
    pub const fn opening(&self) -> &Opening {
        &self.opening
    }

    /// What was answered to the opening, for a device that the answer did not reach.
    #[must_use]
    pub const fn dealing(&self) -> &Dealing {
        &self.dealing
    }

    /// Associated data for sealing this state.
    #[must_use]
    pub fn aad(opening: &Opening) -> Aad {
        aad(opening, Schema::ECDSA_DEALT)
    }

    /// The record to seal.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (opening, dealing) = (self.opening.to_bytes(), self.dealing.to_bytes());
        let rest = LIBRARY.len() + opening.len() + dealing.len();
        Writer::with_capacity(Kind::EcdsaServerDealt, 2 + 64 + 3 * 4 + rest)
            .var(LIBRARY)
            .fixed(self.ceremony_key.expose().expose())
            .fixed(&*self.own)
            .var(&opening)
            .var(&dealing)
            .finish_secret()
    }

    /// The other direction.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::EcdsaServerDealt)?;
        same_library(&mut reader)?;
        let ceremony_key = SealSecret::new(Secret32::new(reader.array()?));
        let own = read_dealt(&mut reader)?;
        let (opening, dealing) = opened(&mut reader, bytes.len())?;
        reader.finish()?;
        if ceremony_key.public() != dealing.server_key {
            return Err(FaultKind::PublicKey.into());
        }
        Ok(Self {
            opening,
            dealing,
            ceremony_key,
            own,
        })
    }
}

/// What both states have: the run's opening, and the server's own answer to it.
fn opened(reader: &mut Reader<'_>, max: usize) -> Result<(Opening, Dealing), Fault> {
    let opening = Opening::try_from(reader.var(max)?)?;
    let dealing = Dealing::try_from(reader.var(max)?)?;
    dealing.verify(&opening)?;
    Ok((opening, dealing))
}

impl AwaitClosing {
    /// The opening that this run started with.
    #[must_use]
    pub const fn opening(&self) -> &Opening {
        &self.opening
    }

    /// What the server opens.
    pub(super) fn proof(&self) -> ServerProof {
        ServerProof {
            run: self.opening.run,
            commitment: self.own.commitment,
            proof: self.own.proof.clone(),
        }
    }

    /// The answer to the second request again, for a device that it did not reach: to that request and no other, as everybody
    /// committed before the server opened.
    pub fn again(&self, committing: &Committing) -> Result<ServerProof, Fault> {
        self.opening.run.check(committing.run, Party::Device)?;
        if self.committing == *committing {
            Ok(self.proof())
        } else {
            Err(Fault::of(FaultKind::Equivocation, Party::Device))
        }
    }

    /// Associated data for sealing this state.
    #[must_use]
    pub fn aad(opening: &Opening) -> Aad {
        aad(opening, Schema::ECDSA_PROVED)
    }

    /// The record to seal.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (opening, dealing) = (self.opening.to_bytes(), self.dealing.to_bytes());
        let committing = self.committing.to_bytes();
        let rest = LIBRARY.len() + opening.len() + dealing.len() + committing.len();
        let writer = Writer::with_capacity(Kind::EcdsaServerProved, 2 + Own::RECORD + 4 * 4 + rest).var(LIBRARY);
        self.own
            .write(writer)
            .var(&opening)
            .var(&dealing)
            .var(&committing)
            .finish_secret()
    }

    /// The other direction.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::EcdsaServerProved)?;
        same_library(&mut reader)?;
        let own = Own::read(&mut reader)?;
        let (opening, dealing) = opened(&mut reader, bytes.len())?;
        let committing = Committing::try_from(reader.var(bytes.len())?)?;
        reader.finish()?;
        opening.run.check(committing.run, Party::Device)?;
        Ok(Self {
            opening,
            dealing,
            committing,
            own,
        })
    }
}
