//! Making a wallet whose recovery is on another machine: two commands here, with days between them perhaps.
//!
//! | reached | what the keystore holds | what running again does |
//! |---|---|---|
//! | the server has dealt, nothing durable | nothing | the holder begins anew: a ceremony begins once |
//! | the message to recovery is written | the waiting ceremony and the message | writes the same message |
//! | recovery's answer is checked | the pending ceremony, without words | asks for a test share; else sends the closing |
//! | the test signature verifies | the wallet | shows the server the test signature |

use twofold_api::request::{BeginCreate, Name};
use twofold_api::seal_key::{Step as SealStep, Usage as SealUsage};
use twofold_intent::ChainName;
use twofold_threshold::create::device::{AwaitRecovery, Start};
use twofold_threshold::create::{RecoveryRound, ServerRound};
use twofold_threshold::device_list;
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::id::WalletId;
use twofold_threshold::secret::{Secret32, UnlockKey};
use zeroize::Zeroizing;

use super::pending::Pending;
use super::{FIRST_EPOCH, InUse, Step};
use crate::client::Client;
use crate::fault::{Breach, Fault};
use crate::home;
use crate::keystore::name as item_name;
use crate::keystore::record::{Reader, Writer};
use crate::port::{BlobName, KeystoreFault, Platform};
use crate::recovery::file::{self, FileKind};
use crate::recovery::holder::{self, Opened};
use crate::recovery::{AgeSealer, RecoveryFault};
use crate::wallet::Standing;

const VERSION: u8 = 1;

/// What waits in the keystore for recovery's answer.
struct Waiting {
    ceremony: Zeroizing<Vec<u8>>,
    name: Name,
    chain: ChainName,
    birthday: u32,
    entry: Vec<u8>,
    sealing: SealSecret,
    /// The message's file, to be written again as it was.
    message: String,
}

impl Waiting {
    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Writer::new(VERSION)
            .var(&self.ceremony)
            .var(self.name.as_str().as_bytes())
            .var(self.chain.to_string().as_bytes())
            .fixed(&self.birthday.to_be_bytes())
            .var(&self.entry)
            .fixed(self.sealing.expose().expose())
            .var(self.message.as_bytes())
            .finish()
    }

    fn parse(item: &str, bytes: &[u8]) -> Result<Self, KeystoreFault> {
        let mut reader = Reader::new(item, bytes, VERSION)?;
        let waiting = Self {
            ceremony: Zeroizing::new(reader.var()?.to_vec()),
            name: reader.text()?.parse().map_err(|_| reader.damaged())?,
            chain: home::chain(reader.text()?).map_err(|_| reader.damaged())?,
            birthday: u32::from_be_bytes(reader.array()?),
            entry: reader.var()?.to_vec(),
            sealing: SealSecret::new(Secret32::new(reader.array()?)),
            message: reader.text()?.to_owned(),
        };
        reader.finish()?;
        Ok(waiting)
    }
}

fn item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    item_name(&format!("elsewhere-{wallet}"))
}

impl<P: Platform> Client<P> {
    /// Begins to make a wallet with a recovery holder's opening; the file for the holder. The server waits seven days. Run
    /// again with the same opening it gives the same file.
    pub async fn create_with_holder(
        &mut self,
        name: &Name,
        opening: &str,
        progress: &mut (dyn FnMut(Step) + Send),
    ) -> Result<String, Fault> {
        Box::pin(self.begin_with_holder(name, opening, progress)).await
    }

