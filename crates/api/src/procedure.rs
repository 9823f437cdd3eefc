//! What the server can be asked: which request gets which reply, whether it changes something, which wallet it names.

use twofold_threshold::id::WalletId;

use crate::{reply, request};

/// Whether a request changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It may run any number of times.
    Read,
    /// It runs once: its reply is recorded, and the same signed request gets the same bytes again.
    Change,
    /// It reads, and its answer is a stream that goes on until one side ends it.
    Stream,
}

/// A request of the API.
pub trait Request: Sized {
    /// What answers it.
    type Reply;
    /// Its procedure's name, such as `BeginCreate`.
    const NAME: &'static str;
    /// Whether it changes something.
    const KIND: Kind;
    /// Whether it is about a wallet.
    const NEEDS_WALLET: bool;

    /// The wallet that it is about; the request's signed header must name the same.
    fn wallet(&self) -> Option<WalletId>;
}

macro_rules! procedures {
    ($($request:ident -> $reply:ident, $kind:ident, $wallet:tt;)*) => {$(
        impl Request for request::$request {
            type Reply = reply::$reply;
            const NAME: &'static str = stringify!($request);
            const KIND: Kind = Kind::$kind;
            const NEEDS_WALLET: bool = procedures!(@needs $wallet);

            fn wallet(&self) -> Option<WalletId> {
                procedures!(@wallet self $wallet)
            }
        }
    )*};
    (@needs wallet) => { true };
    (@needs none) => { false };
    (@wallet $self:ident wallet) => { Some($self.wallet) };
    (@wallet $self:ident none) => { None };
}

procedures! {
    Join -> Joined, Change, none;
    Hello -> Greeting, Read, none;
    BeginCreate -> CreateBegun, Change, wallet;
    FinishCreate -> CreateFinished, Change, wallet;
    TestSign -> TestSigned, Change, wallet;
    Activate -> Done, Change, wallet;
    ListWallets -> Wallets, Read, none;
    GetWallet -> Wallet, Read, wallet;
    RenameWallet -> Done, Change, wallet;
    Sign -> Signed, Change, wallet;
    SignMessage -> Signed, Change, wallet;
    Broadcast -> Sent, Change, wallet;
    Sync -> Synced, Read, wallet;
    Watch -> Pulse, Stream, wallet;
    EstimateFees -> Fees, Read, wallet;
    GetAudit -> Audit, Read, wallet;
    DeriveAddress -> Derived, Read, wallet;
    ChangeDevices -> Asked, Change, wallet;
    SetFreeze -> Asked, Change, wallet;
    CancelChange -> Done, Change, wallet;
    GetShape -> Shape, Read, wallet;
    InviteDevice -> DeviceInvited, Change, wallet;
    RenameDevice -> Done, Change, wallet;
    LiftFence -> Done, Change, wallet;
    GetRecovery -> Recovery, Read, wallet;
    AskRecovery -> Asked, Change, wallet;
    Recover -> Recovered, Change, wallet;
    BeginRefresh -> RefreshBegun, Change, wallet;
    FinishRefresh -> RefreshFinished, Change, wallet;
    RepairRecovery -> Recovered, Change, wallet;
    ReplaceRecovery -> Done, Change, wallet;
    PairDevice -> Pairing, Read, wallet;
    RollForward -> Done, Change, wallet;
    RepairServer -> Done, Change, wallet;
    ConfirmChange -> Done, Change, wallet;
    FindWallets -> Wallets, Read, none;
    FindAddresses -> Addresses, Read, wallet;
}

/// Whether a procedure, by its name, heeds the token of a sign-in. To any other none is sent, and none is looked at there.
#[must_use]
pub fn takes_token(name: &str) -> bool {
    [
        request::Join::NAME,
        request::GetRecovery::NAME,
        request::AskRecovery::NAME,
        request::ConfirmChange::NAME,
    ]
    .contains(&name)
}

/// Whether a procedure, by its name, is for an app's backend and no device.
#[must_use]
pub fn is_for_backends(name: &str) -> bool {
    [request::FindWallets::NAME, request::FindAddresses::NAME].contains(&name)
}
