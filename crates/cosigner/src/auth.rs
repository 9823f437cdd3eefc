//! Who asks. A request becomes an [`Authenticated`] here and nowhere else.
//!
//! The signature covers the body by its digest, so who asks is known from the headers alone: nothing is looked up before
//! the signature has been checked, and no body is read before the device is known. What stands between the two is
//! [`Announced`]; a sender comes out of it once the body that was announced has arrived.

mod backend;

use std::borrow::Cow;

use aws_lc_rs::{digest, signature};
use twofold_api::{
    Reason, Refusal, limits, request,
    server_time::ServerTime,
    signature::{Proof, Window},
};
use twofold_threshold::{
    id::{DeviceId, RequestDigest, WalletId},
    identity::IdentityKey,
};

use crate::{
    Cosigner,
    port::{Clock, chain::Chain, record::UserId, store::Store},
};

pub use backend::{Backend, Inquirer, Inquiry, Scopes};

/// A signed request that was made within its window, by a key that may or may not be enrolled.
#[derive(Debug, Clone)]
struct Signed {
    device: DeviceId,
    key: IdentityKey,
    wallet: Option<WalletId>,
    digest: RequestDigest,
    nonce: [u8; limits::NONCE_BYTES],
    expires: u64,
    now: u64,
}

/// A sender whose headers are good and whose body has yet to come: it opens nothing until the body is there.
#[derive(Debug)]
pub struct Announced<T> {
    sender: T,
    body: [u8; 32],
}

/// An enrolled device that signed a request, before the request's body is understood.
#[derive(Debug, Clone)]
pub struct Caller {
    signed: Signed,
    user: UserId,
    new: bool,
}

/// For how long a device is new, in seconds: for a week.
const NEW: u64 = 7 * 24 * 60 * 60;

/// A key that signed a request and need not be enrolled: all it may do is join.
#[derive(Debug, Clone)]
pub struct Newcomer(Signed);

/// A request whose sender is known. It names the wallet that its signature covers; whether that wallet is the sender's
/// is settled when it is loaded.
#[derive(Debug)]
pub struct Authenticated<T> {
    caller: Caller,
    request: T,
}

/// A request that says which wallet it is about, if any.
pub trait NamesWallet {
    /// The wallet, as the body names it.
    fn wallet(&self) -> Option<WalletId>;
}

macro_rules! names_wallet {
    ($($request:ident),*) => {
        $(impl NamesWallet for request::$request {
            fn wallet(&self) -> Option<WalletId> {
                Some(self.wallet)
            }
        })*
    };
}

names_wallet!(
    BeginCreate,
    FinishCreate,
    TestSign,
    Activate,
    GetWallet,
    RenameWallet,
    Sign,
    SignMessage,
    Broadcast,
    Sync,
    Watch,
    EstimateFees,
    GetAudit,
    DeriveAddress,
    ChangeDevices,
    SetFreeze,
    CancelChange,
    GetShape,
    InviteDevice,
    RenameDevice,
    LiftFence,
    GetRecovery,
    AskRecovery,
    Recover,
    BeginRefresh,
    FinishRefresh,
    RepairRecovery,
    ReplaceRecovery,
    PairDevice,
    RollForward,
    RepairServer,
    ConfirmChange,
    FindAddresses
);

macro_rules! names_none {
    ($($request:ident),*) => {
        $(impl NamesWallet for request::$request {
            fn wallet(&self) -> Option<WalletId> {
                None
            }
        })*
    };
}

names_none!(Join, Hello, ListWallets, FindWallets);

impl<T> Announced<T> {
    /// Lets the sender in if `body`, the HTTP body as it came, is the one that was signed.
    pub fn arrived(self, body: &[u8]) -> Result<T, Refusal> {
        if digest::digest(&digest::SHA256, body).as_ref() == self.body {
            Ok(self.sender)
        } else {
            Err(Refusal::new(
                Reason::SignatureInvalid,
                "the body is not the one that Content-Digest names",
            ))
        }
    }
}

impl Announced<Caller> {
    /// The device.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.sender.signed.device
    }

    /// Whose device it is.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.sender.user
    }

    /// Whether it joined within the last week.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.sender.new
    }

    /// The wallet that the signature names.
    #[must_use]
    pub const fn wallet(&self) -> Option<WalletId> {
        self.sender.signed.wallet
    }
}

impl Announced<Newcomer> {
    /// The id that the key would have as a device.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.sender.0.device
    }
}

impl Caller {
    /// Ties a decoded body to the signature that covers it. Body and signature must name the same wallet.
    pub fn bind<T: NamesWallet>(self, request: T) -> Result<Authenticated<T>, Refusal> {
        same_wallet(self.signed.wallet, request.wallet())?;
        Ok(Authenticated { caller: self, request })
    }
}

impl Newcomer {
    /// Ties a decoded body to the signature that covers it.
    pub fn bind(self, request: request::Join) -> Result<Introduced, Refusal> {
        same_wallet(self.0.wallet, None)?;
        Ok(Introduced {
            newcomer: self,
            request,
        })
    }
}

/// A newcomer's wish to join.
#[derive(Debug)]
pub struct Introduced {
    newcomer: Newcomer,
    request: request::Join,
}