    async fn begin_with_holder(
        &mut self,
        name: &Name,
        opening: &str,
        progress: &mut (dyn FnMut(Step) + Send),
    ) -> Result<String, Fault> {
        let chain = self.joined()?.chain;
        let server = self.session.server;
        let opened = Opened::parse(opening)?;
        if opened.server != server {
            let expected = opened.server.to_string();
            return Err(RecoveryFault::OtherServer { expected }.into());
        }
        // The holder names wallet and ceremony: both go into what it signs.
        let (wallet, ceremony) = (opened.opening.wallet(), opened.opening.ceremony());
        let item = item(wallet)?;
        if let Some(bytes) = self.keys.load(&item).await? {
            progress(Step::Resuming);
            return Ok(Waiting::parse(item.as_str(), &bytes)?.message);
        }
        let sealing = SealSecret::generate(&mut self.random);
        let entry = device_list::Draft::first(wallet, *self.session.device_key(), sealing.public());
        let signature = self.session.device().sign_raw(&entry.signing_bytes());
        let entry = entry.signed(signature)?;
        let start = Start {
            ceremony,
            server,
            entry: entry.clone(),
            unlock: UnlockKey::generate(&mut self.random),
            recovery: opened.opening,
        };
        let (device, opening) = start.begin(&mut self.random)?;
        progress(Step::Opening);
        let opening = opening.to_bytes();
        let build = |session: &crate::session::Session, key: &twofold_api::seal_key::SealTo, random: &mut P::Random| {
            let usage = SealUsage {
                wallet,
                epoch: FIRST_EPOCH,
                step: SealStep::BeginCreate,
                device: session.device_id(),
            };
            let unlock = key.seal(device.unlock(), &usage, random).map_err(|_| Breach::SealKey)?;
            Ok(BeginCreate {
                wallet,
                name: name.clone(),
                opening: opening.clone(),
                unlock,
                recovery_elsewhere: true,
            })
        };
        let (begun, _) = self.call_sealed(None, build).await?;
        progress(Step::Dealing);
        let round = ServerRound::try_from(begun.server_round.as_slice())?;
        let (device, to_recovery) = device.receive(round, &AgeSealer, &mut self.random)?;
        let message = holder::message(name, chain, &to_recovery, |domain, bytes| {
            self.session.device().sign(domain, bytes)
        });
        let waiting = Waiting {
            ceremony: device.to_secret_bytes(),
            name: name.clone(),
            chain,
            birthday: begun.birthday,
            entry: entry.to_bytes(),
            sealing,
            message,
        };
        self.keys.save(&item, &waiting.to_bytes(), &mut self.random).await?;
        Ok(waiting.message)
    }

    /// Takes the holder's answer and finishes the wallet. Safe to run again after any interruption.
    pub async fn finish_with_holder(
        &mut self,
        answer: &str,
        progress: &mut (dyn FnMut(Step) + Send),
    ) -> Result<InUse, Fault> {
        Box::pin(self.end_with_holder(answer, progress)).await
    }

    async fn end_with_holder(&mut self, answer: &str, progress: &mut (dyn FnMut(Step) + Send)) -> Result<InUse, Fault> {
        const KIND: FileKind = FileKind::FromRecovery;
        self.joined()?;
        let bytes = file::read(KIND, answer).map_err(RecoveryFault::from)?;
        let damaged = |fault: KeystoreFault| RecoveryFault::from(file::read_fault(KIND, &fault));
        let mut reader = file::reader(KIND, &bytes).map_err(RecoveryFault::from)?;
        let round = RecoveryRound::try_from(reader.var().map_err(damaged)?).map_err(RecoveryFault::Ceremony)?;
        reader.finish().map_err(damaged)?;
        let wallet = round.wallet();

        // Whatever was reached before is taken up from there.
        let made = self.records().await?.into_iter().find(|record| record.wallet == wallet);
        if let Some(record) = made {
            if record.standing == Standing::Active {
                return Err(RecoveryFault::NotAwaited.into());
            }
            progress(Step::Resuming);
            self.forget_pending(wallet).await?;
            return self.activate(record, None, progress).await;
        }
        if let Some(pending) = self.pending_of(wallet).await? {
            progress(Step::Resuming);
            self.keys.remove(&item(wallet)?).await?;
            let made = self.resume(pending, progress).await?;
            return made.ok_or_else(|| RecoveryFault::NotAwaited.into());
        }
        let item = item(wallet)?;
        let bytes = self.keys.load(&item).await?.ok_or(RecoveryFault::NotAwaited)?;
        let waiting = Waiting::parse(item.as_str(), &bytes)?;
        let damaged = || KeystoreFault::Damaged { name: item.to_string() };
        let ceremony =
            AwaitRecovery::from_secret_bytes(&waiting.ceremony, &self.session.server).map_err(|_| damaged())?;
        // A wrong answer leaves what waits as it was: the right one may still come.
        let to_sign = ceremony.receive(round).map_err(RecoveryFault::Ceremony)?;
        let signature = self.session.device().sign_raw(&to_sign.signing_bytes());
        let pending = Pending {
            ceremony: to_sign.signed(signature)?.to_secret_bytes(),
            name: waiting.name,
            chain: waiting.chain,
            birthday: waiting.birthday,
            entry: waiting.entry,
            sealing: waiting.sealing,
            words: None,
        };
        self.save_pending(wallet, &pending).await?;
        self.keys.remove(&item).await?;
        progress(Step::Closing);
        let finished = self.finish(&pending).await?;
        self.keep(pending, finished, progress).await
    }
}
