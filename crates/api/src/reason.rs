//! Every refusal: its gRPC code, its stable reason, and a sentence that says what to do next.

use alloc::borrow::Cow;

use crate::server_time::ServerTime;

/// gRPC status codes that the API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are gRPC's own")]
pub enum Code {
    Unauthenticated,
    PermissionDenied,
    NotFound,
    InvalidArgument,
    FailedPrecondition,
    Aborted,
    AlreadyExists,
    ResourceExhausted,
    Unavailable,
    DeadlineExceeded,
    DataLoss,
    Internal,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $code:ident, $help:literal;)*) => {
        /// A stable name for why a request was refused. Programs may match on it; it never changes meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable text, such as `STALE_EPOCH`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The code that goes with it.
            #[must_use]
            pub const fn code(self) -> Code {
                match self { $(Self::$name => Code::$code),* }
            }

            /// What to do next.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Self::$name => $help),* }
            }

            /// The reason with this stable text.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

reasons! {
    /// No or a malformed signature.
    SignatureMissing = "SIGNATURE_MISSING", Unauthenticated, "sign the request with an enrolled device";
    /// The signature does not verify over what arrived.
    SignatureInvalid = "SIGNATURE_INVALID", Unauthenticated, "sign exactly the bytes, headers and URL that are sent";
    /// `created` or `expires` lie outside the window.
    ClockSkew = "CLOCK_SKEW", Unauthenticated, "note the offset to the signed server time and sign again";
    /// The key is no enrolled device.
    DeviceUnknown = "DEVICE_UNKNOWN", Unauthenticated, "join with an invitation first";
    /// The invitation is unknown, used or expired.
    InvitationInvalid = "INVITATION_INVALID", PermissionDenied, "ask the operator for a new invitation";
    /// The body names another party or wallet than the signature.
    PartyMismatch = "PARTY_MISMATCH", PermissionDenied, "name the wallet and party that signs the request";
    /// This device may not do that.
    NotPermitted = "NOT_PERMITTED", PermissionDenied, "ask someone who may";
    /// The unlock key is not this wallet's.
    WrongUnlockKey = "WRONG_UNLOCK_KEY", PermissionDenied, "use the unlock key of this wallet and epoch";
    /// The transaction does not spend from this wallet.
    NotYourTransaction = "NOT_YOUR_TRANSACTION", PermissionDenied, "broadcast it through a node of your own";
    /// There is no such wallet, for this caller.
    WalletNotFound = "WALLET_NOT_FOUND", NotFound, "look at its long name: its kit has it, and twofold wallet list on a machine of its own";
    /// There is no such ceremony, for this caller.
    CeremonyNotFound = "CEREMONY_NOT_FOUND", NotFound, "start again";
    /// Something in the request can't be read.
    Malformed = "MALFORMED", InvalidArgument, "check the request against the API's description";
    /// The PSBT was refused; the message says why.
    PsbtRefused = "PSBT_REFUSED", InvalidArgument, "fix what the message names and try again";
    /// A checkpoint that this server never signed, or of another wallet.
    CheckpointInvalid = "CHECKPOINT_INVALID", InvalidArgument, "send the newest checkpoint this server gave you";
    /// A party's protocol message is wrong in a way that names who sent it.
    Culprit = "CULPRIT", Aborted, "start the ceremony again; if it happens again, distrust the party it names";
    /// The protocol message belongs to another ceremony or party's state.
    CeremonyMismatch = "CEREMONY_MISMATCH", Aborted, "start the ceremony again";
    /// The messages came out of order.
    OutOfOrder = "OUT_OF_ORDER", FailedPrecondition, "see where the wallet stands (twofold wallet list); what was begun, run again from its beginning";
    /// The ceremony's time is over.
    CeremonyExpired = "CEREMONY_EXPIRED", DeadlineExceeded, "start again";
    /// The share's epoch is not the current one.
    StaleEpoch = "STALE_EPOCH", FailedPrecondition, "bring this device up to date";
    /// The wallet is not active yet.
    NotActive = "NOT_ACTIVE", FailedPrecondition, "run create again to finish it";
    /// The server may be behind what a device has seen.
    RestoreFence = "RESTORE_FENCE", FailedPrecondition, "reading works; signing waits until the fence is lifted: twofold wallet lift-fence";
    /// The unlock key was sealed to a key that the server no longer holds.
    StaleSealKey = "STALE_SEAL_KEY", FailedPrecondition, "seal to the key in this reply and try again";
    /// The client speaks another protocol version.
    UpgradeRequired = "UPGRADE_REQUIRED", FailedPrecondition, "update the older side";
    /// Same nonce, another request.
    NonceReused = "NONCE_REUSED", AlreadyExists, "sign a new request with a fresh nonce";
    /// The wallet exists.
    WalletExists = "WALLET_EXISTS", AlreadyExists, "choose another wallet id";
    /// This request ran, but its reply can't be read any more.
    RequestSpent = "REQUEST_SPENT", Aborted, "sign a new request";
    /// Another request changed the wallet meanwhile.
    Conflict = "CONFLICT", Aborted, "sign a new request";
    /// The device is not, or no longer, on the wallet's list.
    DeviceNotListed = "DEVICE_NOT_LISTED", PermissionDenied, "this machine was struck off, or not added yet: a machine of the wallet adds one, twofold device add";
    /// The device list has changed since the entry was signed.
    ListChanged = "LIST_CHANGED", Aborted, "read the list and sign again on its newest entry";
    /// No such change waits.
    ChangeNotFound = "CHANGE_NOT_FOUND", NotFound, "it was done or cancelled, or nobody asked for it: twofold pending, on a machine of the wallet, shows what waits";
    /// Not signed by the wallet's recovery words.
    NotRecovery = "NOT_RECOVERY", PermissionDenied, "use the words of this wallet; its kit names it";
    /// What recovery asked for still waits, or a device objects.
    RecoveryWaits = "RECOVERY_WAITS", FailedPrecondition, "run recover again when the wait is over; if a device objects, the operator decides";
    /// A device froze the wallet.
    WalletFrozen = "WALLET_FROZEN", FailedPrecondition, "reading works; signing waits until the wallet is unfrozen: twofold unfreeze";
    /// Too many requests.
    RateLimited = "RATE_LIMITED", ResourceExhausted, "wait as long as Retry-After says";
    /// Too much at once: ceremonies, connections, wallets.
    QuotaExceeded = "QUOTA_EXCEEDED", ResourceExhausted, "finish or let go of what is open, then try again";
    /// The message is too large.
    TooLarge = "TOO_LARGE", ResourceExhausted, "send less at once";
    /// The node behind the server does not answer.
    ChainUnavailable = "CHAIN_UNAVAILABLE", Unavailable, "try again in a moment";
    /// The node refused the transaction.
    ChainRefused = "CHAIN_REFUSED", FailedPrecondition, "read the node's reason in the message";
    /// The database does not answer or can't write.
    StoreUnavailable = "STORE_UNAVAILABLE", Unavailable, "try again in a moment";
    /// The server is stopping.
    ShuttingDown = "SHUTTING_DOWN", Unavailable, "try again in a moment";
    /// The token of a sign-in is missing, over or not good.
    TokenInvalid = "TOKEN_INVALID", Unauthenticated, "sign in again and send the new token";
    /// Whoever signed in may not do that here.
    SignInRefused = "SIGN_IN_REFUSED", PermissionDenied, "ask the operator who may use this server";
    /// The provider that people sign in with does not answer.
    SignInUnavailable = "SIGN_IN_UNAVAILABLE", Unavailable, "try again in a moment; the token may be good";
    /// The sign-in is not fresh enough, or was without a second factor.
    StepUpNeeded = "STEP_UP_NEEDED", PermissionDenied, "have the person sign in anew with a second factor, then send that token at once";
    /// Asked from a web page of an origin that the operator did not list.
    OriginRefused = "ORIGIN_REFUSED", PermissionDenied, "have the operator list the web page's origin";
    /// A stored share can't be opened.
    ShareDamaged = "SHARE_DAMAGED", DataLoss, "this wallet is locked; the operator restores it from a backup";
    /// The wallet's state record does not authenticate.
    StateTampered = "STATE_TAMPERED", DataLoss, "this wallet is locked; the operator must look into it";
    /// The request took too long.
    DeadlineExceeded = "DEADLINE_EXCEEDED", DeadlineExceeded, "try again";
    /// A fault of the server's own.
    Internal = "INTERNAL", Internal, "tell the operator the request id";
}

