//! Adding a machine: the one that is in the wallet shows an introduction, the new one answers with its card, and the share
//! is sealed to exactly the keys on that card.
//!
//! A person carries both texts, so a server vouches for no key: what it swaps, the one side or the other refuses.

use rand_core::RngCore as _;
use twofold_api::invitation::Invitation;
use twofold_api::pairing::{Card, Introduction};
use twofold_api::reason::Reason;
use twofold_api::request::{GetShape, GetWallet, InviteDevice, Name};
use twofold_threshold::device_list::{Act, Change, DeviceList, Entry, Parcel, Signer};
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::id::WalletId;
use twofold_threshold::identity::{IdentityKey, Signature64};
use twofold_threshold::refresh::Link;
use twofold_threshold::secret::Secret32;
use twofold_threshold::transcript::SignedTranscript;
use twofold_threshold::words::RecoverySecret;

use super::Outcome;
use crate::client::Client;
use crate::devices::KnownList;
use crate::fault::{Breach, Fault, Usage};
use crate::join::Money;
use crate::keystore::record::{Reader, Writer};
use crate::keystore::{Unlocked, name};
use crate::port::{BlobName, KeystoreFault, Platform};
use crate::session::Caution;
use crate::wallet::{Record, Standing, Wallet};

const VERSION: u8 = 1;
const PREFIX: &str = "joining-";

/// What became of a wallet that this machine waits to be added to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// The wallet is here, under this name.
    Arrived {
        /// Its id.
        wallet: WalletId,
        /// What it is called.
        name: String,
    },
    /// Nobody has added this machine yet; its card, to be shown again.
    NotYet(Card),
}

/// What this machine keeps while it waits.
pub(super) struct Joining {
    pub(super) wallet: WalletId,
    /// The device that introduced it.
    pub(super) from: IdentityKey,
    pub(super) sealing: SealSecret,
}

fn item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    name(&format!("{PREFIX}{wallet}"))
}

impl Joining {
    fn parse(item: &str, bytes: &[u8]) -> Result<Self, KeystoreFault> {
        let mut reader = Reader::new(item, bytes, VERSION)?;
        let wallet = WalletId(reader.array()?);
        let from = IdentityKey::try_from(reader.var()?).map_err(|_| reader.damaged())?;
        let sealing = SealSecret::new(Secret32::new(reader.array()?));
        reader.finish()?;
        Ok(Self { wallet, from, sealing })
    }
}

impl<P: Platform> Client<P> {
    /// Makes an introduction for another machine of the same person. It gives that machine no part in the wallet: that
    /// takes [`Self::enrol_device`] with the machine's card.
    pub async fn introduce(&mut self, wallet: &mut Wallet) -> Result<Introduction, Fault> {
        self.stand_undoubted(wallet).await?;
        let outcome = self
            .ask_anew(wallet, Caution::Stop, |wallet, checkpoint| InviteDevice {
                wallet,
                checkpoint,
            })
            .await;
        let (invited, newest) = self.heed_doubt(wallet, outcome).await?;
        self.note_checkpoint(wallet, newest).await?;
        let server = &self.home.server;
        Ok(Introduction {
            wallet: wallet.id(),
            device: *self.session.device_key(),
            invitation: Invitation {
                url: server.url.clone(),
                trust: server.trust,
                server: server.identity,
                code: invited.code,
                expires: invited.expires,
            },
        })
    }

    /// Adds the machine whose card this is, or asks for it. The card must come from that machine by the person's own
    /// hands: the share is sealed to it.
    pub async fn enrol_device(
        &mut self,
        wallet: &mut Wallet,
        card: &Card,
        words: Option<&RecoverySecret>,
    ) -> Result<Outcome, Fault> {
        if card.wallet != wallet.id() {
            return Err(Usage::CardOfAnother.into());
        }
        // Added before, by a run that was cut short or by another machine.
        if self
            .device_list(wallet)
            .await?
            .device(card.identity.device_id())
            .is_some()
        {
            return Ok(Outcome::Done);
        }
        let act = Act::Enrol {
            identity: card.identity,
            sealing: card.sealing,
        };
        self.change_devices(wallet, act, words).await
    }

    /// Joins by another machine's introduction, and gives the card to be carried back. Safe to run again.
    pub async fn join_wallet(
        keys: Unlocked<P::Keystore>,
        transport: P::Transport,
        clock: P::Clock,
        random: P::Random,
        introduction: &Introduction,
        device_name: &Name,
        money: Money,
    ) -> Result<(Self, Card), Fault> {
        let invitation = &introduction.invitation;
        let mut client = Self::join_for(keys, transport, clock, random, invitation, device_name, money).await?;
        let card = client.wait_for(introduction).await?;
        Ok((client, card))
    }

