//! What each request says. Sizes and shapes are already checked when a value of these types exists.

use alloc::{string::String, vec::Vec};
use twofold_threshold::{
    checkpoint::Checkpoint,
    envelope::SealPublic,
    id::{CeremonyId, DeviceId, EpochId, WalletId},
    sign::Commitment,
};

use crate::seal_key::SealedUnlockKey;

/// Enrols the device that signs the request: as a device of the invitation's user, or, with a provider's token in its
/// `Authorization` header, as one of the person who signed in.
#[derive(Clone, PartialEq, Eq)]
pub struct Join {
    /// The invitation's one-time code; none with a token.
    pub code: Option<[u8; 16]>,
    /// What the person calls this device.
    pub device_name: Name,
}

impl core::fmt::Debug for Join {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Join")
            .field("code", &"redacted")
            .field("device_name", &self.device_name)
            .finish()
    }
}

/// Asks for the server's identity, time, network and current seal key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello;

/// First round trip of making a wallet.
#[derive(Debug)]
pub struct BeginCreate {
    /// The wallet to be made; chosen at random by the device.
    pub wallet: WalletId,
    /// What the person calls it.
    pub name: Name,
    /// `threshold::create::Opening`, in its canonical bytes.
    pub opening: Vec<u8>,
    /// The wallet's unlock key, sealed to the server.
    pub unlock: SealedUnlockKey,
    /// Recovery is on another machine and answers by hand: the server is to wait longer.
    pub recovery_elsewhere: bool,
}

/// Second round trip of making a wallet.
#[derive(Debug)]
pub struct FinishCreate {
    /// The wallet being made.
    pub wallet: WalletId,
    /// The ceremony the first round trip opened.
    pub ceremony: CeremonyId,
    /// `threshold::create::Closing`, in its canonical bytes.
    pub closing: Vec<u8>,
    /// The wallet's unlock key again, sealed to the server's current key.
    pub unlock: SealedUnlockKey,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Option<Checkpoint>,
}

/// After a crash between the server's store and the device's: a test share with fresh commitments.
#[derive(Debug)]
pub struct TestSign {
    /// The wallet.
    pub wallet: WalletId,
    /// The device's epoch.
    pub epoch: EpochId,
    /// The device's fresh commitment.
    pub commitment: Commitment,
    /// The wallet's unlock key, sealed to the server.
    pub unlock: SealedUnlockKey,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Option<Checkpoint>,
}

/// Shows the server the test signature; the wallet becomes active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activate {
    /// The wallet.
    pub wallet: WalletId,
    /// BIP-340 signature of the ceremony's test message under the group key.
    pub test_signature: [u8; 64],
    /// The newest checkpoint the device has seen.
    pub checkpoint: Option<Checkpoint>,
}

/// Lists the wallets of the caller's user, a page at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListWallets {
    /// The wallet behind which to go on; none for the first page.
    pub after: Option<WalletId>,
}

/// Reads what is public about one wallet, and its recovery package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetWallet {
    /// The wallet.
    pub wallet: WalletId,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Option<Checkpoint>,
}

/// Gives a wallet another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenameWallet {
    /// The wallet.
    pub wallet: WalletId,
    /// Its new name.
    pub name: Name,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Checkpoint,
}

/// Asks for the server's half of a signature over every own input of a PSBT.
#[derive(Debug)]
pub struct Sign {
    /// The wallet.
    pub wallet: WalletId,
    /// The device's epoch.
    pub epoch: EpochId,
    /// The PSBT, in BIP-174 bytes.
    pub psbt: Vec<u8>,
    /// The device's commitments, one for each own input, in the order of the inputs.
    pub commitments: Vec<Commitment>,
    /// The wallet's unlock key, sealed to the server.
    pub unlock: SealedUnlockKey,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Checkpoint,
}