/// A refusal on its way to the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.told())]
pub struct Refusal {
    /// The stable reason.
    pub reason: Reason,
    /// One sentence about this case; never a secret, never another user's data.
    pub message: Cow<'static, str>,
    /// When to try again, in seconds, where that is known.
    pub retry_after: Option<u32>,
    /// The parties to blame, by their names in the protocol.
    pub culprits: alloc::vec::Vec<twofold_threshold::id::Party>,
    /// The server's clock, with `CLOCK_SKEW`.
    pub server_time: Option<alloc::boxed::Box<ServerTime>>,
    /// The server's current seal key, as [`crate::seal_key::Offer`] bytes, with `STALE_SEAL_KEY`.
    pub seal_key: Option<alloc::vec::Vec<u8>>,
}

impl Refusal {
    fn told(&self) -> alloc::string::String {
        let (reason, help) = (self.reason.as_str(), self.reason.help());
        if self.message == help {
            alloc::format!("{help} ({reason})")
        } else {
            alloc::format!("{}; {help} ({reason})", self.message)
        }
    }

    /// A refusal with a sentence about this case.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason,
            message: message.into(),
            retry_after: None,
            culprits: alloc::vec::Vec::new(),
            server_time: None,
            seal_key: None,
        }
    }

    /// The same, with when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The same, naming who is to blame.
    #[must_use]
    pub fn blaming(mut self, culprits: alloc::vec::Vec<twofold_threshold::id::Party>) -> Self {
        self.culprits = culprits;
        self
    }

    /// The same, with the server's clock.
    #[must_use]
    pub fn telling_time(mut self, time: ServerTime) -> Self {
        self.server_time = Some(alloc::boxed::Box::new(time));
        self
    }

    /// The same, with the server's current seal key.
    #[must_use]
    pub fn offering(mut self, seal_key: &crate::seal_key::Offer) -> Self {
        self.seal_key = Some(seal_key.to_bytes());
        self
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::new(reason, Cow::Borrowed(reason.help()))
    }
}

#[cfg(test)]
mod tests;
