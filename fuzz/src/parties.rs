//! Three parties that make a wallet, by the same chance every time.

use std::sync::LazyLock;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use twofold_client::recovery::{AgeOpener, AgeSealer};
use twofold_threshold::create::{
    Closing, Completion, Opening, RecoveryOpening, RecoveryRound, ServerRound, ToRecovery, device, recovery, server,
};
use twofold_threshold::device_list::{Draft, Entry};
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::id::{CeremonyId, RequestDigest, WalletId};
use twofold_threshold::identity::IdentitySecret;
use twofold_threshold::secret::{Secret32, UnlockKey};
use twofold_threshold::words::RecoverySecret;

/// The request that carries a closing.
pub(crate) const REQUEST: RequestDigest = RequestDigest([8; 32]);

/// Who takes part in a run, before it.
pub(crate) struct Parties {
    pub(crate) rng: ChaCha20Rng,
    pub(crate) wallet: WalletId,
    pub(crate) ceremony: CeremonyId,
    pub(crate) server: IdentitySecret,
    pub(crate) device: IdentitySecret,
    pub(crate) recovery: RecoverySecret,
    pub(crate) opener: AgeOpener,
    sealing: SealSecret,
}

impl Parties {
    pub(crate) fn new(run: u8) -> Self {
        // The same people in every run, and another wallet.
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let server = IdentitySecret::generate(&mut rng);
        let device = IdentitySecret::generate(&mut rng);
        let recovery = RecoverySecret::generate(&mut rng);
        Self {
            wallet: WalletId([run; 16]),
            ceremony: CeremonyId([run; 16]),
            server,
            device,
            opener: AgeOpener::new(&recovery).expect("an identity"),
            recovery,
            sealing: SealSecret::generate(&mut rng),
            rng: ChaCha20Rng::seed_from_u64(u64::from(run) + 2),
        }
    }

    pub(crate) fn entry(&self) -> Entry {
        let draft = Draft::first(self.wallet, self.device.public(), self.sealing.public());
        let signature = self.device.sign_raw(&draft.signing_bytes());
        draft.signed(signature).expect("the device's own signature")
    }

    pub(crate) fn start_recovery(&mut self) -> (recovery::AwaitServer, RecoveryOpening) {
        let (server, wallet, ceremony) = (self.server.public(), self.wallet, self.ceremony);
        recovery::begin(&self.recovery, server, wallet, ceremony, &mut self.rng).expect("begins")
    }

    pub(crate) fn start(&mut self, recovery: RecoveryOpening) -> device::Start {
        device::Start {
            ceremony: self.ceremony,
            server: self.server.public(),
            entry: self.entry(),
            unlock: UnlockKey::generate(&mut self.rng),
            recovery,
        }
    }
}

/// The fuzzer's own copy of a key that would travel sealed.
pub(crate) fn copy_of(unlock: &UnlockKey) -> UnlockKey {
    UnlockKey::new(Secret32::new(*unlock.expose().expose()))
}

/// All messages of an honest run, and what its parties would keep.
pub(crate) struct Run {
    pub(crate) recovery_opening: RecoveryOpening,
    pub(crate) opening: Opening,
    pub(crate) round: ServerRound,
    pub(crate) to_recovery: ToRecovery,
    pub(crate) recovery_round: RecoveryRound,
    pub(crate) closing: Closing,
    pub(crate) completion: Completion,
    pub(crate) made: device::Created,
    /// Between the messages: recovery's, the server's and the device's record.
    pub(crate) records: [Vec<u8>; 3],
}

impl Run {
    pub(crate) fn honest(run: u8) -> Self {
        let mut all = Parties::new(run);
        let (r, recovery_opening) = all.start_recovery();
        let recovery_record = r.to_secret_bytes().expect("a record").to_vec();
        let start = all.start(recovery_opening.clone());
        let (d, opening) = start.begin(&mut all.rng).expect("begins");
        let unlock = copy_of(d.unlock());
        let began = server::begin(opening.clone(), &unlock, &all.server, &AgeSealer, &mut all.rng);
        let (s, round) = began.expect("begins");
        let server_record = s.to_secret_bytes().to_vec();
        let (d, to_recovery) = d.receive(round.clone(), &AgeSealer, &mut all.rng).expect("goes on");
        let answered = r.receive(&to_recovery, &AgeSealer, &all.opener, &mut all.rng);
        let (_, recovery_round) = answered.expect("goes on");
        let to_sign = d.receive(recovery_round.clone()).expect("goes on");
        let signature = all.device.sign_raw(&to_sign.signing_bytes());
        let pending = to_sign.signed(signature).expect("the device's own signature");
        let device_record = pending.to_secret_bytes().to_vec();
        let (d, closing) = pending.close(&mut all.rng).expect("closes");
        let (_, completion) = s
            .receive(&closing, &unlock, &REQUEST, &all.server, &mut all.rng)
            .expect("completes");
        let made = d.receive(&completion).expect("makes the wallet");
        Self {
            recovery_opening,
            opening,
            round,
            to_recovery,
            recovery_round,
            closing,
            completion,
            made,
            records: [recovery_record, server_record, device_record],
        }
    }
}

/// An honest run.
pub(crate) static HONEST: LazyLock<Run> = LazyLock::new(|| Run::honest(1));
/// Another one of the same people.
pub(crate) static OTHER: LazyLock<Run> = LazyLock::new(|| Run::honest(2));
