//! What the tests share: real age, a reproducible generator, and a whole ceremony.

use std::{str::FromStr, string::ToString, vec::Vec};

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use zeroize::Zeroizing;

use crate::{
    Fault,
    create::{
        self, Closing, Completion, Opening, RecoveryOpening, RecoveryRound, ServerRound, ToRecovery, device, recovery,
        server,
    },
    device_list::{Draft, Entry},
    envelope::SealSecret,
    id::{CeremonyId, RequestDigest, WalletId},
    identity::IdentitySecret,
    package::{AgeError, OpenAsRecovery, SealToRecovery},
    secret::{Secret32, UnlockKey},
    words::{RecoveryRecipient, RecoverySecret},
};

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// The digest of the request that closes a ceremony.
pub(crate) const REQUEST: RequestDigest = RequestDigest([0x5c; 32]);

/// The age crate, as the client uses it.
pub(crate) struct Age(age::x25519::Identity);

impl Age {
    pub(crate) fn of(secret: &RecoverySecret) -> Self {
        Self(age::x25519::Identity::from_str(&secret.age_identity()).unwrap())
    }
}

pub(crate) struct Sealer;

impl SealToRecovery for Sealer {
    fn seal(&self, recipient: &RecoveryRecipient, plaintext: &[u8]) -> Result<Vec<u8>, AgeError> {
        let recipient = age::x25519::Recipient::from_str(&recipient.to_string()).map_err(|_| AgeError)?;
        age::encrypt(&recipient, plaintext).map_err(|_| AgeError)
    }
}

impl OpenAsRecovery for Age {
    fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgeError> {
        age::decrypt(&self.0, sealed).map(Zeroizing::new).map_err(|_| AgeError)
    }
}

/// Three parties before a ceremony.
pub(crate) struct Parties {
    pub(crate) rng: ChaCha20Rng,
    pub(crate) wallet: WalletId,
    pub(crate) ceremony: CeremonyId,
    pub(crate) server: IdentitySecret,
    pub(crate) device: IdentitySecret,
    pub(crate) recovery: RecoverySecret,
    pub(crate) age: Age,
    pub(crate) sealing: SealSecret,
}

