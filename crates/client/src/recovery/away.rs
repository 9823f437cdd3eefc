//! A device was lost, and the words are on another machine, offline too: this machine takes its place without ever seeing
//! them. Two files pass for the asking and two for the share.
//!
//! ```text
//! this machine                              words
//!   recover --ask  -> request ------------->  continue    shows wallet, server, machine
//!   continue      <- answer <----------------              may read; asks that this machine take a lost one's place
//!     (server: the wallet is read, and waits)
//!   recover --ask  -> request ------------->  continue    shows the wallet's fingerprint as well
//!   continue      <- answer <----------------              its part of the share, the entry, its voice for what follows
//!     (server: repairs the share; others are struck off; a refresh)
//! ```
//!
//! | reached | what the keystore holds | what running again does |
//! |---|---|---|
//! | asked the words | the errand: keys to answer to | writes the same request again |
//! | they answered | their word to read, and their wish | asks the server for the same, and waits no longer |
//! | the wait is over | the same | asks the words for their part |
//! | they answered again | the same; the answer is the file | repairs, once more where it was cut short |
//! | the share is here | the wallet, and the errand until all is settled | goes on with what is left |
//!
//! The words leave to this machine what they wait with as the first helper of the repair, so that the server's answer need
//! not go back to them ([`twofold_threshold::repair::repaired::AwaitSigmas::receive_left`]). What they leave is of no use
//! without the server's answer, which comes when the wait is over and not before.

mod errand;

use twofold_api::reason::Reason;
use twofold_api::request::Recover;
use twofold_threshold::device_list::{Act, Change, Device};
use twofold_threshold::id::{DeviceId, KeyKind, Party, WalletId};
use twofold_threshold::repair::{Answer as RepairAnswer, Claim, Helpers, Signed, first, repaired};

use self::errand::{Errand, Granted};
use super::RecoveryFault;
use super::recover::{Recovered, Wait};
use super::seat::{Seat, Seen};
use super::voice::{self, Answer, Ask, Given, Part, Place, Sealed, Told, Want};
use crate::client::Client;
use crate::devices::Outcome;
use crate::fault::{Fault, Usage};
use crate::port::Platform;
use crate::session::Caution;
use crate::wallet::Wallet;

/// How far a recovery by files has come.
#[derive(Debug)]
pub enum Away {
    /// A request for the words' machine.
    Ask {
        /// The file.
        file: String,
        /// The wallet's short fingerprint, where it is known.
        fingerprint: Option<String>,
    },
    /// The wait is not over, or a device objects and the operator has not decided.
    Waits(Wait),
    /// The wait is over: the words are asked for their part next.
    Ready {
        /// The wallet's short fingerprint.
        fingerprint: String,
    },
    /// The wallet is on this machine.
    Done(Box<Settled>),
}

/// A wallet that has come back, and what became of the other devices.
#[derive(Debug)]
pub struct Settled {
    /// The wallet, open.
    pub wallet: Wallet,
    /// The devices that were struck off.
    pub revoked: Vec<DeviceId>,
    /// Those that are to be struck off still: each takes the words' voice.
    pub left: Vec<DeviceId>,
    /// The wallet is still frozen: that ends when nobody is left to be struck off.
    pub frozen: bool,
}

impl<P: Platform> Client<P> {
    /// This machine's fingerprint, to be compared with what the words' machine shows.
    #[must_use]
    pub fn machine(&self) -> String {
        voice::machine(self.session.device_key())
    }

    /// What is to be done next to take a lost device's place with words that are on another machine. `keep` names devices
    /// that are not lost, by the beginning of their ids.
    pub async fn recover_away(
        &mut self,
        wallet: WalletId,
        code: Option<[u8; 16]>,
        keep: &[String],
    ) -> Result<Away, Fault> {
        Box::pin(self.next_errand(wallet, code, keep)).await
    }