    /// Keeps who introduced this machine, and draws the key that the share is to be sealed to, once.
    async fn wait_for(&mut self, introduction: &Introduction) -> Result<Card, Fault> {
        let item = item(introduction.wallet)?;
        if let Some(bytes) = self.keys.load(&item).await? {
            let known = Joining::parse(item.as_str(), &bytes)?;
            if known.from == introduction.device {
                return Ok(self.card(&known));
            }
        }
        let mut secret = [0; 32];
        self.random.fill_bytes(&mut secret);
        let joining = Joining {
            wallet: introduction.wallet,
            from: introduction.device,
            sealing: SealSecret::new(Secret32::new(secret)),
        };
        self.keep_joining(&joining).await?;
        Ok(self.card(&joining))
    }

    /// Keeps what this machine waits for.
    pub(super) async fn keep_joining(&mut self, joining: &Joining) -> Result<(), Fault> {
        let bytes = Writer::new(VERSION)
            .fixed(&joining.wallet.0)
            .var(&joining.from.to_bytes())
            .fixed(joining.sealing.expose().expose())
            .finish();
        Ok(self.keys.save(&item(joining.wallet)?, &bytes, &mut self.random).await?)
    }

    pub(super) fn card(&self, joining: &Joining) -> Card {
        Card {
            wallet: joining.wallet,
            identity: *self.session.device_key(),
            sealing: joining.sealing.public(),
        }
    }

    /// Looks whether the machine that introduced this one has added it, and takes the wallet in.
    pub async fn arrive(&mut self) -> Result<Vec<Arrival>, Fault> {
        // Kept off the caller's stack: it holds the state of several calls.
        Box::pin(self.take_all_in()).await
    }

    async fn take_all_in(&mut self) -> Result<Vec<Arrival>, Fault> {
        let mut arrivals = Vec::new();
        for item in self.keys.names(PREFIX).await? {
            let Some(bytes) = self.keys.load(&item).await? else {
                continue;
            };
            let joining = Joining::parse(item.as_str(), &bytes)?;
            let arrival = match self.take_in(&joining).await? {
                Some(mut wallet) => {
                    self.keys.remove(&item).await?;
                    self.replace_sealing(&mut wallet).await?;
                    Arrival::Arrived {
                        wallet: joining.wallet,
                        name: wallet.record.name,
                    }
                }
                None => Arrival::NotYet(self.card(&joining)),
            };
            arrivals.push(arrival);
        }
        Ok(arrivals)
    }