impl Parties {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = rng(seed);
        let recovery = RecoverySecret::generate(&mut rng);
        let seed = u8::try_from(seed).unwrap();
        Self {
            wallet: WalletId([seed; 16]),
            ceremony: CeremonyId([seed; 16]),
            server: IdentitySecret::generate(&mut rng),
            device: IdentitySecret::generate(&mut rng),
            age: Age::of(&recovery),
            recovery,
            sealing: SealSecret::generate(&mut rng),
            rng,
        }
    }

    pub(crate) fn entry(&self) -> Entry {
        let draft = Draft::first(self.wallet, self.device.public(), self.sealing.public());
        let signature = self.device.sign_raw(&draft.signing_bytes());
        draft.signed(signature).unwrap()
    }

    pub(crate) fn start_recovery(&mut self) -> (recovery::AwaitServer, RecoveryOpening) {
        recovery::begin(
            &self.recovery,
            self.server.public(),
            self.wallet,
            self.ceremony,
            &mut self.rng,
        )
        .unwrap()
    }

    pub(crate) fn start_device(&mut self, recovery: RecoveryOpening) -> (device::AwaitServer, Opening) {
        let start = device::Start {
            ceremony: self.ceremony,
            server: self.server.public(),
            entry: self.entry(),
            unlock: UnlockKey::generate(&mut self.rng),
            recovery,
        };
        start.begin(&mut self.rng).unwrap()
    }

    pub(crate) fn start_server(
        &mut self,
        opening: Opening,
        unlock: &UnlockKey,
    ) -> Result<(server::AwaitClosing, ServerRound), Fault> {
        server::begin(opening, unlock, &self.server, &Sealer, &mut self.rng)
    }

    /// The test's own copy of a secret that would travel sealed.
    pub(crate) fn copy_of(unlock: &UnlockKey) -> UnlockKey {
        UnlockKey::new(Secret32::new(*unlock.expose().expose()))
    }

    /// As far as the device has made its state durable.
    pub(crate) fn until_pending(&mut self) -> (device::Pending, ServerSide) {
        let (r, r_opening) = self.start_recovery();
        let (d, opening) = self.start_device(r_opening);
        let unlock = Self::copy_of(d.unlock());
        let (state, round) = self.start_server(opening, &unlock).unwrap();
        let (d, to_recovery) = d.receive(round, &Sealer, &mut self.rng).unwrap();
        let (_, answer) = r.receive(&to_recovery, &Sealer, &self.age, &mut self.rng).unwrap();
        let to_sign = d.receive(answer).unwrap();
        let signature = self.device.sign_raw(&to_sign.signing_bytes());
        (to_sign.signed(signature).unwrap(), ServerSide { state, unlock })
    }

    /// As far as every party is waiting for the last round.
    pub(crate) fn until_closing(&mut self) -> Run {
        let (r, r_opening) = self.start_recovery();
        let (d, opening) = self.start_device(r_opening.clone());
        let unlock = Self::copy_of(d.unlock());
        let (s, round) = self.start_server(opening.clone(), &unlock).unwrap();
        let (d, to_recovery) = d.receive(round.clone(), &Sealer, &mut self.rng).unwrap();
        let (finished, r_round) = r.receive(&to_recovery, &Sealer, &self.age, &mut self.rng).unwrap();
        let to_sign = d.receive(r_round.clone()).unwrap();
        assert_eq!(to_sign.public(), &finished.public);
        let signature = self.device.sign_raw(&to_sign.signing_bytes());
        let pending = to_sign.signed(signature).unwrap();
        let (device, closing) = pending.close(&mut self.rng).unwrap();
        Run {
            server: s,
            device,
            unlock,
            r_opening,
            opening,
            round,
            to_recovery,
            r_round,
            closing,
        }
    }

    /// A whole ceremony.
    pub(crate) fn create(&mut self) -> Wallet {
        let run = self.until_closing();
        let (server, completion) = run
            .server
            .receive(&run.closing, &run.unlock, &REQUEST, &self.server, &mut self.rng)
            .unwrap();
        let device = run.device.receive(&completion).unwrap();
        Wallet {
            server,
            device,
            completion,
        }
    }
}

/// A ceremony before its last round, with all messages so far.
pub(crate) struct Run {
    pub(crate) server: server::AwaitClosing,
    pub(crate) device: device::AwaitCompletion,
    pub(crate) unlock: UnlockKey,
    pub(crate) r_opening: RecoveryOpening,
    pub(crate) opening: Opening,
    pub(crate) round: ServerRound,
    pub(crate) to_recovery: ToRecovery,
    pub(crate) r_round: RecoveryRound,
    pub(crate) closing: Closing,
}

/// A server that waits for the closing.
pub(crate) struct ServerSide {
    state: server::AwaitClosing,
    unlock: UnlockKey,
}

impl ServerSide {
    pub(crate) fn receive(
        self,
        closing: &Closing,
        identity: &IdentitySecret,
        rng: &mut ChaCha20Rng,
    ) -> (server::NewShare, Completion) {
        self.state
            .receive(closing, &self.unlock, &REQUEST, identity, rng)
            .unwrap()
    }
}

/// A wallet.
#[derive(Debug)]
pub(crate) struct Wallet {
    pub(crate) server: create::server::NewShare,
    pub(crate) device: create::device::Created,
    pub(crate) completion: Completion,
}

/// libsecp256k1 on a BIP-340 signature.
pub(crate) fn libsecp(key: &[u8; 32], message: &[u8; 32], signature: &crate::identity::Signature64) -> bool {
    use bitcoin::secp256k1::{Message, Secp256k1, XOnlyPublicKey, schnorr};
    Secp256k1::verification_only()
        .verify_schnorr(
            &schnorr::Signature::from_slice(&signature.0).unwrap(),
            &Message::from_digest(*message),
            &XOnlyPublicKey::from_slice(key).unwrap(),
        )
        .is_ok()
}
