//! What goes wrong between device, recovery and the files that they pass.

use twofold_intent::{Refused, Unfinished};
use twofold_threshold::words::WordsError;

use super::file::FileFault;
use crate::fault::Kind;

/// Why recovery can't do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryFault {
    /// The words are mistyped.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// A file can't be used.
    #[error(transparent)]
    File(#[from] FileFault),
    /// Good words, of another wallet.
    #[error("these are the recovery words of another wallet: this package was made for other words")]
    OtherWords,
    /// The package's file holds two different copies of its age file, or none.
    #[error(
        "the age file in the package is damaged or missing, and the stock age tool could not open it: export the package again"
    )]
    AgeFile,
    /// The package says one thing and its signatures another.
    #[error("the package is not what device, server and recovery signed ({0}): do not rely on it; export it again")]
    Package(twofold_threshold::Fault),
    /// The request is not from the wallet's device.
    #[error("the request is not signed by the wallet's device: sign nothing; make a new request on the device")]
    NotFromDevice,
    /// The transaction does something that no wallet of ours signs.
    #[error("recovery does not sign this: {0}")]
    Refused(#[from] Refused),
    /// The reply is for another request.
    #[error("the reply answers another request: it is used up now; run the command again for a new request and reply")]
    OtherRequest,
    /// The reply is not recovery's, or its half of the signature is wrong.
    #[error(
        "recovery's half does not hold ({0}); it is used up now: run the command again for a new request and reply"
    )]
    Reply(twofold_threshold::Fault),
    /// The signature does not verify.
    #[error("the signature of device and recovery does not verify ({0}); nothing was sent")]
    Signature(Unfinished),
    /// Paying oneself is no sweep.
    #[error("{address} belongs to the wallet that is being emptied: name an address of another wallet")]
    ToItself {
        /// The address.
        address: String,
    },
    /// The opening names another server.
    #[error(
        "this recovery holder expects another server (identity {expected}) than the one this machine joined: have it run \
         recovery new with an invitation to this server"
    )]
    OtherServer {
        /// The one it expects.
        expected: String,
    },
    /// A message of a ceremony is wrong.
    #[error("{0}; nothing was signed. If the file is the right one, distrust whom it names and start anew")]
    Ceremony(twofold_threshold::Fault),
    /// The state is not sealed by these words, or of another wallet.
    #[error("this recovery state is not of these words")]
    OtherState,
    /// Sealed to other words.
    #[error("this request is for other words than these: nothing was answered")]
    NotForTheseWords,
    /// The state tells of another wallet or server.
    #[error(
        "this request is about another wallet, or of another server, than the one that these words were made for ({expected}): \
         answer nothing, and ask whoever gave you the file"
    )]
    NotThatWallet {
        /// What the state has.
        expected: String,
    },
    /// This machine waits for no such answer.
    #[error(
        "this machine waits for no such answer of the recovery words: it is for another machine, or has been taken already. To ask \
         anew: the command that wrote the request, with another file"
    )]
    NotAsked,
    /// What the old words have signed is not what is to be done now.
    #[error(
        "the old words have spoken for other words than these, or the wallet's machines have changed since; ask them again: \
         twofold recovery replace --ask FILE"
    )]
    VoiceStale,
    /// The wallet, or the server's short-lived key, is another by now.
    #[error(
        "the wallet has changed, or the server has a new key, since the words were asked; nothing was done. Ask them again: \
         twofold recover --wallet {wallet} --ask FILE"
    )]
    AskAgain {
        /// The wallet.
        wallet: twofold_threshold::id::WalletId,
    },
    /// One state answers one message.
    #[error(
        "this recovery holder has answered another message already, and answers one only: start anew with recovery new"
    )]
    Answered,
    /// This device waits for no such answer.
    #[error(
        "this device waits for no answer of this recovery holder: it has been taken already, or is for another wallet; \
         start anew with recovery new and create --recovery"
    )]
    NotAwaited,
    /// The answer came after the server had stopped waiting.
    #[error(
        "this answer comes too late: the server waits seven days for a recovery holder; start anew with recovery new and \
         create --recovery"
    )]
    TooLate,
    /// They are the wallet's already.
    #[error(
        "these words are the wallet's already. If the shares were not dealt anew since: twofold refresh. Otherwise name a new \
         file for other words"
    )]
    SameWords,
    /// Something came in between.
    #[error(
        "the wallet changed while the new words were on their way: run twofold recovery replace again, and have the new words \
         answer the new message"
    )]
    WalletMoved,
    /// What the server tells of the wallet does not fit together.
    #[error("what the server tells of this wallet is not whole, or not what it signed: ask the operator")]
    Incomplete,
    /// The server's wallet is another one, or was made with another server.
    #[error("the server answers with another wallet than the one asked for, or one that another server made")]
    OtherWallet,
    /// Asking takes the operator's code.
    #[error(
        "this takes an invitation that the operator mints for the wallet (twofold-server invite --recover WALLET), or the token of \
         a sign-in as its owner (--token-file)"
    )]
    NoInvitation,
    /// Nothing to move.
    #[error("there is nothing to move: no coin is worth more than it costs to spend at this fee rate")]
    Nothing,
}

impl RecoveryFault {
    /// What kind of failure it is.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Nothing => Kind::Funds,
            Self::Ceremony(_)
            | Self::Package(_)
            | Self::NotFromDevice
            | Self::OtherRequest
            | Self::Reply(_)
            | Self::Signature(_) => Kind::Protocol,
            _ => Kind::Usage,
        }
    }
}
