//! A refresh's and a recovery's own cryptography: everything that the parties compute, seal and sign, in memory and one after
//! the other, and nothing that travels or is stored.

use anyhow::{Result, anyhow};
use rand_core::OsRng;
use twofold_api::{
    recovery::mandate,
    shape::{UNFREEZE, unfreezing},
};
use twofold_client::recovery::{AgeOpener, AgeSealer};
use twofold_threshold::{
    create,
    device_list::{Act, Change, DeviceList, Draft, Proposal, Signer},
    envelope::SealSecret,
    id::{CeremonyId, KeyKind, Party, RequestDigest, WalletId},
    identity::IdentitySecret,
    package::{Chain, Opened},
    refresh::{
        Ground,
        device::{NextKey, Start},
        server,
    },
    repair::{Claim, Helpers, first, hub, repaired, second},
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
    secret: RecoverySecret,
    opener: AgeOpener,
    chain: Chain,
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
        let list = vec![entry.to_bytes()];
        Ok(Self {
            chain: Chain::new(created.transcript.clone(), created.package.clone(), list, Vec::new()),
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
            secret,
            opener,
        })
    }

    /// A machine takes the lost one's place: the words open what they sealed, list it, and give it its share with the server; the
    /// lost one is struck off, the freeze ends, and the shares are dealt anew.
    pub(crate) fn recover(&self) -> Result<()> {
        let words = self.secret.identity();
        let opened = self.chain.open(&words.public(), &self.opener)?;
        let (device, sealing) = (IdentitySecret::generate(&mut OsRng), SealSecret::generate(&mut OsRng));
        let me = device.public();
        let mut list = self.ground.list.clone();
        let act = Act::Enrol {
            identity: me,
            sealing: sealing.public(),
        };
        self.speak(&mut list, act, None)?;
        let key = SealSecret::generate(&mut OsRng);
        let claim = Claim {
            wallet: self.ground.wallet,
            ceremony: CeremonyId(random()),
            kind: KeyKind::Taproot,
            epoch: opened.public.epoch(),
            repaired: Party::Device,
            identity: me,
            key: key.public(),
            unlock_digest: opened.contents.unlock.digest(),
            mandate: mandate(&me, &sealing.public()),
        };
        self.repair(&opened, claim, &key)?;
        let stolen = self.device.public().device_id();
        self.speak(&mut list, Act::Revoke(stolen), Some(&device))?;
        let said = unfreezing(self.ground.wallet, 7, &self.seal_key.public());
        let word = words.sign(UNFREEZE, &said);
        words.public().verify(UNFREEZE, &said, &word)?;
        self.refresh()
    }

    /// Recovery signs an entry of the list, with a device or alone, and both sides take it.
    fn speak(&self, list: &mut DeviceList, act: Act, device: Option<&IdentitySecret>) -> Result<()> {
        let proposal = Proposal::new(list, act);
        let bytes = proposal.signing_bytes();
        let signature = self.secret.identity().sign_raw(&bytes);
        let mut entry = proposal.signed(Signer::Recovery, signature);
        if let Some(device) = device {
            entry = entry.countersigned(Signer::Device(device.public()), device.sign_raw(&bytes))?;
        }
        let entry = Change::try_from(entry.to_bytes().as_slice())?;
        list.clone().append(&entry)?;
        list.append(&entry)?;
        Ok(())
    }

    fn repair(&self, opened: &Opened, claim: Claim, key: &SealSecret) -> Result<()> {
        let (words, public, unlock) = (self.secret.identity(), &opened.public, &opened.contents.unlock);
        let helpers = Helpers {
            first: (Party::Recovery, words.public()),
            second: (Party::Server, self.server.public()),
        };
        let to = self.seal_key.public();
        let drafted = first::begin(claim.clone(), helpers, &opened.contents.share, public, &to, &mut OsRng)?;
        let signature = words.sign_raw(&drafted.signing_bytes());
        let (state, opening) = drafted.signed(signature)?;
        let (share, seal_key) = (&self.server_share, &self.seal_key);
        let drafted = second::answer(claim.clone(), helpers, &opening, share, public, seal_key, &mut OsRng)?;
        let signature = self.server.sign_raw(&drafted.signing_bytes());
        let ((), answer) = drafted.signed(signature)?;
        let drafted = state.opened(opening.clone()).receive(&answer, unlock, &mut OsRng)?;
        let signature = words.sign_raw(&drafted.signing_bytes());
        let ((), closing) = drafted.signed(signature)?;
        let carried = hub::AwaitOpening::new(claim.clone(), helpers, public.clone())?
            .receive(opening)?
            .receive(answer)?
            .receive(closing)?;
        let waiting = repaired::AwaitSigmas::new(claim, helpers, public.clone())?;
        drop(std::hint::black_box(waiting.receive(&carried, key)?));
        Ok(())
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