/// Asks for the server's half of a signature over a text, for one address of the wallet (BIP-322).
#[derive(Debug)]
pub struct SignMessage {
    /// The wallet.
    pub wallet: WalletId,
    /// The device's epoch.
    pub epoch: EpochId,
    /// Keychain (0 external, 1 internal) and index of the address.
    pub path: [u32; 2],
    /// The text, as it stands.
    pub message: Vec<u8>,
    /// The device's commitment.
    pub commitment: Commitment,
    /// The wallet's unlock key, sealed to the server.
    pub unlock: SealedUnlockKey,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Checkpoint,
}

/// Sends a signed transaction of this wallet to the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    /// The wallet.
    pub wallet: WalletId,
    /// The transaction, consensus-encoded.
    pub transaction: Vec<u8>,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Checkpoint,
}

/// Reads what the chain says of a wallet since the last time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    /// The wallet.
    pub wallet: WalletId,
    /// Change counter of the last reply; 0 for everything.
    pub cursor: u64,
    /// The last reply's timeline. Where the server's is another, the cursor says nothing to it: it tells everything.
    pub timeline: u64,
    /// Blocks the client knows, newest first, as (height, hash in internal byte order); at most 32.
    pub locator: Vec<(u32, [u8; 32])>,
    /// One past the highest address index handed out, external and internal: the server watches a gap limit beyond.
    pub revealed: [u32; 2],
    /// The newest checkpoint the device has seen.
    pub checkpoint: Option<Checkpoint>,
}

/// Asks to be told when something of a wallet changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// The wallet.
    pub wallet: WalletId,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Option<Checkpoint>,
}

/// Reads fee estimates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstimateFees {
    /// The wallet (fees are read for a wallet so that its limits apply).
    pub wallet: WalletId,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Option<Checkpoint>,
}

/// Reads the audit chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetAudit {
    /// The wallet.
    pub wallet: WalletId,
    /// First sequence number wanted.
    pub from: u64,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Option<Checkpoint>,
}

/// Asks which address the server derives, from its own record of the wallet, for an index of the external keychain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeriveAddress {
    /// The wallet.
    pub wallet: WalletId,
    /// The address's index.
    pub index: u32,
    /// The newest checkpoint that the device has, where it has one.
    pub checkpoint: Option<Checkpoint>,
}

/// Says that a fenced wallet may sign again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiftFence {
    /// The wallet.
    pub wallet: WalletId,
    /// The newest checkpoint that the device has, where it has one.
    pub checkpoint: Option<Checkpoint>,
    /// A key that the server offers and has in its memory alone: a yes counts for the run that it was said to.
    pub seal_key: SealPublic,
    /// Recovery's signature ([`crate::shape::lifting`]).
    pub recovery: Option<[u8; 64]>,
}

/// Brings a server that was restored forward again, from what it signed itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollForward {
    /// The wallet.
    pub wallet: WalletId,
    /// What it leads to.
    pub checkpoint: Checkpoint,
    /// The audit chain's entries from the server's last one on up to there; none where the device does not have them all.
    pub entries: Vec<Vec<u8>>,
    /// The device list's entries that the server lacks.
    pub device_list: Vec<Vec<u8>>,
    /// The refreshes that the server lacks: links of the package.
    pub links: Vec<Vec<u8>>,
    /// The server's share of the checkpoint's epoch, sealed to the operator's offline key; empty where there is none.
    pub kept: Vec<u8>,
    /// What new recovery words sealed, where the words were replaced meanwhile; else it may be empty.
    pub package: Vec<u8>,
}

/// Changes the device list by one signed entry, or asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeDevices {
    /// The wallet.
    pub wallet: WalletId,
    /// `threshold::device_list::Change`, in its canonical bytes.
    pub entry: Vec<u8>,
    /// With an entry that enrols: what the new device needs, sealed to it. Empty otherwise.
    pub parcel: Vec<u8>,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Checkpoint,
}

/// Freezes a wallet, or asks to let it sign again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetFreeze {
    /// The wallet.
    pub wallet: WalletId,
    /// Freeze, or the opposite.
    pub frozen: bool,
    /// Recovery's word for unfreezing at once.
    pub recovery: Option<Word>,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Checkpoint,
}

