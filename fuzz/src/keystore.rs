//! A keystore whose owner's passphrase fits and whose items hold anything: what is sealed is read with as little trust
//! as what comes over the wire.

use std::sync::LazyLock;
use std::time::Duration;

use futures::executor::block_on;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use twofold_client::keystore::memory::Memory;
use twofold_client::keystore::{Passphrase, Unlocked};
use twofold_client::port::{BlobName, Clock, HttpCall, HttpReply, Keystore, KeystoreFault, Platform};
use twofold_client::port::{Transport, TransportFault};
use twofold_client::{Client, Fault, home};

use crate::{Seed, Target, choice};

pub(crate) const TARGET: Target = Target {
    name: "keystore",
    run,
    stages: &[
        "nothing",
        "key file: damaged",
        "key file: newer",
        "key file: absurd",
        "key file: wrong passphrase",
        "home: refused",
        "wallet: refused",
        "pending: refused",
        "pending",
        "books: refused",
        "wallet",
    ],
    seeds,
};

/// A keystore that the client's own tests made (`crates/client/tests/device/corpus.rs`): a wallet that was paid, and a
/// wallet half made. All of it is sealed, under [`PHRASE`].
const MADE: &[u8] = include_bytes!("../keystore.bin");
const PHRASE: &str = "correct horse battery staple";
/// The item that holds the data key.
const KEY: &str = "keystore";

/// The file's items, in order of their names: each a name and its bytes, each after its length (four bytes, big-endian).
pub(crate) static ITEMS: LazyLock<Vec<(BlobName, Vec<u8>)>> = LazyLock::new(|| {
    let mut rest = MADE;
    let mut field = || {
        let (length, after) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (field, after) = after.split_at_checked(length)?;
        rest = after;
        Some(field)
    };
    let mut items = Vec::new();
    while let Some(name) = field() {
        let name = std::str::from_utf8(name).expect("a name").parse().expect("a name");
        items.push((name, field().expect("bytes").to_vec()));
    }
    items
});

/// A machine without a network, on which no time passes.
pub(crate) struct Machine;

impl Platform for Machine {
    type Transport = Cut;
    type Keystore = Memory;
    type Clock = Still;
    type Random = ChaCha20Rng;
}

pub(crate) struct Cut;

impl Transport for Cut {
    async fn send(&self, _: &HttpCall) -> Result<HttpReply, TransportFault> {
        Err(TransportFault::Unreachable {
            url: "https://wallet.test".into(),
            why: "there is no network".into(),
        })
    }
}

pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> u64 {
        1_800_000_000
    }

    async fn sleep(&self, _: Duration) {}
}

/// The first byte chooses the item that the rest stands in for: the key file as it lies there, any other one unsealed.
fn run(input: &[u8]) -> &'static str {
    let Some((place, content)) = choice(input) else {
        return "nothing";
    };
    let (name, _) = &ITEMS[place % ITEMS.len()];
    block_on(open(name, content))
}

async fn open(changed: &BlobName, content: &[u8]) -> &'static str {
    let store = Memory::default();
    for (name, bytes) in ITEMS.iter() {
        store.save(name, bytes).await.expect("saves");
    }
    if changed.as_str() == KEY {
        return key_file(&store, changed, content).await;
    }
    let mut random = ChaCha20Rng::seed_from_u64(1);
    let keys = Unlocked::unlock(store, &phrase()).await.expect("the passphrase fits");
    keys.save(changed, content, &mut random).await.expect("saves");
    let _ = home::server(&keys).await;
    let mut client = match Client::<Machine>::open(keys, Cut, Still, random).await {
        Ok(client) => client,
        Err(_) => return "home: refused",
    };
    let kind = changed.as_str().split('-').next().unwrap_or_default();
    let Ok(listed) = client.wallets().await else {
        return "wallet: refused";
    };
    if kind == "create" {
        // It goes on with what was begun, as far as that goes without a server.
        let ended = client.create(&"again".parse().expect("a name"), &mut |_| {}).await;
        return match ended {
            Err(Fault::Keystore(_)) => "pending: refused",
            Err(_) => "pending",
            Ok(_) => panic!("a wallet was made without a server"),
        };
    }
    let mut stage = "wallet: refused";
    for listed in listed {
        match client.open_wallet(Some(&listed.wallet.to_string())).await {
            Ok(wallet) => {
                let ledger = wallet.ledger();
                let balance = ledger.balance();
                assert!(balance.spendable() <= balance.total());
                let _ = (ledger.history(), ledger.revealed(), ledger.tip_height());
                let _ = (wallet.descriptor(), wallet.checkpoint(), wallet.fingerprint());
                stage = "wallet";
            }
            Err(_) => stage = if kind == "books" { "books: refused" } else { stage },
        }
    }
    stage
}

async fn key_file(store: &Memory, name: &BlobName, content: &[u8]) -> &'static str {
    // The header may ask for a gigabyte and sixteen passes, and that is its right; the fuzzer has no time for it.
    let asks = |at: usize| {
        content
            .get(at..at + 4)
            .map(|bytes| u32::from_be_bytes(bytes.try_into().expect("four")))
    };
    if asks(27).is_some_and(|kib| kib > 1024) && asks(27).is_some_and(|kib| kib <= 1024 * 1024) {
        return "key file: dear";
    }
    store.save(name, content).await.expect("saves");
    match Unlocked::unlock(store.clone(), &phrase()).await {
        Ok(_) => "key file",
        Err(KeystoreFault::Newer { .. }) => "key file: newer",
        Err(KeystoreFault::AbsurdCost) => "key file: absurd",
        Err(KeystoreFault::WrongPassphrase) => "key file: wrong passphrase",
        Err(_) => "key file: damaged",
    }
}

pub(crate) fn phrase() -> Passphrase {
    Passphrase::new(PHRASE.into()).expect("not empty")
}

fn seeds() -> Vec<Seed> {
    block_on(async {
        let store = Memory::default();
        for (name, bytes) in ITEMS.iter() {
            store.save(name, bytes).await.expect("saves");
        }
        let keys = Unlocked::unlock(store.clone(), &phrase())
            .await
            .expect("the passphrase fits");
        let mut seeds: Vec<Seed> = vec![("nothing".into(), Vec::new())];
        for (place, (name, sealed)) in (0_u8..).zip(ITEMS.iter()) {
            let kind = name.as_str().split('-').next().unwrap_or_default();
            if name.as_str() == KEY {
                let changed = |at: usize, byte: u8| {
                    let mut bytes = sealed.clone();
                    bytes[at] = byte;
                    [&[place], bytes.as_slice()].concat()
                };
                seeds.push(("key".into(), [&[place], sealed.as_slice()].concat()));
                seeds.push(("key-damaged".into(), changed(0, b'X')));
                seeds.push(("key-newer".into(), changed(8, 9)));
                seeds.push(("key-absurd".into(), changed(27, 9)));
                seeds.push(("key-salt".into(), changed(40, 9)));
                continue;
            }
            let plain = keys.load(name).await.expect("opens").expect("is there");
            let cut = &plain[..plain.len() / 2];
            seeds.push((format!("{kind}-{place}"), [&[place], plain.as_slice()].concat()));
            seeds.push((format!("{kind}-{place}-cut"), [&[place], cut].concat()));
        }
        seeds
    })
}
