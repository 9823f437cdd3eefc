//! A coin of the wallet, wherever it was read: in this machine's books, or from a node.

use bitcoin::{Amount, OutPoint};
use twofold_intent::{Account, Keychain, WalletView as _};

use crate::ledger::{Ledger, Standing};

/// A coin that the wallet can spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coin {
    /// Which output.
    pub outpoint: OutPoint,
    /// Its worth. One that is not true makes a signature that no node takes (BIP-341), and nothing worse.
    pub value: Amount,
    /// The keychain of its address.
    pub keychain: Keychain,
    /// The index of its address.
    pub index: u32,
}

impl Coin {
    /// The coins that the books know and that may be spent, frozen ones too: a sweep leaves nothing behind that it can take.
    #[must_use]
    pub fn in_books(ledger: &Ledger) -> Vec<Self> {
        let coins = ledger.coins().into_iter();
        let sure = coins.filter(|coin| matches!(coin.standing, Standing::Confirmed | Standing::Change));
        let placed = sure.filter_map(|coin| {
            let (outpoint, value) = (coin.outpoint, coin.value);
            let output = ledger.coin(outpoint)?;
            let (keychain, index) = ledger.script(&output.script_pubkey)?;
            Some(Self {
                outpoint,
                value,
                keychain,
                index,
            })
        });
        placed.collect()
    }

    /// The coin's script.
    pub(crate) fn script(&self, account: &Account) -> Result<bitcoin::ScriptBuf, twofold_intent::AccountError> {
        account.script(self.keychain, self.index)
    }
}
