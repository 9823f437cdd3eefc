//! Everything that can go wrong, sorted by whose move it is.

use bitcoin::Txid;
use twofold_api::Refusal;
use twofold_api::audit::AuditFault;
use twofold_api::invitation::InvitationFault;
use twofold_api::pairing::PairingFault;
use twofold_api::reason::{Code, Reason};
use twofold_api::request::NameFault;
use twofold_api::server_link::ServerLinkFault;
use twofold_intent::ChainName;
use twofold_intent::MessageRefused;
use twofold_intent::psbt::Unfinished;
use twofold_threshold::device_list::ListFault;
use twofold_wire::Malformed;

use crate::headers::ChainLie;
use crate::labels::LabelFault;
use crate::ledger::{DraftFault, LedgerFault};
use crate::port::{KeystoreFault, TransportFault};
use crate::recovery::RecoveryFault;

/// What kind of failure it is: what a shell's exit code tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Something asked for can't be, as it was asked.
    Usage,
    /// The server understood and said no.
    Refused,
    /// No connection, or none that held.
    Network,
    /// The server is there but not able: its store, its node, its keys.
    Server,
    /// The keystore on this machine.
    Keystore,
    /// The money does not suffice.
    Funds,
    /// The server, or someone between, does not keep to the protocol. The device stops and says so.
    Protocol,
}

/// Why a call failed. Its text says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The keystore.
    #[error(transparent)]
    Keystore(#[from] KeystoreFault),
    /// The way to the server.
    #[error(transparent)]
    Transport(#[from] TransportFault),
    /// The server said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The server broke the protocol.
    #[error(transparent)]
    Breach(#[from] Breach),
    /// The server lied about the chain.
    #[error("{0}; nothing was taken over. The server or its node lies or is broken: ask the operator")]
    Chain(#[from] ChainLie),
    /// A party of a ceremony sent something wrong.
    #[error("{0}; run the command again, and if it happens again distrust whom it names")]
    Ceremony(#[from] twofold_threshold::Fault),
    /// No such transaction can be made.
    #[error(transparent)]
    Draft(#[from] DraftFault),
    /// A PSBT can't be finished.
    #[error(transparent)]
    Unfinished(#[from] Unfinished),
    /// A text can't be signed.
    #[error(transparent)]
    Message(#[from] MessageRefused),
    /// The wallet's books.
    #[error(transparent)]
    Ledger(#[from] LedgerFault),
    /// The invitation can't be read.
    #[error(transparent)]
    Invitation(#[from] InvitationFault),
    /// The server's link can't be read.
    #[error(transparent)]
    ServerLink(#[from] ServerLinkFault),
    /// A text of another machine can't be read.
    #[error(transparent)]
    Pairing(#[from] PairingFault),
    /// A name that no one can have.
    #[error(transparent)]
    Name(#[from] NameFault),
    /// A label that can't be kept.
    #[error(transparent)]
    Label(#[from] LabelFault),
    /// Recovery, its words or its files.
    #[error(transparent)]
    Recovery(#[from] RecoveryFault),
    /// Asked wrongly.
    #[error(transparent)]
    Usage(#[from] Usage),
}

/// Asked for something that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Usage {
    /// This keystore has joined no server.
    #[error("this machine has not joined a server yet; run: twofold join INVITATION")]
    NotJoined,
    /// The key went on without this device, and nothing that waits for it opens.
    #[error(
        "this device's share is of epoch {had}, which is over since a refresh that it missed, and nothing that waits for it \
         opens. With another machine of the wallet: twofold device add there, twofold join --home NEW-FOLDER here. Without: twofold \
         recover, with the recovery words"
    )]
    LeftBehind {
        /// Its epoch.
        had: u32,
    },
    /// The other machine did not come to compare.
    #[error(
        "the other machine did not come within ten minutes; nothing was added. Begin again on the machine that has the wallet: \
         twofold device add --code"
    )]
    NobodyCame,
    /// Another refresh was faster.
    #[error("another refresh was faster than this one; this device keeps up with it at the next contact")]
    Overtaken,
    /// It has joined another one.
    #[error("this keystore already belongs to {url}; set TWOFOLD_HOME to another folder to join a second server")]
    JoinedElsewhere {
        /// Where it belongs.
        url: String,
    },
    /// It has joined this one, under another address or certificate.
    #[error(
        "this keystore joined its server at {url} and stays with that address and certificate: an invitation alone does \
         not prove that the server moved. Have the server answer there, or set TWOFOLD_HOME to another folder and join \
         as a new device"
    )]
    JoinedOtherwise {
        /// Where it belongs.
        url: String,
    },
    /// What was given is no token.
    #[error("there is no sign-in token, or it has spaces or line breaks in it; give it as the provider gave it")]
    NoToken,
    /// The invitation's time is over.
    #[error("the invitation has expired; ask the operator for a new one")]
    InvitationExpired,
    /// No wallet of that name or id.
    #[error("there is no wallet {asked:?} on this machine; twofold wallet list shows what there is")]
    NoSuchWallet {
        /// What was asked for.
        asked: String,
    },
    /// No wallet at all.
    #[error("there is no wallet yet; make one with: twofold create")]
    NoWallet,
    /// Several, and none was named.
    #[error("there are several wallets: {wallets}; say which with --wallet")]
    WhichWallet {
        /// Their names and ids.
        wallets: String,
    },
    /// Several of the name that was given.
    #[error("several wallets have that name: {wallets}; say which with --wallet and its id")]
    SameName {
        /// Their names and ids.
        wallets: String,
    },
    /// It is not finished.
    #[error("this wallet is not finished; run twofold create again to finish it")]
    Unfinished,
    /// The words were confirmed and erased.
    #[error("the recovery words of this wallet are not on this machine any more")]
    WordsForgotten,
    /// The server serves a network that this version does not know.
    #[error("the server serves the network {network:?}, which this version does not know; update twofold")]
    UnknownNetwork {
        /// Its name.
        network: String,
    },
    /// Not an address that this machine knows to be the wallet's.
    #[error("{address} is no address of this wallet that was handed out; give --index N where you know its number")]
    NotOurs {
        /// The address.
        address: String,
    },
    /// An address that is not this wallet's to be paid at.
    #[error("{address} is no receiving address of this wallet")]
    NotOurAddress {
        /// The address.
        address: String,
    },
    /// The server's coins are worth something.
    #[error(
        "this server is on the main network, and nobody outside has reviewed Twofold: coins may be lost. To join \
         nevertheless: twofold join --risk-real-money INVITATION"
    )]
    RealMoney,
    /// No device of that name or id.
    #[error("there is no device {asked:?} in this wallet; twofold device list shows what there is")]
    NoSuchDevice {
        /// What was asked for.
        asked: String,
    },
    /// Several devices of that name.
    #[error("several devices fit {asked:?}; say which by the beginning of its id: twofold device list")]
    WhichDevice {
        /// What was asked for.
        asked: String,
    },
    /// No such change waits.
    #[error("no change {change} waits; twofold pending shows what does")]
    NoSuchChange {
        /// Its number.
        change: u64,
    },
    /// What recovery asks for takes no other's voice.
    #[error(
        "change {change} is asked for with the recovery words and takes no other voice: it goes on when its time has come. \
         To stop it: twofold pending cancel {change}"
    )]
    AskedByRecovery {
        /// Its number.
        change: u64,
    },
    /// It was signed on a list that has changed since.
    #[error(
        "the wallet's machines have changed since change {change} was asked for; run the command again on the machine that \
         asked, and then this one"
    )]
    StaleChange {
        /// Its number.
        change: u64,
    },
    /// A card for another wallet.
    #[error("that machine wants to be in another wallet; give it this wallet's introduction: twofold device add")]
    CardOfAnother,
    /// An entry that can't be.
    #[error("{0}")]
    DeviceList(ListFault),
    /// Listed, but without what a device needs.
    #[error(
        "this machine is on the wallet's list, but what was left for it is gone; revoke it there (twofold device revoke) \
         and join anew with another home folder"
    )]
    NoParcel,
    /// No fee estimate.
    #[error("the server has no fee estimate; name a rate with --fee-rate")]
    NoEstimate,
    /// Not a procedure's name.
    #[error("{method:?} is no procedure of this server")]
    NoSuchMethod {
        /// What was asked for.
        method: String,
    },
}

