//! What the keystore's fuzz target starts from: a keystore as this version writes it.

use std::{env, fs};

use futures::executor::block_on;
use twofold_client::keystore::memory::Memory;
use twofold_client::port::{BlobName, Keystore};

use crate::line::Fate;
use crate::world::{World, create, sats};

/// Items by name: a name and its bytes, each after its length (four bytes, big-endian).
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/keystore.bin");

async fn packed(keys: &Memory) -> Vec<u8> {
    let mut file = Vec::new();
    let mut put = |field: &[u8]| {
        file.extend(u32::try_from(field.len()).expect("short").to_be_bytes());
        file.extend(field);
    };
    for name in keys.names().await.expect("lists") {
        put(name.as_str().as_bytes());
        put(&keys.load(&name).await.expect("loads").expect("is there"));
    }
    file
}

fn unpacked(file: &[u8]) -> Vec<(BlobName, Vec<u8>)> {
    let mut rest = file;
    let mut field = || {
        let (length, after) = rest.split_first_chunk()?;
        let (field, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        rest = after;
        Some(field)
    };
    let mut items = Vec::new();
    while let Some(name) = field() {
        let name = std::str::from_utf8(name).expect("text").parse().expect("a name");
        items.push((name, field().expect("bytes").to_vec()));
    }
    items
}

/// A wallet that was paid, and another one half made.
async fn make() -> Vec<u8> {
    let (mut world, mut client, mut wallet) = World::with_money(120_000).await;
    client.sync(&mut wallet).await.expect("syncs");
    assert_eq!(wallet.ledger().balance().confirmed, sats(120_000));
    // The closing's reply is lost, and every further one.
    let fates = [Fate::Deliver, Fate::LoseReply].into_iter();
    world.line.fates(fates.chain((0..20).map(|_| Fate::Unreachable)));
    assert!(create(&mut client).await.is_err(), "the wallet stays half made");
    drop(client);
    let file = packed(&world.keys).await;
    let _ = world.random();
    file
}

/// With `TWOFOLD_WRITE_CORPUS` set it writes the keystore anew (`./dev fuzz --seeds`); always it holds the committed one
/// to what this version reads.
#[test]
fn the_keystore_that_is_fuzzed_opens_and_has_a_wallet_and_one_half_made() {
    if env::var_os("TWOFOLD_WRITE_CORPUS").is_some() {
        fs::write(FILE, block_on(make())).expect("writes");
    }
    block_on(async {
        let mut world = World::new().await;
        for (name, bytes) in unpacked(&fs::read(FILE).expect("fuzz/keystore.bin")) {
            world.keys.save(&name, &bytes).await.expect("saves");
        }
        let half = world.keys.names().await.expect("lists");
        assert!(half.iter().any(|name| name.as_str().starts_with("create-")), "{half:?}");
        let client = world.open().await;
        let listed = client.wallets().await.expect("./dev fuzz --seeds writes it anew");
        assert_eq!(listed.len(), 1);
        let wallet = client
            .open_wallet(None)
            .await
            .expect("./dev fuzz --seeds writes it anew");
        assert_eq!(wallet.ledger().balance().total(), sats(120_000));
    });
}