    async fn next_errand(&mut self, wallet: WalletId, code: Option<[u8; 16]>, keep: &[String]) -> Result<Away, Fault> {
        let known = self.load_errand(wallet).await?;
        if known.is_none()
            && let Some(record) = self.records().await?.into_iter().find(|record| record.wallet == wallet)
        {
            let wallet = self.open_record(record).await?;
            return Ok(Away::Done(Box::new(Settled::nothing(wallet))));
        }
        self.end_refresh(wallet).await?;
        let seat = self.seat(wallet, code).await?;
        let mut errand = known.unwrap_or_else(|| Errand::begin(&mut self.random));
        if !keep.is_empty() {
            errand.keep = keep.iter().map(|name| name.clone().into_bytes()).collect();
        }
        self.save_errand(wallet, &errand).await?;
        let Some(granted) = errand.granted.clone() else {
            return self.begin(wallet, &errand, &seat);
        };
        let seen = match self.see(wallet, seat.code, granted.read).await {
            // Other words took their place since: those have said nothing yet.
            Err(fault) if fault.reason() == Some(Reason::NotRecovery) => {
                return self.begin(wallet, &errand, &seat);
            }
            seen => seen?,
        };
        if let Some(wait) = self.away_waits(wallet, &seat, &seen, &granted).await? {
            return Ok(Away::Waits(wait));
        }
        let missing = self.share_of(wallet, &seen).await?.is_none();
        let lost = errand.lost(&seen.list, self.session.device_id())?;
        if !missing && lost.is_empty() && seen.reply.wallet.frozen.is_none() {
            return self.settle_away(&errand, &seen, None).await;
        }
        let offer = *self.seal_key().await?.offer();
        let place = Place {
            told: Told {
                name: seen.reply.wallet.line.name.clone(),
                chain: self.joined()?.chain,
                epochs: seen.chain.clone(),
            },
            sealing: seat.listed_sealing(&seen.list, self.session.device_id()),
            offer,
            share: missing.then(|| errand.share.public()),
            strike: lost.first().copied(),
            // Nobody who is to be struck off signs in between.
            frozen: seen.reply.wallet.frozen.filter(|_| lost.len() <= 1),
        };
        let file = self.request(wallet, &errand, Want::Place(Box::new(place)))?;
        Ok(Away::Ask {
            file,
            fingerprint: Some(seen.public.fingerprint()),
        })
    }

    /// The first request.
    fn begin(&self, wallet: WalletId, errand: &Errand, seat: &Seat) -> Result<Away, Fault> {
        let sealing = seat.sealing.public();
        let file = self.request(wallet, errand, Want::Begin { sealing })?;
        Ok(Away::Ask {
            file,
            fingerprint: None,
        })
    }

    /// Takes an answer of the words.
    pub async fn recover_answered(&mut self, answer: &str) -> Result<(WalletId, Away), Fault> {
        Box::pin(self.take_answer(answer)).await
    }

    async fn take_answer(&mut self, answer: &str) -> Result<(WalletId, Away), Fault> {
        let sealed = Sealed::read(answer)?;
        let wallet = sealed.wallet;
        let mut errand = self.load_errand(wallet).await?.ok_or(RecoveryFault::NotAsked)?;
        let answer = sealed.open(errand.id, &errand.key)?;
        self.end_refresh(wallet).await?;
        let seat = self.seat(wallet, None).await?;
        let away = match (answer, errand.granted.clone()) {
            (Answer::Begin { read, wish }, _) => {
                let granted = Granted { read, wish };
                // Seen before it is kept: an answer that the server does not take leaves what was there.
                let seen = self.see(wallet, seat.code, read).await?;
                errand.granted = Some(granted.clone());
                self.save_errand(wallet, &errand).await?;
                match self.away_waits(wallet, &seat, &seen, &granted).await? {
                    Some(wait) => Away::Waits(wait),
                    None => Away::Ready {
                        fingerprint: seen.public.fingerprint(),
                    },
                }
            }
            (Answer::Place(given), Some(granted)) => self.take_place(&errand, seat, &granted, *given).await?,
            _ => return Err(RecoveryFault::NotAsked.into()),
        };
        Ok((wallet, away))
    }

    /// What there is to wait for, where this machine is not on the list.
    async fn away_waits(
        &mut self,
        wallet: WalletId,
        seat: &Seat,
        seen: &Seen,
        granted: &Granted,
    ) -> Result<Option<Wait>, Fault> {
        if seen.list.device(self.session.device_id()).is_some() {
            return Ok(None);
        }
        let wish = Change::try_from(granted.wish.as_slice()).map_err(RecoveryFault::Package)?;
        seen.list.judge_wish(&wish).map_err(Usage::DeviceList)?;
        self.asked(wallet, seat, seen, &wish).await
    }

    async fn take_place(
        &mut self,
        errand: &Errand,
        seat: Seat,
        granted: &Granted,
        mut given: Given,
    ) -> Result<Away, Fault> {
        let wallet = seat_wallet(granted)?;
        let mut seen = self.see(wallet, seat.code, granted.read).await?;
        if let Some(wait) = self.away_waits(wallet, &seat, &seen, granted).await? {
            return Ok(Away::Waits(wait));
        }
        if self.share_of(wallet, &seen).await?.is_none() {
            let part = given.part.take().ok_or(RecoveryFault::AskAgain { wallet })?;
            let repaired = match self.repair_away(errand, &seat, &seen, given.entry.take(), part).await {
                Ok(repaired) => repaired,
                Err(fault) => {
                    let stale = [Reason::StaleSealKey, Reason::ListChanged, Reason::StaleEpoch];
                    if fault.reason().is_some_and(|reason| stale.contains(&reason)) {
                        return Err(RecoveryFault::AskAgain { wallet }.into());
                    }
                    let still = self.waits_still(wallet, seat.code, granted.read, fault).await;
                    return still.map(Away::Waits);
                }
            };
            let record = self.record_of_share(seat, &seen, repaired)?;
            self.save_record(&record).await?;
            seen = self.see(wallet, None, granted.read).await?;
        }
        self.settle_away(errand, &seen, Some(given)).await
    }