/// The server, or someone between, does not keep to the protocol. What came was not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Breach {
    /// A reply that can't be read.
    #[error("the server's reply can't be read: {0}; update twofold, or ask the operator for the server's version")]
    Unreadable(#[from] Malformed),
    /// An answer that no Twofold server gives.
    #[error("the answer (HTTP {status}) is no Twofold server's; is the URL right, and is there a proxy in between?")]
    Foreign {
        /// The HTTP status.
        status: u16,
    },
    /// The server at this URL is not the one of the invitation.
    #[error("the server that answers is not the one of the invitation (its identity key differs); do not go on")]
    WrongServer,
    /// A seal key that the server did not sign.
    #[error("the server's sealing key is not signed by the server; do not go on, and tell the operator")]
    SealKey,
    /// A checkpoint that the server did not sign, or of another wallet.
    #[error("the server's checkpoint is not signed by the server, or is of another wallet; do not go on")]
    Checkpoint,
    /// The server has forgotten what it had confirmed.
    #[error(
        "the server was rolled back: it had confirmed entry {had} of the wallet's log and now shows {shows}. \
         Nothing was signed; ask the operator whether a backup was restored"
    )]
    RolledBack {
        /// The sequence number this machine has proof of.
        had: u64,
        /// The one it shows now.
        shows: u64,
    },
    /// Two heads of one chain.
    #[error("the server shows two different logs of this wallet at entry {seq}; do not go on, and tell the operator")]
    Forked {
        /// Where they part.
        seq: u64,
    },
    /// A fence was lifted where the server has forgotten a refresh.
    #[error(
        "the server was restored from before a refresh: this machine is at epoch {had}, the server at {shows}. Nothing was \
         taken over; tell the operator, who must bring the later share back"
    )]
    LiftedBehind {
        /// The epoch this machine knows.
        had: u32,
        /// The one it shows now.
        shows: u32,
    },
    /// Another generation of the log that no entry opens.
    #[error("the server shows generation {shows} of this wallet's log, and no entry lifts a fence; do not go on")]
    NoLift {
        /// The generation it shows.
        shows: u32,
    },
    /// The log goes on for longer than is read at once. It contradicts nothing.
    #[error(
        "the wallet's log is too long to be read at once, and nothing is signed before it is: a machine of the wallet may be \
         filling it. Strike that one off (twofold device revoke), or send everything to a new wallet with the recovery words"
    )]
    LogUnread,
    /// A list that comes to no end.
    #[error("the server's list of wallets comes to no end; tell the operator")]
    Endless,
    /// A device list that does not hold.
    #[error("the wallet's device list does not hold: {0}; do not go on, and tell the operator")]
    DeviceList(ListFault),
    /// The list is shorter than it was.
    #[error(
        "the server shows a device list of {shows} entries, and this machine knows {had}: the server was rolled back, or \
         hides something. Nothing was done; ask the operator"
    )]
    ListBehind {
        /// How many entries this machine knows.
        had: usize,
        /// How many it shows now.
        shows: usize,
    },
    /// Two lists.
    #[error(
        "the server shows two different device lists of this wallet at entry {entry}; do not go on: compare twofold device \
         list on your machines, and tell the operator"
    )]
    ListForked {
        /// Where they part.
        entry: u32,
    },
    /// What was left for this device is not from the one that introduced it.
    #[error(
        "what the server hands over is not from the machine that introduced this one, or not for these keys; do not go on. \
         Compare the texts that you carried, and begin anew with: twofold device add"
    )]
    ForeignParcel,
    /// The server's clock statement is false.
    #[error("the server's time is not signed by the server; set this machine's clock and try again")]
    FalseTime,
    /// The signature does not verify, though each half did.
    #[error("the signature made with the server does not verify; nothing was sent")]
    Signature,
    /// The audit chain does not hold.
    #[error("the wallet's log does not hold: {0}; tell the operator")]
    Audit(#[from] AuditFault),
    /// A transaction under another id than it has.
    #[error("the server answered for another transaction than {txid}")]
    OtherTransaction {
        /// The one that was sent.
        txid: Txid,
    },
    /// An address that the server did not sign for this request.
    #[error("the server's word on the address is not signed by the server; do not be paid there")]
    Address,
    /// Two parties derive two addresses.
    #[error(
        "this machine derives {ours} and the server {theirs}: be paid at neither. One of the two has another key for \
         this wallet; compare twofold descriptor with a copy you trust, and ask the operator"
    )]
    OtherAddress {
        /// This machine's.
        ours: String,
        /// The server's.
        theirs: String,
    },
    /// The server is on another chain than before.
    #[error("this machine joined the server on {had}, and now it says {shows}; do not go on, and tell the operator")]
    OtherChain {
        /// The chain that was joined.
        had: ChainName,
        /// The one it says now.
        shows: ChainName,
    },
    /// The server's wallet is not the one that was made.
    #[error("what the server says of this wallet is not what this machine knows of it; do not go on")]
    OtherWallet,
}