/// Recovery's word that a freeze may end, for the run of the server that it was said to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// A key that the server offers and has in its memory alone.
    pub seal_key: SealPublic,
    /// The signature ([`crate::shape::unfreezing`]).
    pub signature: [u8; 64],
}

/// Cancels a change that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelChange {
    /// The wallet.
    pub wallet: WalletId,
    /// The change's number.
    pub change: u64,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Checkpoint,
}

/// Reads what devices are called, whether the wallet is frozen, what waits, and what was left for the asking device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetShape {
    /// The wallet.
    pub wallet: WalletId,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Option<Checkpoint>,
}

/// Mints a one-time code with which another machine of the same person joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteDevice {
    /// The wallet that the machine is meant for.
    pub wallet: WalletId,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Checkpoint,
}

/// Gives a device of the wallet another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenameDevice {
    /// The wallet.
    pub wallet: WalletId,
    /// The device.
    pub device: DeviceId,
    /// Its new name.
    pub name: Name,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Checkpoint,
}

/// Reads what recovery needs to put this device in a lost one's place.
#[derive(Clone, PartialEq, Eq)]
pub struct GetRecovery {
    /// The wallet.
    pub wallet: WalletId,
    /// The code that was minted for this wallet and that this device joined with; not needed once recovery has asked, nor
    /// where a token of the wallet's owner comes along.
    pub code: Option<[u8; 16]>,
    /// Recovery's signature ([`crate::recovery::reading`]).
    pub recovery: [u8; 64],
}

/// Asks, as recovery, that this device take a lost one's place. The wallet is frozen from here on.
#[derive(Clone, PartialEq, Eq)]
pub struct AskRecovery {
    /// The wallet.
    pub wallet: WalletId,
    /// The code that was minted for this wallet and that this device joined with; none where a token of the wallet's owner
    /// comes along.
    pub code: Option<[u8; 16]>,
    /// `threshold::device_list::Change` that lists this device, signed by recovery alone, in its canonical bytes: an entry on the
    /// list's newest, or a wish where recovery did not see the list.
    pub entry: Vec<u8>,
}

/// Has the server help to repair this device's share, once the wait is over: the device is listed then.
#[derive(Debug)]
pub struct Recover {
    /// The wallet.
    pub wallet: WalletId,
    /// The entry again, on the list's newest; empty where this device is listed already.
    pub entry: Vec<u8>,
    /// `threshold::repair::Opening`, signed by recovery, in its canonical bytes; its delta is sealed to the key that
    /// `unlock` names.
    pub opening: Vec<u8>,
    /// The wallet's unlock key, sealed to the server.
    pub unlock: SealedUnlockKey,
}

impl core::fmt::Debug for GetRecovery {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("GetRecovery")
            .field("wallet", &self.wallet)
            .field("code", &"redacted")
            .finish_non_exhaustive()
    }
}

impl core::fmt::Debug for AskRecovery {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AskRecovery")
            .field("wallet", &self.wallet)
            .field("code", &"redacted")
            .field("entry", &self.entry)
            .finish()
    }
}

/// Begins a refresh: new shares of the same key at the next epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeginRefresh {
    /// The wallet.
    pub wallet: WalletId,
    /// The device's epoch, which the refresh is to follow.
    pub epoch: EpochId,
    /// `threshold::refresh::Opening` bytes.
    pub opening: Vec<u8>,
    /// The unlock key of the device's epoch.
    pub unlock: SealedUnlockKey,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Checkpoint,
}

/// Finishes a refresh: the device has made the new epoch durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishRefresh {
    /// The wallet.
    pub wallet: WalletId,
    /// Which run.
    pub ceremony: CeremonyId,
    /// `threshold::refresh::Closing` bytes.
    pub closing: Vec<u8>,
    /// The new unlock key.
    pub unlock: SealedUnlockKey,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Checkpoint,
}