    /// The server and what the words left give this machine its share.
    async fn repair_away(
        &mut self,
        errand: &Errand,
        seat: &Seat,
        seen: &Seen,
        entry: Option<Vec<u8>>,
        part: Part,
    ) -> Result<repaired::Repaired, Fault> {
        let (wallet, public) = (seen.list.wallet(), &seen.public);
        let device = *self.session.device_key();
        let sealing = seat.listed_sealing(&seen.list, self.session.device_id());
        let helpers = Helpers {
            first: (Party::Recovery, *seen.list.recovery()),
            second: (Party::Server, self.session.server),
        };
        // Of another epoch, or of a list that this machine was not on yet: the words have to look again.
        let stale = |_| RecoveryFault::AskAgain { wallet };
        let left = first::AwaitAnswer::from_secret_bytes(&part.left, helpers, public).map_err(stale)?;
        let claim = Claim {
            wallet,
            ceremony: left.claim().ceremony,
            kind: KeyKind::Taproot,
            epoch: public.epoch(),
            repaired: Party::Device,
            identity: device,
            key: errand.share.public(),
            unlock_digest: part.unlock.digest(),
            mandate: twofold_api::recovery::mandate(&device, &sealing),
        };
        let listed = seen.list.device(self.session.device_id()).is_some();
        let request = Recover {
            wallet,
            entry: entry.filter(|_| !listed).unwrap_or_default(),
            opening: part.opening,
            unlock: part.to_server,
        };
        let (reply, _) = self.call(&request, None, Caution::Stop).await?;
        let answer = Signed::<RepairAnswer>::try_from(reply.answer.as_slice())?;
        let waiting = repaired::AwaitSigmas::new(claim, helpers, public.clone())?;
        Ok(waiting.receive_left(left, &answer, part.unlock, &errand.share)?)
    }

    /// Strikes off who is lost, ends the freeze, deals the shares anew: as far as the words have spoken for it.
    async fn settle_away(&mut self, errand: &Errand, seen: &Seen, given: Option<Given>) -> Result<Away, Fault> {
        let id = seen.list.wallet();
        let record = self.share_of(id, seen).await?;
        let record = record.ok_or(RecoveryFault::AskAgain { wallet: id })?;
        let Recovered { mut wallet, .. } = self.recovered(record, seen.known()).await?;
        let me = self.session.device_id();
        let (strike, frozen) = given.map_or((None, None), |given| (given.strike, given.frozen));
        let mut revoked = Vec::new();
        if let Some((device, voice)) = strike.filter(|(device, _)| seen.list.device(*device).is_some()) {
            let before = self.device_list(&mut wallet).await?;
            let done = self.change_by(&mut wallet, Act::Revoke(device), voice).await?;
            if done == Some(Outcome::Done) {
                let list = self.device_list(&mut wallet).await?;
                let gone = before.devices().iter().map(Device::id);
                revoked = gone.filter(|device| list.device(*device).is_none()).collect();
            }
        }
        let list = self.device_list(&mut wallet).await?;
        let left = errand.lost(&list, me)?;
        let mut still = seen.reply.wallet.frozen.is_some();
        if let Some((_, voice)) =
            frozen.filter(|(since, _)| left.is_empty() && seen.reply.wallet.frozen == Some(*since))
        {
            still = match self.unfreeze_by(&mut wallet, Some(voice)).await {
                // Said to a server that was started since.
                Err(fault) if fault.reason() == Some(Reason::StaleSealKey) => true,
                outcome => outcome? != Outcome::Done,
            };
        }
        self.refresh_if_due(&mut wallet).await?;
        if left.is_empty() && !still {
            self.forget_errand(id).await?;
        }
        Ok(Away::Done(Box::new(Settled {
            wallet,
            revoked,
            left,
            frozen: still,
        })))
    }

    fn request(&self, wallet: WalletId, errand: &Errand, want: Want) -> Result<String, Fault> {
        let ask = Ask {
            errand: errand.id,
            wallet,
            server: self.session.server,
            device: *self.session.device_key(),
            key: errand.key.public(),
            want,
        };
        Ok(ask.write(|domain, bytes| self.session.device().sign(domain, bytes))?)
    }
}

/// The wallet that the words' wish names.
fn seat_wallet(granted: &Granted) -> Result<WalletId, Fault> {
    let wish = Change::try_from(granted.wish.as_slice()).map_err(RecoveryFault::Package)?;
    Ok(wish.wallet())
}

impl Settled {
    const fn nothing(wallet: Wallet) -> Self {
        Self {
            wallet,
            revoked: Vec::new(),
            left: Vec::new(),
            frozen: false,
        }
    }
}
