//! Adding a machine by a short string that both show: one text is carried, by any way at all, and a person compares six
//! digits. The keys go over the server's mailbox, which vouches for none of them (`threshold::pairing`).
//!
//! A code serves one meeting. Whoever begins again, after a crash too, begins with another introduction: each try that
//! somebody in between could make is one that a person sees.

use core::time::Duration;

use rand_core::RngCore as _;
use twofold_api::limits::{LETTERS, PAIRING_SECONDS};
use twofold_api::pairing::{Card, Introduction};
use twofold_api::request::{Name, PairDevice};
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::pairing::{Answer, Commitment, Host, Meeting, NewKeys, Newcomer, Reveal, ShortString};
use twofold_threshold::secret::Secret32;

use super::add::Joining;
use crate::client::Client;
use crate::fault::{Fault, Usage};
use crate::join::Money;
use crate::keystore::Unlocked;
use crate::port::{Clock as _, Platform};
use crate::session::Caution;
use crate::wallet::Wallet;

/// How often the mailbox is looked into.
const LOOK: Duration = Duration::from_secs(1);

/// What the host has of a machine that came: nothing is added before a person has said that both machines show this string.
#[derive(Debug)]
pub struct Met {
    /// What to compare.
    pub string: ShortString,
    /// The keys that the string stands for, to be added after the yes.
    pub card: Card,
}

/// What the new machine has: nothing is kept before a person has said that both machines show this string.
pub struct Compared {
    /// What to compare.
    pub string: ShortString,
    joining: Joining,
}

impl core::fmt::Debug for Compared {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Compared")
            .field("string", &self.string)
            .finish_non_exhaustive()
    }
}

impl<P: Platform> Client<P> {
    /// Waits for the machine that joins with this introduction, and works the string out with it.
    pub async fn meet(&mut self, wallet: &mut Wallet, introduction: &Introduction) -> Result<Met, Fault> {
        // Kept off the caller's stack: it holds the state of several calls.
        Box::pin(self.meet_newcomer(wallet, introduction)).await
    }

    async fn meet_newcomer(&mut self, wallet: &mut Wallet, introduction: &Introduction) -> Result<Met, Fault> {
        let meeting = self.meeting(introduction);
        let commitment = self.letter(introduction, Some(wallet), 0).await?;
        let commitment = Commitment::try_from(commitment.as_slice())?;
        let (host, answer) = Host::answer(meeting, commitment, &mut self.random);
        self.put(introduction, Some(wallet), answer.to_bytes()).await?;
        let reveal = self.letter(introduction, Some(wallet), 2).await?;
        let (keys, string) = host.receive(&Reveal::try_from(reveal.as_slice())?)?;
        let card = Card {
            wallet: introduction.wallet,
            identity: keys.identity,
            sealing: keys.sealing,
        };
        Ok(Met { string, card })
    }

    /// Joins by another machine's introduction, and works the string out with it.
    pub async fn join_to_compare(
        keys: Unlocked<P::Keystore>,
        transport: P::Transport,
        clock: P::Clock,
        random: P::Random,
        introduction: &Introduction,
        device_name: &Name,
        money: Money,
    ) -> Result<(Self, Compared), Fault> {
        let invitation = &introduction.invitation;
        let mut client = Self::join_for(keys, transport, clock, random, invitation, device_name, money).await?;
        let compared = Box::pin(client.meet_host(introduction)).await?;
        Ok((client, compared))
    }

    async fn meet_host(&mut self, introduction: &Introduction) -> Result<Compared, Fault> {
        let mut secret = [0; 32];
        self.random.fill_bytes(&mut secret);
        let joining = Joining {
            wallet: introduction.wallet,
            from: introduction.device,
            sealing: SealSecret::new(Secret32::new(secret)),
        };
        let keys = NewKeys {
            identity: *self.session.device_key(),
            sealing: joining.sealing.public(),
        };
        let (newcomer, commitment) = Newcomer::begin(self.meeting(introduction), keys, &mut self.random);
        self.put(introduction, None, commitment.to_bytes()).await?;
        let answer = self.letter(introduction, None, 1).await?;
        let (reveal, string) = newcomer.receive(&Answer::try_from(answer.as_slice())?)?;
        self.put(introduction, None, reveal.to_bytes()).await?;
        Ok(Compared { string, joining })
    }

    /// A person has said that both machines show the string: this machine waits to be added from here on.
    pub async fn wait_as_compared(&mut self, compared: Compared) -> Result<Card, Fault> {
        self.keep_joining(&compared.joining).await?;
        Ok(self.card(&compared.joining))
    }

    fn meeting(&self, introduction: &Introduction) -> Meeting {
        Meeting {
            wallet: introduction.wallet,
            server: self.session.server,
            host: introduction.device,
            code: introduction.invitation.code,
        }
    }

    async fn put(
        &mut self,
        introduction: &Introduction,
        wallet: Option<&mut Wallet>,
        letter: Vec<u8>,
    ) -> Result<(), Fault> {
        self.pair(introduction, wallet, letter).await.map(drop)
    }

    /// Waits for the letter at a place.
    async fn letter(
        &mut self,
        introduction: &Introduction,
        mut wallet: Option<&mut Wallet>,
        place: usize,
    ) -> Result<Vec<u8>, Fault> {
        let end = self.clock.now().saturating_add(PAIRING_SECONDS);
        loop {
            let letters = self.pair(introduction, wallet.as_deref_mut(), Vec::new()).await?;
            if let Some(letter) = letters.into_iter().take(LETTERS).nth(place) {
                return Ok(letter);
            }
            if self.clock.now() >= end {
                return Err(Usage::NobodyCame.into());
            }
            self.clock.sleep(LOOK).await;
        }
    }

    async fn pair(
        &mut self,
        introduction: &Introduction,
        wallet: Option<&mut Wallet>,
        letter: Vec<u8>,
    ) -> Result<Vec<Vec<u8>>, Fault> {
        let known: Option<Checkpoint> = wallet.as_ref().and_then(|wallet| wallet.checkpoint);
        let request = PairDevice {
            wallet: introduction.wallet,
            code: introduction.invitation.code,
            letter,
            checkpoint: known,
        };
        let (pairing, newest) = self.call(&request, known.as_ref(), Caution::Notice).await?;
        if let Some(wallet) = wallet {
            self.note_checkpoint(wallet, newest).await?;
        }
        Ok(pairing.letters)
    }
}
