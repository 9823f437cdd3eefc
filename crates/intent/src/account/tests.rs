//! The account against BIP-86's vectors and against another descriptor library.

use bitcoin::bip32::{Xpriv, Xpub};
use bitcoin::key::Secp256k1;
use bitcoin::{Network, ScriptBuf};
use miniscript::{Descriptor, DescriptorPublicKey};
use rstest::rstest;

use super::{Account, AccountError, Keychain};

fn regtest() -> Account {
    let secret = Xpriv::new_master(Network::Regtest, b"two of three").unwrap();
    Account::new(Network::Regtest, Xpub::from_priv(&Secp256k1::new(), &secret)).unwrap()
}

/// BIP-86's account key, taken as a master: addresses hang on key and chain code alone.
fn bip86() -> Account {
    let xpub: Xpub = "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ"
        .parse()
        .unwrap();
    Account::from_group_key(
        Network::Bitcoin,
        &xpub.public_key.serialize(),
        xpub.chain_code.to_bytes(),
    )
    .unwrap()
}

#[rstest]
#[case::first_receiving(
    Keychain::External,
    0,
    "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
)]
#[case::second_receiving(
    Keychain::External,
    1,
    "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh"
)]
#[case::first_change(
    Keychain::Internal,
    0,
    "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7"
)]
fn bip86_addresses_come_out(#[case] keychain: Keychain, #[case] index: u32, #[case] address: &str) {
    assert_eq!(bip86().address(keychain, index).unwrap().to_string(), address);
    assert_eq!(
        bip86().address(keychain, index).unwrap().script_pubkey(),
        bip86().script(keychain, index).unwrap()
    );
}

#[rstest]
#[case::external(Keychain::External)]
#[case::internal(Keychain::Internal)]
fn another_library_reads_the_descriptor_and_derives_the_same_scripts(#[case] keychain: Keychain) {
    let account = regtest();
    let single: Descriptor<DescriptorPublicKey> = account.descriptor(keychain).parse().unwrap();
    let both: Descriptor<DescriptorPublicKey> = account.descriptor_multipath().parse().unwrap();
    assert_eq!(single.to_string(), account.descriptor(keychain));
    assert_eq!(both.to_string(), account.descriptor_multipath());
    let split = both.into_single_descriptors().unwrap();
    assert_eq!(split[usize::try_from(keychain.number()).unwrap()], single);
    for index in [0, 1, 20, (1 << 31) - 1] {
        let theirs: ScriptBuf = single.at_derivation_index(index).unwrap().script_pubkey();
        assert_eq!(account.script(keychain, index).unwrap(), theirs);
    }
}

#[test]
fn the_fingerprint_is_that_of_the_master_key_itself() {
    let account = regtest();
    assert_eq!(account.fingerprint(), account.xpub().fingerprint());
    assert!(
        account
            .descriptor_multipath()
            .starts_with(&format!("tr([{}]tpub", account.fingerprint()))
    );
    let (fingerprint, path) = account.origin(Keychain::Internal, 5).unwrap();
    assert_eq!((fingerprint, path.to_string().as_str()), (account.fingerprint(), "1/5"));
}

#[test]
fn a_key_that_is_no_master_or_of_another_network_makes_no_account() {
    let child: Xpub = "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ"
        .parse()
        .unwrap();
    assert_eq!(Account::new(Network::Bitcoin, child), Err(AccountError::NotMaster(3)));
    let xpub = *regtest().xpub();
    assert_eq!(
        Account::new(Network::Bitcoin, xpub),
        Err(AccountError::Network(Network::Bitcoin))
    );
    assert!(Account::new(Network::Signet, xpub).is_ok());
    assert_eq!(
        Account::from_group_key(Network::Regtest, &[0; 33], [0; 32]),
        Err(AccountError::Key)
    );
}

#[test]
fn hardened_children_do_not_exist() {
    let account = regtest();
    assert!(account.script(Keychain::External, (1 << 31) - 1).is_ok());
    assert_eq!(
        account.script(Keychain::External, 1 << 31),
        Err(AccountError::Hardened(1 << 31))
    );
    assert_eq!(
        account.origin(Keychain::External, u32::MAX),
        Err(AccountError::Hardened(u32::MAX))
    );
    assert_eq!(Keychain::try_from(2), Err(AccountError::Keychain(2)));
}