impl Introduced {
    pub(crate) const fn request(&self) -> &request::Join {
        &self.request
    }

    pub(crate) const fn key(&self) -> &IdentityKey {
        &self.newcomer.0.key
    }
}

fn same_wallet(signed: Option<WalletId>, named: Option<WalletId>) -> Result<(), Refusal> {
    if signed == named {
        Ok(())
    } else {
        Err(Refusal::new(
            Reason::PartyMismatch,
            "the body names another wallet than the signed header",
        ))
    }
}

impl<T> Authenticated<T> {
    pub(crate) const fn request(&self) -> &T {
        &self.request
    }

    /// The device.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.caller.signed.device
    }

    pub(crate) const fn key(&self) -> &IdentityKey {
        &self.caller.signed.key
    }

    /// Whose device it is.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.caller.user
    }
}

/// What makes a request this one and no other, for its record.
pub(crate) trait Unique {
    fn signer(&self) -> DeviceId;
    fn digest(&self) -> RequestDigest;
    fn nonce(&self) -> [u8; limits::NONCE_BYTES];
    fn expires(&self) -> u64;
    /// When it was authenticated.
    fn now(&self) -> u64;
}

impl Unique for Signed {
    fn signer(&self) -> DeviceId {
        self.device
    }
    fn digest(&self) -> RequestDigest {
        self.digest
    }
    fn nonce(&self) -> [u8; limits::NONCE_BYTES] {
        self.nonce
    }
    fn expires(&self) -> u64 {
        self.expires
    }
    fn now(&self) -> u64 {
        self.now
    }
}

macro_rules! unique_by {
    ($(($($generics:tt)*) $type:ty, $self:ident => $signed:expr;)*) => {
        $(impl<$($generics)*> Unique for $type {
            fn signer(&$self) -> DeviceId { $signed.signer() }
            fn digest(&$self) -> RequestDigest { $signed.digest() }
            fn nonce(&$self) -> [u8; limits::NONCE_BYTES] { $signed.nonce() }
            fn expires(&$self) -> u64 { $signed.expires() }
            fn now(&$self) -> u64 { $signed.now() }
        })*
    };
}

unique_by! {
    (T) Authenticated<T>, self => self.caller.signed;
    () Introduced, self => self.newcomer.0;
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Finds out which enrolled device signed a request. Its body is not needed yet and should not have been read.
    pub async fn authenticate(&self, proof: &Proof) -> Result<Announced<Caller>, Refusal> {
        let signed = self.verify(proof)?;
        self.no_backend(&signed.key)?;
        let device = self.store.device(signed.device).await?;
        let device = device.ok_or(Reason::DeviceUnknown)?;
        let (user, new) = (device.user, signed.now < device.enrolled.saturating_add(NEW));
        Ok(Announced {
            sender: Caller { signed, user, new },
            body: *proof.body_digest(),
        })
    }

    /// The same for a key that wants to join.
    pub fn authenticate_newcomer(&self, proof: &Proof) -> Result<Announced<Newcomer>, Refusal> {
        let signed = self.verify(proof)?;
        self.no_backend(&signed.key)?;
        sound(&signed.key)?;
        Ok(Announced {
            sender: Newcomer(signed),
            body: *proof.body_digest(),
        })
    }

    fn verify(&self, proof: &Proof) -> Result<Signed, Refusal> {
        if !signature_holds(proof) {
            return Err(Reason::SignatureInvalid.into());
        }
        if proof.protocol().major() != limits::PROTOCOL {
            return Err(Refusal::new(
                Reason::UpgradeRequired,
                Cow::Owned(format!(
                    "this server speaks version {} of the protocol",
                    limits::PROTOCOL
                )),
            ));
        }
        let (digest, now) = (proof.digest(), self.time.now());
        let Window { created, expires } = proof.window();
        if created.abs_diff(now) > limits::SKEW_SECONDS || expires < now {
            let time = ServerTime::sign(&self.identity, digest, now);
            return Err(Refusal::from(Reason::ClockSkew).telling_time(time));
        }
        let key = *proof.key();
        Ok(Signed {
            device: key.device_id(),
            key,
            wallet: proof.wallet(),
            digest,
            nonce: proof.nonce(),
            expires,
            now,
        })
    }
}

/// Refuses a key in whose name anybody can sign (a point of small order), or that has another spelling. One that is enrolled
/// was held to this when it joined, or by the device list that named it.
fn sound(key: &IdentityKey) -> Result<(), Refusal> {
    let checked = IdentityKey::try_from(key.to_bytes().as_slice());
    checked.map(drop).map_err(|_| Reason::SignatureInvalid.into())
}

/// Checks the signature over the proof's base.
fn signature_holds(proof: &Proof) -> bool {
    let verified = match proof.key() {
        IdentityKey::Ed25519(key) => {
            signature::UnparsedPublicKey::new(&signature::ED25519, key).verify(proof.base(), proof.signature())
        }
        IdentityKey::P256(key) => signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, key)
            .verify(proof.base(), proof.signature()),
        _ => return false,
    };
    verified.is_ok()
}
