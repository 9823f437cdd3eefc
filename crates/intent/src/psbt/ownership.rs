//! Which scripts are ours. A path says where to look; the script derived there decides.

use std::collections::BTreeMap;

use bitcoin::bip32::{ChildNumber, KeySource};
use bitcoin::psbt::{Input, Output};
use bitcoin::{Script, TapLeafHash, XOnlyPublicKey};

use super::{Refused, WalletView};
use crate::{Account, Keychain};

/// How many paths under our fingerprint are followed for one input or output; an honest one needs one.
const MAX_PATHS: usize = 2;

/// Where under the account a script stands.
pub(super) struct Owner {
    pub(super) keychain: Keychain,
    pub(super) child: u32,
    pub(super) internal: XOnlyPublicKey,
}

/// Ours, somebody else's, or a refusal: a path under our fingerprint that leads elsewhere is a lie.
pub(super) fn of_input(
    index: usize,
    map: &Input,
    script: &Script,
    account: &Account,
    view: &impl WalletView,
) -> Result<Option<Owner>, Refused> {
    let claims = key_paths(&map.tap_key_origins).chain(map.bip32_derivation.values());
    find(claims, script, account, view)?.or_false(Refused::FalsePath { input: index })
}

/// The same for an output; the lie here is false change.
pub(super) fn of_output(
    index: usize,
    map: &Output,
    script: &Script,
    account: &Account,
    view: &impl WalletView,
) -> Result<Option<Owner>, Refused> {
    let claims = key_paths(&map.tap_key_origins).chain(map.bip32_derivation.values());
    find(claims, script, account, view)?.or_false(Refused::FalseChange { output: index })
}

/// What a PSBT may say of an input that we sign: nothing that would need another tweak, another path or another turn.
pub(super) fn check_own_input(input: usize, map: &Input, internal: &XOnlyPublicKey) -> Result<(), Refused> {
    if map.tap_merkle_root.is_some() {
        return Err(Refused::MerkleRoot { input });
    }
    if map.tap_internal_key.is_some_and(|claimed| claimed != *internal) {
        return Err(Refused::InternalKey { input });
    }
    let leaves = map.tap_key_origins.values().any(|(leaves, _)| !leaves.is_empty());
    if leaves
        || !map.tap_scripts.is_empty()
        || !map.tap_script_sigs.is_empty()
        || map.redeem_script.is_some()
        || map.witness_script.is_some()
    {
        return Err(Refused::ScriptPath { input });
    }
    if map.tap_key_sig.is_some()
        || !map.partial_sigs.is_empty()
        || map.final_script_sig.is_some()
        || map.final_script_witness.is_some()
    {
        return Err(Refused::AlreadySigned { input });
    }
    Ok(())
}

enum Found {
    Ours(Owner),
    Foreign,
    /// Claimed to be ours by a path under our fingerprint, and is not.
    False,
}

impl Found {
    fn or_false(self, refused: Refused) -> Result<Option<Owner>, Refused> {
        match self {
            Self::Ours(owner) => Ok(Some(owner)),
            Self::Foreign => Ok(None),
            Self::False => Err(refused),
        }
    }
}

/// Keys that would sign alone; a key inside a script tree makes no claim to the whole output.
fn key_paths(origins: &BTreeMap<XOnlyPublicKey, (Vec<TapLeafHash>, KeySource)>) -> impl Iterator<Item = &KeySource> {
    origins
        .values()
        .filter(|(leaves, _)| leaves.is_empty())
        .map(|(_, source)| source)
}

fn find<'a>(
    claims: impl Iterator<Item = &'a KeySource>,
    script: &Script,
    account: &Account,
    view: &impl WalletView,
) -> Result<Found, Refused> {
    let mut claimed = claims
        .filter(|(fingerprint, _)| *fingerprint == account.fingerprint())
        .peekable();
    let lies_if_not_found = claimed.peek().is_some();
    let paths = claimed.take(MAX_PATHS).filter_map(|(_, path)| position(path.as_ref()));
    // Every script of ours is taproot; others are not worth a derivation.
    if script.is_p2tr() {
        for (keychain, child) in paths.chain(view.script(script)) {
            let keys = match view.kept(keychain, child) {
                Some(keys) => keys,
                None => account.child_keys(keychain, child)?,
            };
            if keys.script.as_script() == script {
                return Ok(Found::Ours(Owner {
                    keychain,
                    child,
                    internal: keys.internal,
                }));
            }
        }
    }
    Ok(if lies_if_not_found {
        Found::False
    } else {
        Found::Foreign
    })
}

/// The account is a master key, so our paths are two unhardened steps.
fn position(path: &[ChildNumber]) -> Option<(Keychain, u32)> {
    match path {
        [ChildNumber::Normal { index: keychain }, ChildNumber::Normal { index }] => {
            Keychain::try_from(*keychain).ok().map(|keychain| (keychain, *index))
        }
        _ => None,
    }
}