    /// Takes a wallet in, everything held against what the introducing device signed; none where this machine is not
    /// listed yet.
    async fn take_in(&mut self, joining: &Joining) -> Result<Option<Wallet>, Fault> {
        let wallet = joining.wallet;
        let request = GetWallet {
            wallet,
            checkpoint: None,
        };
        let (told, newest) = match self.call(&request, None, Caution::Stop).await {
            Ok(told) => told,
            Err(fault) if fault.reason() == Some(Reason::DeviceNotListed) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let request = GetShape {
            wallet,
            checkpoint: None,
        };
        let (shape, _) = self.call(&request, None, Caution::Stop).await?;
        let own = *self.session.device_key();
        let transcript = told.package.get(1).map(Vec::as_slice).unwrap_or_default();
        let recovery = SignedTranscript::try_from(transcript)?.transcript().recovery().signing;
        let list = DeviceList::verify(wallet, recovery, &told.device_list).map_err(Breach::DeviceList)?;
        let sealing = list.device(own.device_id()).map(|device| *device.sealing());
        let used_up = shape.parcel.is_empty() || sealing != Some(joining.sealing.public());
        if used_up && let Some(taken) = self.taken_in(joining).await? {
            return Ok(Some(taken));
        }
        if shape.parcel.is_empty() {
            return Err(Usage::NoParcel.into());
        }
        let place = introduced(&told.device_list, &joining.from, &own).ok_or(Breach::ForeignParcel)?;
        let before = DeviceList::verify(wallet, recovery, &told.device_list[..place]).map_err(Breach::DeviceList)?;
        if sealing != Some(joining.sealing.public()) {
            return Err(Breach::ForeignParcel.into());
        }
        // Whoever of the listed devices had the last word has left it, or the one that introduced us and may be off the list
        // since.
        let parcel = Parcel::try_from(shape.parcel.as_slice()).map_err(|_| Breach::ForeignParcel)?;
        let listed = list
            .devices()
            .iter()
            .map(twofold_threshold::device_list::Device::identity);
        let opened = listed
            .chain([&joining.from])
            .find_map(|sender| parcel.open(wallet, sender, &own, &joining.sealing).ok())
            .filter(|opened| opened.recovery == *before.recovery() && opened.list == *before.head())
            .ok_or(Breach::ForeignParcel)?;
        let generation = self.generation(newest.as_ref())?;
        let known = KnownList::verified(told.device_list.clone(), list, generation);
        let (record, since) = self.record_of(joining, &told, opened, known.clone())?;
        self.draw_sealing(wallet).await?;
        self.save_record(&record).await?;
        let mut taken = self.open_record(record).await?;
        // The shares were dealt anew since it was added: that was sealed to it as to any device of the list.
        for link in since {
            self.follow(&mut taken, link, known.clone()).await?;
        }
        taken.record.epochs()?.public()?;
        Ok(Some(taken))
    }

    /// The wallet, where a run that was cut short has taken it in and another command has used up what the introduction was
    /// for: its list has the entry that names the key of the card.
    async fn taken_in(&self, joining: &Joining) -> Result<Option<Wallet>, Fault> {
        let (own, key) = (self.session.device_key(), joining.sealing.public());
        let lists_us = |entry: &Vec<u8>| {
            Change::try_from(entry.as_slice()).is_ok_and(
                |change| matches!(change.act(), Act::Enrol { identity, sealing } if identity == own && *sealing == key),
            )
        };
        let here = |record: &Record| record.wallet == joining.wallet && record.list.entries().iter().any(lists_us);
        match self.records().await?.into_iter().find(here) {
            Some(record) => self.open_record(record).await.map(Some),
            None => Ok(None),
        }
    }

    /// The wallet at the epoch of the parcel, and the refreshes since then.
    fn record_of(
        &self,
        joining: &Joining,
        told: &twofold_api::reply::Wallet,
        opened: twofold_threshold::device_list::Opened,
        list: KnownList,
    ) -> Result<(Record, Vec<Link>), Fault> {
        let [package, transcript] = told
            .package
            .get(..2)
            .and_then(|two| <&[_; 2]>::try_from(two).ok())
            .ok_or(Breach::OtherWallet)?;
        let signed = SignedTranscript::try_from(transcript.as_slice())?;
        let first = signed.transcript();
        let entry = told.device_list.first().ok_or(Breach::OtherWallet)?;
        let listed = Entry::try_from(entry.as_slice())?;
        let same = first.wallet() == joining.wallet
            && first.device() == listed.identity()
            && *first.device_list_head() == listed.head()
            && first.public_shares()?.group_key() == opened.public.group_key()
            && first.public_shares()?.chain_code() == opened.public.chain_code();
        if !same {
            return Err(Breach::OtherWallet.into());
        }
        let links = told.package.get(2..).unwrap_or_default().iter();
        let mut links: Vec<_> = links
            .map(|link| Link::try_from(link.as_slice()))
            .collect::<Result<_, _>>()?;
        let at = |link: &Link| link.signed().transcript().epoch() == opened.public.epoch();
        let first_epoch = opened.public.epoch() == first.public_shares()?.epoch();
        let until = match links.iter().position(at) {
            Some(place) => place + 1,
            None if first_epoch => 0,
            None => return Err(Breach::OtherWallet.into()),
        };
        let since = links.split_off(until);
        let name: Name = told.line.name.parse()?;
        let record = Record {
            wallet: joining.wallet,
            name: name.as_str().to_owned(),
            chain: self.joined()?.chain,
            birthday: told.birthday,
            standing: Standing::Active,
            share: opened.share,
            public: opened.public,
            unlock: opened.unlock,
            // The device that made the wallet showed it to the server long ago.
            test_signature: Signature64([0; 64]),
            list,
            sealing: SealSecret::new(Secret32::new(*joining.sealing.expose().expose())),
            transcript: transcript.clone(),
            package: package.clone(),
            links: links.into_iter().map(|link| link.for_recovery().to_bytes()).collect(),
            kept: Vec::new(),
            words: None,
            checkpoint: None,
        };
        // Every refresh before it leads there from the first transcript. What recovery sealed may be of a later one.
        if record.epochs()?.newest()? != record.public {
            return Err(Breach::OtherWallet.into());
        }
        Ok((record, since))
    }
}

/// The place of the entry that lists this device, if the device that introduced it signed that entry. So all before it is
/// the list that the introducing device had verified, down to the device that made the wallet: a server that made up
/// another list has no such entry.
fn introduced(entries: &[Vec<u8>], from: &IdentityKey, own: &IdentityKey) -> Option<usize> {
    entries.iter().position(|entry| {
        Change::try_from(entry.as_slice()).is_ok_and(|change| {
            let lists_us = matches!(change.act(), Act::Enrol { identity, .. } if identity == own);
            lists_us && change.signers().any(|signer| *signer == Signer::Device(*from))
        })
    })
}
