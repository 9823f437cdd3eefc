//! Enrolling this machine: with an invitation, or by signing in with the app's own provider.

use bitcoin::Network;
use twofold_api::invitation::Invitation;
use twofold_api::reason::Reason;
use twofold_api::request::{Join, Name};
use twofold_api::server_link::ServerLink;
use twofold_threshold::identity::IdentitySecret;
use zeroize::Zeroizing;

use crate::client::Client;
use crate::fault::{Breach, Fault, Usage};
use crate::home::{self, Home, Joined, Server};
use crate::keystore::Unlocked;
use crate::port::{Clock, Platform};
use crate::session::Caution;

/// Which money a person is ready to risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Money {
    /// Coins of test networks alone.
    Play,
    /// Bitcoin too, although nobody outside has reviewed this.
    Real,
}

/// A sign-in with the app's own provider.
#[derive(Clone, Copy)]
pub struct SignIn<'a> {
    /// The server.
    pub link: &'a ServerLink,
    /// What the provider gave the person: whoever has it is that person to the server.
    pub token: &'a str,
}

impl core::fmt::Debug for SignIn<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SignIn")
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}

/// Longest token that is sent, in bytes.
const LONGEST_TOKEN: usize = 8192;

/// What lets this machine in.
#[derive(Clone, Copy)]
enum Pass<'a> {
    Invitation(&'a Invitation),
    /// The session has it.
    Token,
}

/// The header that a token goes in.
fn authorization(token: &str) -> Result<Zeroizing<String>, Usage> {
    let token = token.trim();
    let fits = (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
    if fits {
        Ok(Zeroizing::new(format!("Bearer {token}")))
    } else {
        Err(Usage::NoToken)
    }
}

impl<P: Platform> Client<P> {
    /// Joins the server of an invitation, if it is on a test network.
    ///
    /// See [`Self::join_for`].
    pub async fn join(
        keys: Unlocked<P::Keystore>,
        transport: P::Transport,
        clock: P::Clock,
        random: P::Random,
        invitation: &Invitation,
        device_name: &Name,
    ) -> Result<Self, Fault> {
        Self::join_for(keys, transport, clock, random, invitation, device_name, Money::Play).await
    }

    /// Joins the server of an invitation. The transport must lead to the invitation's URL and trust what it names.
    ///
    /// Safe to run again: this machine's identity is durable before the invitation is shown to anyone, and a server that
    /// took it in already is asked for no more than its greeting.
    pub async fn join_for(
        keys: Unlocked<P::Keystore>,
        transport: P::Transport,
        clock: P::Clock,
        random: P::Random,
        invitation: &Invitation,
        device_name: &Name,
        money: Money,
    ) -> Result<Self, Fault> {
        let server = Server {
            url: invitation.url.clone(),
            trust: invitation.trust,
            identity: invitation.server,
        };
        let mut client = Self::at_the_door(keys, transport, clock, random, server).await?;
        client.enrol(Pass::Invitation(invitation), device_name, money).await?;
        Ok(client)
    }

    /// Joins as the person of a sign-in. Safe to run again, with a new token where the old one's time is over.
    ///
    /// The token goes to the server of the link alone, in a request that this device signs. It puts the device on no
    /// wallet's list: another device, or the recovery words, do that.
    pub async fn sign_in(
        keys: Unlocked<P::Keystore>,
        transport: P::Transport,
        clock: P::Clock,
        random: P::Random,
        with: SignIn<'_>,
        device_name: &Name,
        money: Money,
    ) -> Result<Self, Fault> {
        let authorization = authorization(with.token)?;
        let server = Server {
            url: with.link.url.clone(),
            trust: with.link.trust,
            identity: with.link.server,
        };
        let mut client = Self::at_the_door(keys, transport, clock, random, server).await?;
        client.session.authorization = Some(authorization);
        let enrolled = client.enrol(Pass::Token, device_name, money).await;
        client.session.authorization = None;
        enrolled.map(|()| client)
    }

    /// Brings a token of the owner's along with what this client asks from here on, where it is heeded: to recover a wallet, and
    /// to say yes as the owner who has just signed in ([`Self::confirm_change`]).
    pub fn bring_token(&mut self, token: &str) -> Result<(), Fault> {
        self.session.authorization = Some(authorization(token)?);
        Ok(())
    }

    /// Makes this machine's identity durable, and settles which server it belongs to.
    async fn at_the_door(
        keys: Unlocked<P::Keystore>,
        transport: P::Transport,
        clock: P::Clock,
        mut random: P::Random,
        server: Server,
    ) -> Result<Self, Fault> {
        let home = match Home::load(&keys).await? {
            Some(home) if home.joined.is_some() && home.server.identity != server.identity => {
                return Err(Usage::JoinedElsewhere {
                    url: home.server.url.to_string(),
                }
                .into());
            }
            // An invitation is a text that anyone can write: it names an identity without that identity's consent. So it
            // never leads a device that has joined to another address, nor makes it trust another certificate.
            Some(home) if home.joined.is_some() && home.server != server => {
                return Err(Usage::JoinedOtherwise {
                    url: home.server.url.to_string(),
                }
                .into());
            }
            Some(home) => Home { server, ..home },
            None => Home {
                device: IdentitySecret::generate(&mut random),
                server,
                joined: None,
                offset: 0,
            },
        };
        home.save(&keys, &mut random).await?;
        Self::with_home(keys, transport, clock, random, home)
    }

    async fn enrol(&mut self, pass: Pass<'_>, device_name: &Name, money: Money) -> Result<(), Fault> {
        // An earlier run may have been taken in without hearing of it.
        match self.hello().await {
            Ok(greeting) => {
                let user = self.home.joined.and_then(|joined| joined.user);
                return self.note_joined(&greeting.network, user, money).await;
            }
            Err(fault) if fault.reason() == Some(Reason::DeviceUnknown) => {}
            Err(fault) => return Err(fault),
        }
        let code = match pass {
            Pass::Invitation(invitation) if self.session.server_time(self.clock.now()) >= invitation.expires => {
                return Err(Usage::InvitationExpired.into());
            }
            Pass::Invitation(invitation) => Some(invitation.code),
            Pass::Token => None,
        };
        let request = Join {
            code,
            device_name: device_name.clone(),
        };
        let (reply, _) = self.call(&request, None, Caution::Stop).await?;
        self.note_joined(&reply.network, Some(reply.user), money).await
    }

    async fn note_joined(&mut self, network: &str, user: Option<[u8; 16]>, money: Money) -> Result<(), Fault> {
        let chain = home::chain(network)?;
        // A device that has joined has wallets whose addresses say which chain they are for.
        if let Some(joined) = self.home.joined
            && joined.chain != chain
        {
            return Err(Breach::OtherChain {
                had: joined.chain,
                shows: chain,
            }
            .into());
        }
        if chain.network() == Network::Bitcoin && money == Money::Play {
            return Err(Usage::RealMoney.into());
        }
        self.home.joined = Some(Joined { chain, user });
        self.home.save(&self.keys, &mut self.random).await?;
        Ok(())
    }
}
