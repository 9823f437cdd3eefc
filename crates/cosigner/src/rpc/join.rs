//! Takes in the key that signs the request: as the first device of a new user, or as a further one of the user whose
//! wallet the invitation was minted for, or of the person who signed in.
//!
//! None of it puts a device on a wallet's list. A stolen token makes a device of its owner's that can read nothing and sign
//! nothing of the wallets there are; and it makes few of them while it is good, so that its owner finds room.

use std::future::Future;

use bitcoin::hex::DisplayHex;
use rand_core::RngCore;
use twofold_api::{Reason, Refusal, reply::Joined};

use super::mint_invitation::code_hash;
use crate::{
    Authenticated, Cosigner, Introduced,
    auth::Unique,
    port::{
        Clock,
        chain::Chain,
        record::{Device, User, UserId},
        store::{Batch, Store, Write},
    },
};

/// A person whose sign-in was checked. Whoever makes one vouches that the issuer says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who vouches; never the issuer of invitations.
    pub issuer: String,
    /// For whom, in the issuer's own words.
    pub subject: String,
    /// Whether this one may become a user.
    pub admitted: bool,
    /// Whether it was just now, and with a second factor.
    pub stepped_up: bool,
}

/// The issuer of users that an invitation vouches for.
pub(crate) const ISSUER: &str = "invitation";
/// A token of a provider's is good for a day at most.
const DAY: u64 = 24 * 60 * 60;
/// Devices that a person enrols in that time.
const A_DAY: u32 = 5;
/// How often a person's device is enrolled that others of theirs are in the way of.
const ATTEMPTS: u32 = 8;

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Takes in a newcomer with an invitation.
    pub async fn join(&self, request: Introduced) -> Result<Joined, Refusal> {
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let now = self.time.now();
        let code = request.request().code.ok_or(Reason::InvitationInvalid)?;
        let code_hash = code_hash(&code);
        let invitation = match self.store.invitation(code_hash).await? {
            Some(invitation) if invitation.used_by.is_none() && now < invitation.expires => invitation,
            _ => return Err(Reason::InvitationInvalid.into()),
        };
        self.unknown(&request).await?;
        let mut writes = vec![Write::UseInvitation {
            code_hash,
            by: request.signer(),
        }];
        let user = if let Some(wallet) = invitation.wallet {
            let row = self.store.wallet(wallet).await?;
            row.ok_or(Reason::InvitationInvalid)?.user
        } else {
            let user = self.new_user(ISSUER, &code_hash.to_lower_hex_string());
            let id = user.id;
            writes.push(Write::AddUser(user));
            id
        };
        self.enrol(&request, user, now, writes).await
    }

    /// Takes in a newcomer whose person signed in. `who` is asked only if this request was not answered before: the same
    /// bytes get the same answer, also when the token's time is over.
    pub async fn sign_in(
        &self,
        request: Introduced,
        who: impl Future<Output = Result<SignedIn, Refusal>>,
    ) -> Result<Joined, Refusal> {
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        if request.request().code.is_some() {
            return Err(Refusal::new(
                Reason::Malformed,
                "an invitation's code and a token came together; send one of them",
            ));
        }
        let who = who.await?;
        self.unknown(&request).await?;
        // Another device of this person may be quicker: who they are and what room there is is looked up again then.
        for _ in 0..ATTEMPTS {
            let (user, writes) = self.person(&who).await?;
            let joined = self.enrol(&request, user, self.time.now(), writes).await;
            if !matches!(&joined, Err(refusal) if refusal.reason == Reason::Conflict) {
                return joined;
            }
        }
        Err(Reason::Conflict.into())
    }

    /// Whose device it becomes, and what must be written and hold before.
    async fn person(&self, who: &SignedIn) -> Result<(UserId, Vec<Write>), Refusal> {
        let (most, since) = (self.config.devices_per_user, self.time.now().saturating_sub(DAY));
        match self.store.user(&who.issuer, &who.subject).await? {
            Some(User { id: user, .. }) => {
                self.room_for_device(user, most, since).await?;
                let room = Write::RoomForDevice {
                    user,
                    most,
                    since,
                    lately: A_DAY,
                };
                Ok((user, vec![room]))
            }
            None if who.admitted => {
                let user = self.new_user(&who.issuer, &who.subject);
                Ok((user.id, vec![Write::AddUser(user)]))
            }
            None => Err(Reason::SignInRefused.into()),
        }
    }

    /// Refuses one more where a user has as many devices as they may, in all or in a day.
    async fn room_for_device(&self, user: UserId, most: u32, since: u64) -> Result<(), Refusal> {
        let devices = self.store.devices(Some(user), None, most).await?;
        let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
        if count(devices.len()) >= most {
            return Err(Refusal::new(
                Reason::QuotaExceeded,
                "no further device of yours can join by a sign-in; add it from one that has the wallet",
            ));
        }
        if count(devices.iter().filter(|device| device.enrolled >= since).count()) >= A_DAY {
            return Err(Refusal::new(
                Reason::QuotaExceeded,
                "as many devices of yours joined in a day as may; if they are not yours, tell the operator; otherwise try \
                 again tomorrow",
            ));
        }
        Ok(())
    }

    /// Finds out who signed in, who must be the one whose device asks.
    pub(super) async fn same_person<T>(
        &self,
        request: &Authenticated<T>,
        who: impl Future<Output = Result<SignedIn, Refusal>>,
    ) -> Result<SignedIn, Refusal> {
        let who = who.await?;
        match self.store.user(&who.issuer, &who.subject).await? {
            Some(user) if user.id == request.user() => Ok(who),
            _ => Err(Refusal::new(
                Reason::SignInRefused,
                "this machine belongs to somebody else than the one who signed in",
            )),
        }
    }

    fn new_user(&self, issuer: &str, subject: &str) -> User {
        let mut id = UserId([0; 16]);
        self.rng().fill_bytes(&mut id.0);
        User {
            id,
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
        }
    }

    /// Refuses a device that is enrolled.
    async fn unknown(&self, request: &Introduced) -> Result<(), Refusal> {
        if self.store.device(request.signer()).await?.is_some() {
            return Err(Refusal::new(
                Reason::NotPermitted,
                "this device is enrolled already; an invitation stays unused",
            ));
        }
        Ok(())
    }

    async fn enrol(
        &self,
        request: &Introduced,
        user: UserId,
        now: u64,
        mut writes: Vec<Write>,
    ) -> Result<Joined, Refusal> {
        writes.push(Write::AddDevice(Device {
            id: request.signer(),
            identity: request.key().to_bytes(),
            user,
            name: request.request().device_name.as_str().to_owned(),
            enrolled: now,
        }));
        let reply = Joined {
            head: self.head(None),
            user: user.0,
            network: self.config.chain.to_string(),
        };
        self.settle(
            request,
            reply,
            Batch {
                expect: Vec::new(),
                writes,
            },
        )
        .await
    }
}
