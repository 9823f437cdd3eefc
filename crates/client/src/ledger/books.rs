//! The books of `bdk_wallet`. New ones derive a script for every address that they are to recognise, which takes longer than
//! most requests, so they are opened when somebody first looks at them: a machine that takes a lost one's place does so when
//! everything else is done.

use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use bdk_wallet::Wallet;
use twofold_intent::{Account, Keychain};

use super::{LOOKAHEAD, LedgerFault};

/// A wallet's books.
#[derive(Debug)]
pub(super) enum Books {
    /// As they were kept.
    Kept(Box<Wallet>),
    /// New ones.
    New(Box<New>),
}

/// New books.
#[derive(Debug)]
pub(super) struct New {
    account: Account,
    /// The same, and they recognise nothing: what can be wrong with an account is seen at once.
    light: Wallet,
    whole: OnceLock<Wallet>,
}

fn make(account: &Account, lookahead: u32) -> Result<Wallet, LedgerFault> {
    let [external, internal] = Keychain::ALL.map(|keychain| account.descriptor(keychain));
    Wallet::create(external, internal)
        .network(account.network())
        .lookahead(lookahead)
        .create_wallet_no_persist()
        .map_err(|fault| LedgerFault(fault.to_string()))
}

impl Books {
    /// New ones of an account.
    pub(super) fn new(account: &Account) -> Result<Self, LedgerFault> {
        Ok(Self::New(Box::new(New {
            account: account.clone(),
            light: make(account, 0)?,
            whole: OnceLock::new(),
        })))
    }

    /// Whether every script that they are to recognise was derived.
    #[cfg(test)]
    pub(super) fn are_open(&self) -> bool {
        match self {
            Self::Kept(_) => true,
            Self::New(new) => new.whole.get().is_some(),
        }
    }
}

impl New {
    fn open(&self) -> &Wallet {
        if let Some(whole) = self.whole.get() {
            return whole;
        }
        match make(&self.account, LOOKAHEAD) {
            Ok(whole) => self.whole.get_or_init(|| whole),
            // The account was good for the light ones.
            Err(_) => &self.light,
        }
    }
}

impl Deref for Books {
    type Target = Wallet;

    fn deref(&self) -> &Wallet {
        match self {
            Self::Kept(books) => books,
            Self::New(new) => new.open(),
        }
    }
}

impl DerefMut for Books {
    fn deref_mut(&mut self) -> &mut Wallet {
        match self {
            Self::Kept(books) => books,
            Self::New(new) => {
                new.open();
                let New { light, whole, .. } = &mut **new;
                whole.get_mut().unwrap_or(light)
            }
        }
    }
}
