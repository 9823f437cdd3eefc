//! What a new machine keeps while it takes a lost one's place, and what it sees of the wallet meanwhile.

use core::fmt;

use twofold_api::reason::Reason;
use twofold_api::reply;
use twofold_api::request::GetRecovery;
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::device_list::DeviceList;
use twofold_threshold::envelope::{SealPublic, SealSecret};
use twofold_threshold::id::{DeviceId, WalletId};
use twofold_threshold::package::{Chain, FirstPackage, Opened};
use twofold_threshold::refresh::Link;
use twofold_threshold::secret::Secret32;
use twofold_threshold::share::PublicShares;
use twofold_threshold::transcript::SignedTranscript;
use twofold_threshold::words::RecoverySecret;
use zeroize::Zeroizing;

use super::{AgeOpener, RecoveryFault};
use crate::client::Client;
use crate::fault::{Breach, Fault, Usage};
use crate::keystore::name;
use crate::keystore::record::{Reader, Writer};
use crate::port::{BlobName, KeystoreFault, Platform};
use crate::session::Caution;

const VERSION: u8 = 1;

pub(super) fn item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    name(&format!("recovering-{wallet}"))
}

/// What stands between the machine and the wallet: its seat on the device list.
pub(super) struct Seat {
    pub(super) sealing: SealSecret,
    pub(super) code: Option<[u8; 16]>,
}

/// The wallet as recovery and a new machine see it, all of it verified but who recovery is: that the words say.
pub(super) struct Seen {
    pub(super) public: PublicShares,
    pub(super) chain: Chain,
    pub(super) list: DeviceList,
    pub(super) reply: reply::Recovery,
    pub(super) checkpoint: Checkpoint,
    pub(super) transcript: SignedTranscript,
}

/// The list, its entries, and what the server confirmed of it.
pub(super) type Known = (DeviceList, Vec<Vec<u8>>, Checkpoint);

impl Seen {
    pub(super) fn known(&self) -> Known {
        (
            self.list.clone(),
            self.reply.wallet.device_list.clone(),
            self.checkpoint,
        )
    }
}

impl<P: Platform> Client<P> {
    /// What comes before a wallet is read to take a seat in it: a refresh of this machine's own that was cut short is ended.
    /// Its epoch is the one that counts where the server took it, and with it came the key that the list names for this
    /// machine from then on; a share that was repaired would come without.
    ///
    /// Where that is refused to a machine that was struck off, or at a fence, or nothing that waits opens, or the server
    /// contradicts itself, the words go on: what they bring is all that is left then.
    pub(super) async fn end_refresh(&mut self, wallet: WalletId) -> Result<(), Fault> {
        if !self.has_refresh(wallet).await? {
            return Ok(());
        }
        let mut records = self.records().await?.into_iter();
        let Some(record) = records.find(|record| record.wallet == wallet) else {
            return Ok(());
        };
        let mut wallet = self.open_record(record).await?;
        match self.catch_up(&mut wallet).await {
            Err(Fault::Usage(Usage::LeftBehind { .. })) => Ok(()),
            Err(Fault::Breach(_)) if wallet.in_doubt => Ok(()),
            Err(fault) if matches!(fault.reason(), Some(Reason::DeviceNotListed | Reason::RestoreFence)) => Ok(()),
            ended => ended,
        }
    }

    /// This machine's sealing key for the wallet, the same in each run: what waits is for exactly this machine.
    pub(super) async fn seat(&mut self, wallet: WalletId, code: Option<[u8; 16]>) -> Result<Seat, Fault> {
        let item = item(wallet)?;
        let kept = match self.keys.load(&item).await? {
            Some(bytes) => Some(Seat::parse(item.as_str(), &bytes)?),
            None => None,
        };
        let code = code.or(kept.as_ref().and_then(|seat| seat.code));
        // Once the wallet is here its key counts: it may have taken the place of the one that was asked with.
        let here = self.records().await?.into_iter().find(|record| record.wallet == wallet);
        let sealing = here.map(|record| record.sealing).or(kept.map(|seat| seat.sealing));
        if let Some(sealing) = sealing {
            return Ok(Seat { sealing, code });
        }
        let seat = Seat {
            sealing: SealSecret::generate(&mut self.random),
            code,
        };
        self.keys.save(&item, &seat.to_bytes(), &mut self.random).await?;
        Ok(seat)
    }

