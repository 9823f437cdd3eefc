//! The test signature of a create ceremony: made with the bare group key, over a message that can be no sighash.

use rand_core::{CryptoRng, RngCore};

use super::{
    device::{finish, verify_share},
    nonce::{Hedge, OneNonce, and_wipe},
    reply::{Commitment, SignatureShare, signing_package},
    verify::verify_bip340,
};
use crate::{
    Fault, hash,
    id::{EpochId, Party, RequestDigest},
    identity::{IdentityKey, Signature64},
    share::{PublicShares, Share, key_package},
};

/// A tagged hash under a tag of ours: no transaction and no message of a user's has it as its digest.
pub(crate) fn test_message(epoch: EpochId) -> [u8; 32] {
    hash::tagged("twofold/create-test", &[&epoch.number.to_be_bytes(), &epoch.transcript])
}

/// The server's half.
pub(crate) fn server_test_share(
    share: &Share,
    public: &PublicShares,
    device: &Commitment,
    request: &RequestDigest,
    identity: &IdentityKey,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(Commitment, SignatureShare), Fault> {
    share.check_epoch(public)?;
    let frost = public.package()?;
    let message = test_message(public.epoch());
    // The nonce is made for this one request and this commitment in it: asked again, it is another.
    let digest = hash::tagged(
        "twofold/create-test-request",
        &[&request.0, &message, &device.to_bytes()],
    );
    and_wipe(|| {
        let identity = identity.to_bytes();
        let nonce = OneNonce::new(
            share,
            Hedge {
                identity: &identity,
                index: 0,
                digest: &digest,
            },
            rng,
        )?;
        let commitment = nonce.commitment();
        let package = signing_package((share.party(), &commitment), (Party::Device, device), &message);
        let key = key_package(share.party(), share.scalar(), &frost)?;
        Ok((commitment, nonce.sign(&package, &key)?))
    })
}

/// The device's half, waiting for the server's.
#[derive(Debug)]
pub(crate) struct DeviceTest(OneNonce);

impl DeviceTest {
    pub(crate) fn new(
        share: &Share,
        identity: &IdentityKey,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, Commitment), Fault> {
        let digest = test_message(share.epoch());
        let identity = identity.to_bytes();
        let nonce = and_wipe(|| {
            OneNonce::new(
                share,
                Hedge {
                    identity: &identity,
                    index: 0,
                    digest: &digest,
                },
                rng,
            )
        })?;
        let commitment = nonce.commitment();
        Ok((Self(nonce), commitment))
    }

    pub(crate) fn finish(
        self,
        share: &Share,
        public: &PublicShares,
        server: &Commitment,
        theirs: &SignatureShare,
    ) -> Result<Signature64, Fault> {
        let frost = public.package()?;
        let ours = self.0.commitment();
        let package = signing_package(
            (Party::Server, server),
            (share.party(), &ours),
            &test_message(public.epoch()),
        );
        verify_share(Party::Server, theirs, &package, &frost)?;
        let ours = and_wipe(|| {
            self.0
                .sign(&package, &key_package(share.party(), share.scalar(), &frost)?)
        })?;
        finish(&package, (share.party(), ours), (Party::Server, *theirs), &frost)
    }
}

impl PublicShares {
    /// Checks a create ceremony's test signature: the proof that the device finished.
    pub fn verify_test_signature(&self, signature: &Signature64) -> Result<(), Fault> {
        let mut key = [0; 32];
        key.copy_from_slice(&self.group_key()[1..]);
        verify_bip340(&key, &test_message(self.epoch()), signature).map_err(|fault| fault.by(Party::Device))
    }
}
