//! A server that was restored from before a refresh, and whose share nobody kept: recovery and this device give it back.
//!
//! Both help here, where the words are typed, and the server opens what is sealed to the key that it offers now. It stays
//! fenced until that is lifted by the rule ([`crate::fence`]).

use rand_core::RngCore as _;
use twofold_api::reason::Reason;
use twofold_api::recovery::restoring;
use twofold_api::request::RepairServer;
use twofold_threshold::envelope::{SealPublic, SealSecret};
use twofold_threshold::id::{CeremonyId, KeyKind, Party};
use twofold_threshold::repair::hub::{self, Carried};
use twofold_threshold::repair::{Claim, Helpers, first, second};
use twofold_threshold::words::RecoverySecret;

use super::{AgeOpener, RecoveryFault};
use crate::client::Client;
use crate::fault::Fault;
use crate::port::Platform;
use crate::session::Caution;
use crate::wallet::Wallet;

impl<P: Platform> Client<P> {
    /// Gives the server its share of the current epoch back.
    pub async fn repair_server(&mut self, wallet: &mut Wallet, words: &RecoverySecret) -> Result<(), Fault> {
        Box::pin(self.restore_share(wallet, words)).await
    }

    async fn restore_share(&mut self, wallet: &mut Wallet, words: &RecoverySecret) -> Result<(), Fault> {
        // First what it signed itself: the list, the refreshes, the log.
        self.bring_forward(wallet).await?;
        let mut again = true;
        loop {
            let key = *self.seal_key().await?.public();
            let carried = self.repair_for_server(wallet, words, key)?;
            let request = RepairServer {
                wallet: wallet.id(),
                repair: carried.to_bytes(),
                checkpoint: wallet.checkpoint,
            };
            match self.call(&request, wallet.checkpoint.as_ref(), Caution::Notice).await {
                // It has another key by now, and offers that.
                Err(fault) if fault.reason() == Some(Reason::StaleSealKey) && core::mem::take(&mut again) => {}
                outcome => return outcome.map(drop),
            }
        }
    }

    fn repair_for_server(
        &mut self,
        wallet: &Wallet,
        words: &RecoverySecret,
        key: SealPublic,
    ) -> Result<Carried, Fault> {
        let record = &wallet.record;
        let epochs = record.epochs()?;
        if epochs.recovery()? != words.public() {
            return Err(RecoveryFault::OtherWords.into());
        }
        let identity = words.identity();
        let age = AgeOpener::new(words).map_err(|_| RecoveryFault::OtherWords)?;
        let opened = epochs.open(&identity.public(), &age).map_err(RecoveryFault::Package)?;
        let (public, unlock) = (&record.public, &record.unlock);
        let mut ceremony = CeremonyId([0; 16]);
        self.random.fill_bytes(&mut ceremony.0);
        let server = self.session.server;
        let claim = Claim {
            wallet: record.wallet,
            ceremony,
            kind: KeyKind::Taproot,
            epoch: public.epoch(),
            repaired: Party::Server,
            identity: server,
            key,
            unlock_digest: unlock.digest(),
            mandate: restoring(&server, &public.epoch()),
        };
        let helpers = Helpers {
            first: (Party::Recovery, identity.public()),
            second: (Party::Device, *self.session.device_key()),
        };
        let own = SealSecret::generate(&mut self.random);
        let (random, device) = (&mut self.random, self.session.device());
        let share = &opened.contents.share;
        let drafted = first::begin(claim.clone(), helpers, share, public, &own.public(), random)?;
        let signature = identity.sign_raw(&drafted.signing_bytes());
        let (state, opening) = drafted.signed(signature)?;
        let drafted = second::answer(claim.clone(), helpers, &opening, &record.share, public, &own, random)?;
        let signature = device.sign_raw(&drafted.signing_bytes());
        let ((), answer) = drafted.signed(signature)?;
        let drafted = state.opened(opening.clone()).receive(&answer, unlock, random)?;
        let signature = identity.sign_raw(&drafted.signing_bytes());
        let ((), closing) = drafted.signed(signature)?;
        Ok(hub::AwaitOpening::new(claim, helpers, public.clone())?
            .receive(opening)?
            .receive(answer)?
            .receive(closing)?)
    }
}