    /// The code that goes along: none where a token does.
    pub(super) fn pass(&self, code: Option<[u8; 16]>) -> Option<[u8; 16]> {
        code.filter(|_| self.session.authorization.is_none())
    }

    /// Reads the wallet by recovery's word for it, and verifies all that is told of it: a server can leave things out, but
    /// invent none.
    pub(super) async fn see(
        &mut self,
        wallet: WalletId,
        code: Option<[u8; 16]>,
        recovery: [u8; 64],
    ) -> Result<Seen, Fault> {
        let seen = self.see_by(wallet, code, recovery, |chain| Ok((chain.public()?, ())));
        seen.await.map(|(seen, ())| seen)
    }

    /// The same where the words are here, and what they open: the way there is walked once.
    pub(super) async fn see_open(
        &mut self,
        wallet: WalletId,
        code: Option<[u8; 16]>,
        recovery: [u8; 64],
        secret: &RecoverySecret,
    ) -> Result<(Seen, Opened), Fault> {
        let age = AgeOpener::new(secret).map_err(|_| RecoveryFault::OtherWords)?;
        let words = secret.identity().public();
        let seen = self.see_by(wallet, code, recovery, |chain| {
            let opened = chain.open(&words, &age)?;
            Ok((opened.public.clone(), opened))
        });
        seen.await
    }

    async fn see_by<T>(
        &mut self,
        wallet: WalletId,
        code: Option<[u8; 16]>,
        recovery: [u8; 64],
        walk: impl FnOnce(&Chain) -> Result<(PublicShares, T), twofold_threshold::Fault>,
    ) -> Result<(Seen, T), Fault> {
        let code = self.pass(code);
        let request = GetRecovery { wallet, code, recovery };
        let (reply, checkpoint) = self.call(&request, None, Caution::Stop).await?;
        let checkpoint = checkpoint.ok_or(Breach::Checkpoint)?;
        let told = &reply.wallet;
        let [package, transcript, links @ ..] = told.package.as_slice() else {
            return Err(RecoveryFault::Incomplete.into());
        };
        let transcript = SignedTranscript::try_from(transcript.as_slice()).map_err(RecoveryFault::Package)?;
        let package = FirstPackage::try_from(package.as_slice()).map_err(RecoveryFault::Package)?;
        let links = links.iter().map(|link| Link::try_from(link.as_slice()));
        let links = links.collect::<Result<Vec<_>, _>>().map_err(RecoveryFault::Package)?;
        let t = transcript.transcript();
        if t.wallet() != wallet || *t.server() != self.session.server {
            return Err(RecoveryFault::OtherWallet.into());
        }
        let list = DeviceList::verify(wallet, t.recovery().signing, &told.device_list)
            .map_err(|_| RecoveryFault::Incomplete)?;
        let chain = Chain::new(transcript.clone(), package, told.device_list.clone(), links);
        let (public, walked) = walk(&chain).map_err(RecoveryFault::Package)?;
        // What the server signed of the wallet is what it tells.
        let head = checkpoint
            .verify(&self.session.server)
            .map_err(|_| Breach::Checkpoint)?;
        if head.list != *list.head() || head.epoch != public.epoch() {
            return Err(RecoveryFault::Incomplete.into());
        }
        let seen = Seen {
            public,
            chain,
            list,
            reply,
            checkpoint,
            transcript,
        };
        Ok((seen, walked))
    }
}

impl Seat {
    /// The key that the list names for this machine, or will: one that is listed may have taken a newer one since.
    pub(super) fn listed_sealing(&self, list: &DeviceList, device: DeviceId) -> SealPublic {
        let listed = list.device(device);
        listed.map_or_else(|| self.sealing.public(), |device| *device.sealing())
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Writer::new(VERSION)
            .fixed(self.sealing.expose().expose())
            .optional(self.code.as_ref().map(<[u8; 16]>::as_slice))
            .finish()
    }

    fn parse(item: &str, bytes: &[u8]) -> Result<Self, KeystoreFault> {
        let mut reader = Reader::new(item, bytes, VERSION)?;
        let sealing = SealSecret::new(Secret32::new(reader.array()?));
        let code = reader.optional()?.map(<[u8; 16]>::try_from).transpose();
        let code = code.map_err(|_| reader.damaged())?;
        reader.finish()?;
        Ok(Self { sealing, code })
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seat(redacted)")
    }
}
