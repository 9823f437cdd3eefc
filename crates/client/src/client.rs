//! The client itself: an unlocked keystore, a way to its server, and calls over it.

use twofold_api::request::Hello;
use twofold_api::seal_key::SealTo;
use twofold_intent::ChainName;
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::identity::IdentityKey;

use crate::fault::{Breach, Fault, Usage};
use crate::home::{Home, Joined};
use crate::keystore::Unlocked;
use crate::port::{Clock, Platform};
use crate::session::{Answer, Caution, Notice, Reply, Rpc, Session, request_nonce};

/// A device of one user at one server.
///
/// Methods that change something on the server may be repeated after any failure; what must not happen twice does not.
pub struct Client<P: Platform> {
    pub(crate) keys: Unlocked<P::Keystore>,
    pub(crate) transport: P::Transport,
    pub(crate) clock: P::Clock,
    pub(crate) random: P::Random,
    pub(crate) session: Session,
    pub(crate) home: Home,
}

impl<P: Platform> core::fmt::Debug for Client<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Client")
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

impl<P: Platform> Client<P> {
    /// Uses a keystore that has joined a server. The transport must lead to [`crate::home::server`]'s URL and trust what
    /// it names.
    pub async fn open(
        keys: Unlocked<P::Keystore>,
        transport: P::Transport,
        clock: P::Clock,
        random: P::Random,
    ) -> Result<Self, Fault> {
        let home = Home::load(&keys).await?.ok_or(Usage::NotJoined)?;
        Self::with_home(keys, transport, clock, random, home)
    }

    pub(crate) fn with_home(
        keys: Unlocked<P::Keystore>,
        transport: P::Transport,
        clock: P::Clock,
        random: P::Random,
        home: Home,
    ) -> Result<Self, Fault> {
        let device = twofold_threshold::identity::IdentitySecret::from_seed(&home.device.expose_seed());
        let session = Session::new(home.server.url.clone(), home.server.identity, device, home.offset)?;
        Ok(Self {
            keys,
            transport,
            clock,
            random,
            session,
            home,
        })
    }

    /// What a person should know, gathered since the last time this was asked.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self.session.notices.take()
    }

    /// This device's identity key.
    #[must_use]
    pub const fn device_key(&self) -> &IdentityKey {
        self.session.device_key()
    }

    /// The chain of the server.
    pub fn chain(&self) -> Result<ChainName, Fault> {
        Ok(self.joined()?.chain)
    }

    /// Closes the keystore and gives back what was lent.
    pub fn close(self) -> (P::Keystore, P::Transport, P::Clock, P::Random) {
        (self.keys.close(), self.transport, self.clock, self.random)
    }

    /// The way to the server.
    #[must_use]
    pub const fn transport(&self) -> &P::Transport {
        &self.transport
    }

    /// The unlocked keystore, to change its passphrase.
    pub fn keystore(&mut self) -> (&Unlocked<P::Keystore>, &mut P::Random) {
        (&self.keys, &mut self.random)
    }

    pub(crate) fn joined(&self) -> Result<Joined, Usage> {
        self.home.joined.ok_or(Usage::NotJoined)
    }

    /// Sends a request that holds nothing sealed, and checks the reply's head. The checkpoint that comes back, if any, is
    /// newer than `known`.
    pub(crate) async fn call<R: Rpc>(
        &mut self,
        request: &R,
        known: Option<&Checkpoint>,
        caution: Caution,
    ) -> Result<(Reply<R>, Option<Checkpoint>), Fault> {
        let mut again = true;
        loop {
            match Box::pin(self.exchange(request)).await? {
                Answer::Reply(reply) => {
                    let newest = self
                        .session
                        .check_head(R::head(&reply), request.wallet(), known, caution)?;
                    return Ok((reply, newest));
                }
                Answer::Anew(_) if core::mem::take(&mut again) => self.settle_clock().await?,
                Answer::Anew(fault) => return Err(fault),
            }
        }
    }

    /// Sends a request that holds a sealed unlock key; `build` seals it anew for each attempt.
    pub(crate) async fn call_sealed<R: Rpc>(
        &mut self,
        known: Option<&Checkpoint>,
        mut build: impl FnMut(&Session, &SealTo, &mut P::Random) -> Result<R, Fault>,
    ) -> Result<(Reply<R>, Option<Checkpoint>), Fault> {
        let mut again = true;
        loop {
            let key = self.seal_key().await?;
            let request = build(&self.session, &key, &mut self.random)?;
            match Box::pin(self.exchange(&request)).await? {
                Answer::Reply(reply) => {
                    let newest = self
                        .session
                        .check_head(R::head(&reply), request.wallet(), known, Caution::Stop)?;
                    return Ok((reply, newest));
                }
                Answer::Anew(_) if core::mem::take(&mut again) => self.settle_clock().await?,
                Answer::Anew(fault) => return Err(fault),
            }
        }
    }

    async fn exchange<R: Rpc>(&mut self, request: &R) -> Result<Answer<Reply<R>>, Fault> {
        let nonce = request_nonce(&mut self.random);
        let prepared = self.session.prepare(request, nonce, self.clock.now())?;
        let reply = Session::deliver::<P>(&self.transport, &self.clock, &prepared).await?;
        self.session.understand::<R>(&prepared, &reply, self.clock.now())
    }

    /// Keeps what was learnt about the clock, so that the next command need not learn it again.
    pub(crate) async fn settle_clock(&mut self) -> Result<(), Fault> {
        if self.home.offset != self.session.offset {
            self.home.offset = self.session.offset;
            self.session.notices.add(Notice::ClockOff {
                seconds: self.session.offset,
            });
            self.home.save(&self.keys, &mut self.random).await?;
        }
        Ok(())
    }

    /// The server's key to seal unlock keys to, asked for where it is not known.
    pub(crate) async fn seal_key(&mut self) -> Result<SealTo, Fault> {
        if let Some(key) = self.session.seal_key(self.clock.now()) {
            return Ok(key);
        }
        self.hello().await?;
        self.session
            .seal_key(self.clock.now())
            .ok_or_else(|| Breach::SealKey.into())
    }

    /// Asks the server who it is, and holds the answer against the invitation.
    pub(crate) async fn hello(&mut self) -> Result<twofold_api::reply::Greeting, Fault> {
        let (greeting, _) = self.call(&Hello, None, Caution::Notice).await?;
        if IdentityKey::try_from(greeting.identity.as_slice()).ok().as_ref() != Some(&self.session.server) {
            return Err(Breach::WrongServer.into());
        }
        Ok(greeting)
    }
}