impl Breach {
    /// Whether it puts the wallet's log in doubt: the server contradicts what it had signed of it.
    pub(crate) const fn doubts_the_log(&self) -> bool {
        matches!(
            self,
            Self::RolledBack { .. }
                | Self::Forked { .. }
                | Self::LiftedBehind { .. }
                | Self::NoLift { .. }
                | Self::Audit(_)
        )
    }
}

impl Fault {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Keystore(_) | Self::Ledger(_) => Kind::Keystore,
            Self::Refused(refusal) => match refusal.reason.code() {
                Code::Unavailable | Code::DataLoss | Code::Internal => Kind::Server,
                _ => Kind::Refused,
            },
            Self::Transport(TransportFault::Untrusted { .. })
            | Self::Breach(_)
            | Self::Chain(_)
            | Self::Ceremony(_)
            | Self::Message(MessageRefused::BadSignature | MessageRefused::Sighash) => Kind::Protocol,
            Self::Transport(_) => Kind::Network,
            Self::Recovery(fault) => fault.kind(),
            Self::Draft(
                DraftFault::TooLittle { .. }
                | DraftFault::NamedTooLittle { .. }
                | DraftFault::TooManyCoins { .. }
                | DraftFault::NothingToPayWith,
            ) => Kind::Funds,
            Self::Draft(_)
            | Self::Unfinished(_)
            | Self::Message(_)
            | Self::Invitation(_)
            | Self::Pairing(_)
            | Self::ServerLink(_)
            | Self::Name(_)
            | Self::Label(_)
            | Self::Usage(_) => Kind::Usage,
        }
    }

    /// The server's stable reason, where it said no.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused(refusal) => Some(refusal.reason),
            _ => None,
        }
    }
}
