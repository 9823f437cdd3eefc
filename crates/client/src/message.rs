//! Texts, signed for an address (BIP-322): ours are signed with the server, anybody's are verified alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bip322::Verification;
use bitcoin::absolute::LockTime;
use bitcoin::address::NetworkUnchecked;
use bitcoin::consensus::encode::deserialize;
use bitcoin::{Address, AddressType, Sequence, Witness};
use twofold_api::request::SignMessage;
use twofold_api::seal_key::Step;
use twofold_intent::{Keychain, MessageFacts, MessageRefused, WalletView, message};
use twofold_threshold::sign::InputToSign;

use crate::client::Client;
use crate::cosign::Intent;
use crate::fault::{Fault, Usage};
use crate::port::Platform;
use crate::wallet::Wallet;

/// Most characters of a signature that is read: nothing that signs for one address is near as long.
const MOST_SIGNATURE: usize = 128 * 1024;

/// Which of the wallet's addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// By its number, as handed out.
    Index(u32),
    /// By itself.
    Address(Address<NetworkUnchecked>),
}

/// A text with its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// For whom it was signed.
    pub address: Address,
    /// BIP-322's simple form.
    pub signature: String,
}

impl<P: Platform> Client<P> {
    /// What signing a text for one of the wallet's addresses means. Nobody is asked.
    pub fn examine_message(&self, wallet: &Wallet, place: &Place, text: &[u8]) -> Result<MessageFacts, Fault> {
        let ledger = wallet.ledger();
        let (keychain, index) = match place {
            Place::Index(index) => (Keychain::External, *index),
            Place::Address(address) => {
                let script = address.assume_checked_ref().script_pubkey();
                let known = ledger
                    .script(&script)
                    .filter(|_| address.is_valid_for_network(wallet.network()));
                known.ok_or_else(|| Usage::NotOurs {
                    address: address.assume_checked_ref().to_string(),
                })?
            }
        };
        Ok(message::facts(text, ledger.account(), keychain, index)?)
    }

    /// Signs a text for one of the wallet's addresses together with the server. What is signed is worked out here and, on
    /// its own, by the server; it can be no transaction.
    pub async fn sign_message(&mut self, wallet: &mut Wallet, place: &Place, text: &[u8]) -> Result<Proof, Fault> {
        let facts = self.examine_message(wallet, place, text)?;
        let path = [facts.keychain.number(), facts.child];
        let inputs = [InputToSign {
            path,
            message: facts.sighash,
        }];
        let intent = Intent {
            step: Step::SignMessage,
            inputs: &inputs,
            digest: facts.hash,
        };
        let signatures = self
            .cosign_all(wallet, &intent, |terms| SignMessage {
                wallet: terms.wallet,
                epoch: terms.epoch,
                path,
                message: text.to_vec(),
                commitment: terms.commitments[0],
                unlock: terms.unlock,
                checkpoint: terms.checkpoint,
            })
            .await?;
        let signature = signatures.first().ok_or(MessageRefused::BadSignature)?;
        Ok(Proof {
            signature: message::proof(&facts, signature)?,
            address: facts.address,
        })
    }
}

/// What a signature of a text is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds. A signature that is bound to time holds from `time` on, in the age `age` of what it spends; most are not.
    Valid {
        /// `nLockTime`, where it is not 0.
        time: Option<LockTime>,
        /// `nSequence`, where it is not 0.
        age: Option<Sequence>,
    },
    /// It may or may not hold: the address's script is of a kind that is not understood here.
    Inconclusive,
}

/// A signature that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// Longer than any.
    #[error("that is no signature of a text: it is too long")]
    TooLong,
    /// A proof of funds.
    #[error(
        "that is a proof of funds, which takes a node to check that its coins are there; this checks texts for an address"
    )]
    ProofOfFunds,
    /// Anything else that is wrong with it.
    #[error("the signature does not hold for this address and text: {0}")]
    Wrong(String),
}

/// Checks a signature of a text (BIP-322, simple and full; for addresses that start with 1, the legacy form too), with or
/// without its prefix. Needs no keystore, no server and no network.
///
/// Understood are P2TR by its key path, P2WPKH, P2SH-P2WPKH, P2PKH, and plain multisig in P2WSH and P2SH. Other scripts are
/// [`Verdict::Inconclusive`] or, where their witness looks like none of these, invalid.
pub fn verify(address: &Address<NetworkUnchecked>, text: &[u8], signature: &str) -> Result<Verdict, Invalid> {
    if signature.len() > MOST_SIGNATURE {
        return Err(Invalid::TooLong);
    }
    let (address, signature) = (address.assume_checked_ref(), signature.trim());
    let verdict = if let Some(full) = signature.strip_prefix("ful") {
        let transaction = deserialize(&bytes(full)?).map_err(|_| wrong("it is no transaction"))?;
        bip322::verify_full(address, text, transaction)
    } else if let Some(simple) = signature.strip_prefix("smp") {
        bip322::verify_simple(address, text, witness(simple)?)
    } else if signature.starts_with("pof") {
        return Err(Invalid::ProofOfFunds);
    } else if address.address_type() == Some(AddressType::P2pkh) {
        let text = core::str::from_utf8(text).map_err(|_| wrong("the legacy form signs UTF-8 alone"))?;
        return match bip322::verify_legacy_encoded(&address.to_string(), text, signature) {
            Ok(()) => Ok(Verdict::Valid { time: None, age: None }),
            Err(why) => Err(wrong(&why.to_string())),
        };
    } else {
        // Made before the form was finished: taken for the simple one.
        bip322::verify_simple(address, text, witness(signature)?)
    };
    Ok(match verdict.map_err(|why| wrong(&why.to_string()))? {
        Verification::Valid { time, age } => Verdict::Valid {
            time: Some(time).filter(|time| *time != LockTime::ZERO),
            age: Some(age).filter(|age| *age != Sequence::ZERO),
        },
        Verification::Inconclusive => Verdict::Inconclusive,
    })
}

fn wrong(why: &str) -> Invalid {
    Invalid::Wrong(why.into())
}

fn bytes(text: &str) -> Result<Vec<u8>, Invalid> {
    STANDARD.decode(text).map_err(|_| wrong("it is not base64"))
}

fn witness(text: &str) -> Result<Witness, Invalid> {
    deserialize(&bytes(text)?).map_err(|_| wrong("it is no witness"))
}

#[cfg(test)]
mod tests;
