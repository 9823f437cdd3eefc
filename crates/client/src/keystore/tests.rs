use futures::executor::block_on;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::memory::Memory;
use super::*;

fn cheap() -> Cost {
    Cost::new(64, 1, 1).expect("within bounds")
}

fn phrase(text: &str) -> Passphrase {
    Passphrase::new(text.into()).expect("not empty")
}

fn random() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn made(store: &Memory) -> Unlocked<Memory> {
    block_on(Unlocked::create(
        store.clone(),
        &phrase("correct horse"),
        cheap(),
        &mut random(),
    ))
    .expect("creates")
}

fn item() -> BlobName {
    name("device").expect("well-formed")
}

#[test]
fn what_is_saved_is_there_after_locking_and_unlocking() {
    let store = Memory::default();
    let unlocked = made(&store);
    block_on(unlocked.save(&item(), b"content", &mut random())).expect("saves");
    drop(unlocked);
    let unlocked = block_on(Unlocked::unlock(store, &phrase("correct horse"))).expect("unlocks");
    assert_eq!(
        **block_on(unlocked.load(&item())).expect("loads").expect("is there"),
        *b"content"
    );
}

#[test]
fn a_wrong_passphrase_is_named_and_changes_nothing() {
    let store = Memory::default();
    drop(made(&store));
    let before = store.bytes();
    let fault = block_on(Unlocked::unlock(store.clone(), &phrase("correct horsf"))).expect_err("must refuse");
    assert_eq!(fault, KeystoreFault::WrongPassphrase);
    assert_eq!(store.bytes(), before);
    block_on(Unlocked::unlock(store, &phrase("correct horse"))).expect("the right one still opens");
}

#[test]
fn a_second_holder_is_turned_away_and_a_third_after_the_first_is_welcome() {
    let store = Memory::default();
    let first = made(&store);
    let fault = block_on(Unlocked::unlock(store.clone(), &phrase("correct horse"))).expect_err("must refuse");
    assert!(matches!(fault, KeystoreFault::Busy { .. }));
    drop(first);
    block_on(Unlocked::unlock(store, &phrase("correct horse"))).expect("unlocks");
}

#[test]
fn an_existing_keystore_is_never_overwritten() {
    let store = Memory::default();
    drop(made(&store));
    let fault = block_on(Unlocked::create(store, &phrase("another"), cheap(), &mut random())).expect_err("must refuse");
    assert_eq!(fault, KeystoreFault::Exists);
}

#[test]
fn another_passphrase_opens_the_same_items_and_the_old_one_nothing() {
    let store = Memory::default();
    let unlocked = made(&store);
    block_on(unlocked.save(&item(), b"content", &mut random())).expect("saves");
    block_on(unlocked.change_passphrase(&phrase("battery staple"), cheap(), &mut random())).expect("changes");
    drop(unlocked);
    let fault = block_on(Unlocked::unlock(store.clone(), &phrase("correct horse"))).expect_err("must refuse");
    assert_eq!(fault, KeystoreFault::WrongPassphrase);
    let unlocked = block_on(Unlocked::unlock(store, &phrase("battery staple"))).expect("unlocks");
    assert_eq!(
        **block_on(unlocked.load(&item())).expect("loads").expect("is there"),
        *b"content"
    );
}

#[test]
fn an_item_under_another_name_or_from_another_keystore_is_damage() {
    let store = Memory::default();
    let unlocked = made(&store);
    block_on(unlocked.save(&item(), b"content", &mut random())).expect("saves");
    let bytes = block_on(store.load(&item())).expect("loads").expect("is there");
    let other = name("server").expect("well-formed");
    block_on(store.save(&other, &bytes)).expect("saves");
    assert_eq!(
        block_on(unlocked.load(&other)),
        Err(KeystoreFault::Damaged { name: "server".into() })
    );

    let elsewhere = Memory::default();
    let mut seed = ChaCha20Rng::seed_from_u64(8);
    let second = block_on(Unlocked::create(
        elsewhere.clone(),
        &phrase("correct horse"),
        cheap(),
        &mut seed,
    ));
    block_on(elsewhere.save(&item(), &bytes)).expect("saves");
    assert_eq!(
        block_on(second.expect("creates").load(&item())),
        Err(KeystoreFault::Damaged { name: "device".into() })
    );
}

#[test]
fn a_header_that_asks_for_absurd_memory_is_refused_before_any_is_taken() {
    let store = Memory::default();
    drop(made(&store));
    let key = key_file().expect("well-formed");
    let mut bytes = block_on(store.load(&key)).expect("loads").expect("is there");
    bytes[27..31].copy_from_slice(&u32::MAX.to_be_bytes());
    block_on(store.save(&key, &bytes)).expect("saves");
    let fault = block_on(Unlocked::unlock(store, &phrase("correct horse"))).expect_err("must refuse");
    assert_eq!(fault, KeystoreFault::AbsurdCost);
}

#[test]
fn a_newer_format_is_told_apart_from_damage() {
    let store = Memory::default();
    drop(made(&store));
    let key = key_file().expect("well-formed");
    let mut bytes = block_on(store.load(&key)).expect("loads").expect("is there");
    bytes[8] = 9;
    block_on(store.save(&key, &bytes)).expect("saves");
    let fault = block_on(Unlocked::unlock(store, &phrase("correct horse"))).expect_err("must refuse");
    assert_eq!(fault, KeystoreFault::Newer { found: 9, known: 1 });
}

#[test]
fn the_default_cost_is_the_one_written_down() {
    assert_eq!(Cost::default(), Cost::new(64 * 1024, 3, 1).expect("within bounds"));
    assert_eq!(Cost::new(2 * 1024 * 1024, 3, 1), Err(KeystoreFault::AbsurdCost));
    assert_eq!(Cost::new(1024, 17, 1), Err(KeystoreFault::AbsurdCost));
}

#[test]
fn secrets_do_not_print() {
    let store = Memory::default();
    let unlocked = made(&store);
    let text = format!("{unlocked:?} {:?}", phrase("correct horse"));
    assert!(text.contains("redacted") && !text.contains("correct"), "{text}");
    assert!(!text.contains(&format!("{:?}", &unlocked.data_key.0[..4])), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_flipped_bit_of_key_file_or_item_is_noticed(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let store = Memory::default();
        let unlocked = made(&store);
        block_on(unlocked.save(&item(), b"content", &mut random())).expect("saves");
        let mut bytes = block_on(store.load(&item())).expect("loads").expect("is there");
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        block_on(store.save(&item(), &bytes)).expect("saves");
        prop_assert!(block_on(unlocked.load(&item())).is_err());
        drop(unlocked);

        let key = key_file().expect("well-formed");
        let mut bytes = block_on(store.load(&key)).expect("loads").expect("is there");
        let place = at.index(bytes.len());
        // Costs within bounds but high would only make this slow: the key differs all the same.
        prop_assume!(!(27..39).contains(&place));
        bytes[place] ^= 1 << bit;
        block_on(store.save(&key, &bytes)).expect("saves");
        prop_assert!(block_on(Unlocked::unlock(store, &phrase("correct horse"))).is_err());
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let store = Memory::default();
        let unlocked = made(&store);
        block_on(store.save(&item(), &bytes)).expect("saves");
        prop_assert!(block_on(unlocked.load(&item())).is_err());
        prop_assert!(format::KeyFile::parse(&bytes).is_err());
    }
}