/// Has the server help to repair recovery's share for new words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairRecovery {
    /// The wallet.
    pub wallet: WalletId,
    /// `threshold::device_list::Change` that names the new words, on the list's newest entry, in its canonical bytes.
    pub entry: Vec<u8>,
    /// `threshold::repair::Opening`, signed by the device; its delta is sealed to the key that `unlock` names.
    pub opening: Vec<u8>,
    /// The new words' signature ([`crate::recovery::accepting`]).
    pub accepted: [u8; 64],
    /// The wallet's unlock key, sealed to the server.
    pub unlock: SealedUnlockKey,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Checkpoint,
}

/// Puts new words in the old ones' place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplaceRecovery {
    /// The wallet.
    pub wallet: WalletId,
    /// The entry that names the new words, on the list's newest.
    pub entry: Vec<u8>,
    /// `threshold::package::FirstPackage`, sealed to the new words and signed by them, in its canonical bytes.
    pub package: Vec<u8>,
    /// The newest checkpoint the device has seen.
    pub checkpoint: Checkpoint,
}

/// Gives a restored server its share of the current epoch back, by recovery and this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairServer {
    /// The wallet.
    pub wallet: WalletId,
    /// `threshold::repair::hub::Carried` bytes; what is for the server is sealed to the key that it offers.
    pub repair: Vec<u8>,
    /// The newest checkpoint the device has seen, if it has seen one.
    pub checkpoint: Option<Checkpoint>,
}

/// Says yes, as the person who has just signed in with a second factor, to a change that waits for the operator's yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmChange {
    /// The wallet.
    pub wallet: WalletId,
    /// The change's number.
    pub change: u64,
    /// The newest checkpoint the device has seen; none for a machine that is not on the wallet's list.
    pub checkpoint: Option<Checkpoint>,
}

/// Somebody of an app, as its backend names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Who vouches for them.
    pub issuer: String,
    /// For whom, in the issuer's own words.
    pub subject: String,
}

/// Finds a person's wallets, for the backend of their app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindWallets {
    /// Whose.
    pub person: Named,
    /// The wallet behind which to go on; none for the first page.
    pub after: Option<WalletId>,
}

/// Finds the addresses at which a wallet is paid, for the backend of its owner's app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindAddresses {
    /// The wallet.
    pub wallet: WalletId,
    /// Whose it is.
    pub person: Named,
    /// The index of the first one.
    pub from: u32,
}

/// A name given by a person: 1 to 64 characters, no control characters, no direction overrides, trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// Why a text is no [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameFault {
    /// Nothing but white space.
    #[error("a name can't be empty")]
    Empty,
    /// More than 64 characters.
    #[error("a name has at most {} characters", crate::limits::NAME_CHARS)]
    TooLong,
    /// A control character or one that changes the direction of text.
    #[error("a name can't hold control characters")]
    Control,
}

/// Whether a character can make a text look like another: a control character, or a mark that turns the direction of
/// text, has no width, or that no font shows.
#[must_use]
pub fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::str::FromStr for Name {
    type Err = NameFault;

    fn from_str(text: &str) -> Result<Self, NameFault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NameFault::Empty);
        }
        if text.chars().nth(crate::limits::NAME_CHARS).is_some() {
            return Err(NameFault::TooLong);
        }
        if text.chars().any(misleads) {
            return Err(NameFault::Control);
        }
        Ok(Self(text.into()))
    }
}

impl core::fmt::Display for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;

/// Reads the letters of a pairing, and adds one.
#[derive(Clone, PartialEq, Eq)]
pub struct PairDevice {
    /// The wallet that a machine is to be added to.
    pub wallet: WalletId,
    /// The code of the introduction.
    pub code: [u8; 16],
    /// The next letter (`threshold::pairing`), where it is this machine's turn; otherwise empty.
    pub letter: Vec<u8>,
    /// The newest checkpoint the device has seen; none for a machine that is not on the wallet's list.
    pub checkpoint: Option<Checkpoint>,
}

impl core::fmt::Debug for PairDevice {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PairDevice")
            .field("wallet", &self.wallet)
            .field("code", &"redacted")
            .finish_non_exhaustive()
    }
}
