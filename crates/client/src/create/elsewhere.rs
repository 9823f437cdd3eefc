//! Making a wallet whose recovery is on another machine: two commands here, with days between them perhaps.
//!
//! | reached | what the keystore holds | what running again does |
//! |---|---|---|
//! | the server has dealt, nothing durable | nothing | the holder begins anew: a ceremony begins once |
//! | the message to recovery is written | the waiting ceremony and the message, for seven days | writes the same message |
//! | recovery's answer is checked | the pending ceremony, without words | asks for a test share; else sends the closing |
//! | the test signature verifies | the wallet | shows the server the test signature |

use twofold_api::limits::ELSEWHERE_SECONDS;
use twofold_api::request::Name;
use twofold_threshold::create::RecoveryRound;
use twofold_threshold::create::device::AwaitRecovery;
use twofold_threshold::id::WalletId;
use zeroize::Zeroizing;

use super::begun::Begun;
use super::{InUse, Step};
use crate::client::Client;
use crate::fault::Fault;
use crate::keystore::name as item_name;
use crate::keystore::record::Reader;
use crate::port::{BlobName, Clock as _, KeystoreFault, Platform};
use crate::recovery::RecoveryFault;
use crate::recovery::file::{self, FileKind};
use crate::recovery::holder::{self, Opened};
use crate::wallet::Standing;

const VERSION: u8 = 2;
const PREFIX: &str = "elsewhere-";

/// What waits in the keystore for recovery's answer.
struct Waiting {
    ceremony: Zeroizing<Vec<u8>>,
    begun: Begun,
    /// The message's file, to be written again as it was.
    message: String,
    /// When the server has stopped waiting, by its clock: from then on nothing can come of it.
    over: u64,
}

impl Waiting {
    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.begun
            .write(VERSION, &self.ceremony)
            .var(self.message.as_bytes())
            .fixed(&self.over.to_be_bytes())
            .finish()
    }

    fn parse(item: &str, bytes: &[u8]) -> Result<Self, KeystoreFault> {
        let mut reader = Reader::new(item, bytes, VERSION)?;
        let waiting = Self {
            ceremony: Zeroizing::new(reader.var()?.to_vec()),
            begun: Begun::read(&mut reader)?,
            message: reader.text()?.to_owned(),
            over: u64::from_be_bytes(reader.array()?),
        };
        reader.finish()?;
        Ok(waiting)
    }
}

fn item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    item_name(&format!("{PREFIX}{wallet}"))
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
        self.joined()?;
        let server = self.session.server;
        let opened = Opened::parse(opening)?;
        if opened.server != server {
            let expected = opened.server.to_string();
            return Err(RecoveryFault::OtherServer { expected }.into());
        }
        // The holder names wallet and ceremony: both go into what it signs.
        let wallet = opened.opening.wallet();
        let item = item(wallet)?;
        self.forget_unanswered().await?;
        if let Some(bytes) = self.keys.load(&item).await? {
            progress(Step::Resuming);
            return Ok(Waiting::parse(item.as_str(), &bytes)?.message);
        }
        let (device, to_recovery, begun) = self.begin_ceremony(opened.opening, name, true, progress).await?;
        let message = holder::message(name, begun.chain, &to_recovery, |domain, bytes| {
            self.session.device().sign(domain, bytes)
        });
        let waiting = Waiting {
            ceremony: device.to_secret_bytes(),
            begun,
            message,
            over: self.server_time().saturating_add(ELSEWHERE_SECONDS),
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
        if waiting.over <= self.server_time() {
            self.keys.remove(&item).await?;
            return Err(RecoveryFault::TooLate.into());
        }
        let damaged = || KeystoreFault::Damaged { name: item.to_string() };
        let ceremony =
            AwaitRecovery::from_secret_bytes(&waiting.ceremony, &self.session.server).map_err(|_| damaged())?;
        // A wrong answer leaves what waits as it was: the right one may still come.
        let to_sign = ceremony.receive(round).map_err(RecoveryFault::Ceremony)?;
        let pending = self.close_ceremony(to_sign, waiting.begun, None).await?;
        self.keys.remove(&item).await?;
        progress(Step::Closing);
        let finished = self.finish(&pending).await?;
        self.keep(pending, finished, progress).await
    }

    /// Drops what waits for an answer that comes too late for the server in any case. No address of it was ever shown.
    pub(super) async fn forget_unanswered(&mut self) -> Result<(), Fault> {
        let now = self.server_time();
        for item in self.keys.names(PREFIX).await? {
            let Some(bytes) = self.keys.load(&item).await? else {
                continue;
            };
            if Waiting::parse(item.as_str(), &bytes)?.over <= now {
                self.keys.remove(&item).await?;
            }
        }
        Ok(())
    }

    fn server_time(&self) -> u64 {
        self.session.server_time(self.clock.now())
    }
}
