//! A refresh's own cryptography: everything that device and server compute, seal and sign, in memory and one after the
//! other, and nothing that travels or is stored.

use anyhow::{Result, anyhow};
use rand_core::OsRng;
use twofold_client::recovery::{AgeOpener, AgeSealer};
use twofold_threshold::{
    create,
    device_list::{DeviceList, Draft},
    envelope::SealSecret,
    id::{CeremonyId, RequestDigest, WalletId},
    identity::IdentitySecret,
    refresh::{
        Ground,
        device::{NextKey, Start},
        server,
    },
    secret::UnlockKey,
    share::Share,
    words::RecoverySecret,
};

use crate::device::random;

/// A wallet whose device and server are both here.
pub(crate) struct Ceremony {
    server: IdentitySecret,
    device: IdentitySecret,
    seal_key: SealSecret,
    ground: Ground,
    server_share: Share,
    device_share: Share,
}

impl Ceremony {
    /// Makes the wallet.
    pub(crate) fn new() -> Result<Self> {
        let (server, device) = (
            IdentitySecret::generate(&mut OsRng),
            IdentitySecret::generate(&mut OsRng),
        );
        let (sealing, secret) = (SealSecret::generate(&mut OsRng), RecoverySecret::generate(&mut OsRng));
        let opener = AgeOpener::new(&secret).map_err(|_| anyhow!("an age identity"))?;
        let (wallet, ceremony) = (WalletId(random()), CeremonyId(random()));
        let draft = Draft::first(wallet, device.public(), sealing.public());
        let signature = device.sign_raw(&draft.signing_bytes());
        let entry = draft.signed(signature)?;
        let begun = create::recovery::begin(&secret, server.public(), wallet, ceremony, &mut OsRng)?;
        let (recovery, opening) = begun;
        let start = create::device::Start {
            ceremony,
            server: server.public(),
            entry: entry.clone(),
            unlock: UnlockKey::generate(&mut OsRng),
            recovery: opening,
        };
        let (party, opening) = start.begin(&mut OsRng)?;
        let unlock = UnlockKey::new(twofold_threshold::secret::Secret32::new(
            *party.unlock().expose().expose(),
        ));
        let begun = create::server::begin(opening, &unlock, &server, &AgeSealer, &mut OsRng)?;
        let (awaiting, round) = begun;
        let (party, to_recovery) = party.receive(round, &AgeSealer, &mut OsRng)?;
        let (_, from_recovery) = recovery.receive(&to_recovery, &AgeSealer, &opener, &mut OsRng)?;
        let to_sign = party.receive(from_recovery)?;
        let signature = device.sign_raw(&to_sign.signing_bytes());
        let (party, closing) = to_sign.signed(signature)?.close(&mut OsRng)?;
        let request = RequestDigest(random());
        let (new, completion) = awaiting.receive(&closing, &unlock, &request, &server, &mut OsRng)?;
        let created = party.receive(&completion)?;
        let transcript = new.transcript.transcript();
        Ok(Self {
            ground: Ground {
                wallet,
                server: server.public(),
                recovery: *transcript.recovery(),
                list: DeviceList::first(wallet, transcript.recovery().signing, &entry)?,
                public: created.public,
            },
            server,
            device,
            seal_key: SealSecret::generate(&mut OsRng),
            server_share: new.share,
            device_share: created.share,
        })
    }

    /// Refreshes; what comes of it is forgotten.
    pub(crate) fn refresh(&self) -> Result<()> {
        let (list, me) = (&self.ground.list, self.device.public());
        let start = Start {
            ground: self.ground.clone(),
            ceremony: CeremonyId(random()),
            number: self.ground.public.epoch().number + 1,
            device: me,
            server_key: self.seal_key.public(),
            unlock: UnlockKey::generate(&mut OsRng),
        };
        let (party, opening) = start.begin(&mut OsRng)?;
        let answering = server::Start {
            ground: &self.ground,
            share: &self.server_share,
            seal_key: &self.seal_key,
            backup: None,
        };
        let (awaiting, round, _) = answering.begin(opening, &AgeSealer, &mut OsRng)?;
        let secret = SealSecret::generate(&mut OsRng);
        let proposal = NextKey::proposal(list, &me, &secret).signing_bytes();
        let next = NextKey::signed(list, &me, secret, self.device.sign_raw(&proposal))?;
        let to_sign = party.receive(round, &self.device_share, Some(next), &AgeSealer, &mut OsRng)?;
        let signature = self.device.sign_raw(&to_sign.signing_bytes());
        let pending = to_sign.signed(signature)?;
        let (new, completion) = awaiting.receive(&self.ground, &pending.closing(), &self.server)?;
        drop(std::hint::black_box((pending.finish(&completion)?, new)));
        Ok(())
    }
}
