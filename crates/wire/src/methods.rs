//! Every procedure and what goes for it.

use twofold_api::{
    procedure::{Kind, Request},
    request,
};

/// The service's name; a procedure's path is `/service/procedure`.
macro_rules! procedure_path {
    ($name:ident) => {
        concat!("/twofold.v1.CosignerService/", stringify!($name))
    };
}
pub(crate) use procedure_path;

/// A procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Its path, such as `/twofold.v1.CosignerService/Sign`.
    pub path: &'static str,
    /// Whether it changes something.
    pub kind: Kind,
    /// Whether it is about a wallet.
    pub needs_wallet: bool,
}

const fn method<R: Request>(path: &'static str) -> Method {
    Method {
        path,
        kind: R::KIND,
        needs_wallet: R::NEEDS_WALLET,
    }
}

macro_rules! methods {
    ($($name:ident),* $(,)?) => {
        /// Every procedure of the service, in the order of the .proto. The build fails if one is missing here.
        pub const METHODS: &[Method] = &[$(method::<request::$name>(procedure_path!($name))),*];
    };
}

methods! {
    Join, Hello, BeginCreate, FinishCreate, TestSign, Activate, ListWallets, GetWallet, RenameWallet, Sign,
    SignMessage, Broadcast, Sync, Watch, EstimateFees, GetAudit, DeriveAddress,
    ChangeDevices, SetFreeze, CancelChange, GetShape, InviteDevice, RenameDevice, LiftFence,
    GetRecovery, AskRecovery, Recover,
    BeginRefresh, FinishRefresh,
    RepairRecovery, ReplaceRecovery,
    PairDevice,
    RollForward,
    RepairServer,
    ConfirmChange,
    FindWallets, FindAddresses,
}

/// Every procedure that the .proto has.
const DESCRIBED: &[&str] = include!(concat!(env!("OUT_DIR"), "/procedures.rs"));

const _: () = assert!(
    covers(METHODS, DESCRIBED),
    "METHODS and the .proto must list the same procedures"
);

const fn covers(methods: &[Method], described: &[&str]) -> bool {
    let mut place = 0;
    while place < methods.len() && place < described.len() {
        if !same(methods[place].path, described[place]) {
            return false;
        }
        place += 1;
    }
    methods.len() == described.len()
}

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut place = 0;
    while place < one.len() && place < other.len() {
        if one[place] != other[place] {
            return false;
        }
        place += 1;
    }
    one.len() == other.len()
}

#[cfg(test)]
mod tests;
