//! The two files that pass where the recovery words are on another machine: what a device asks, and what they answer. Both are
//! sealed and signed, so that an input stands for what is inside, and the seal and the signature around it are true ones.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::executor::block_on;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use twofold_api::seal_key::{Offer, SEALED_BYTES};
use twofold_client::keystore::Unlocked;
use twofold_client::keystore::memory::Memory;
use twofold_client::port::{BlobName, Keystore as _};
use twofold_client::recovery::away::Away;
use twofold_client::recovery::file::{FileKind, kind_of};
use twofold_client::recovery::holder::voice::{Asked, Wish};
use twofold_client::recovery::{AgeSealer, RecoveryFault};
use twofold_client::{Client, Fault};
use twofold_threshold::envelope::{Binding, Purpose, SealPublic};
use twofold_threshold::id::{CeremonyId, EpochId, KeyKind, Party, WalletId};
use twofold_threshold::identity::{Domain, IdentitySecret};
use twofold_threshold::package::{Chain, SealToRecovery as _};
use twofold_threshold::secret::Secret32;

use super::RECOVERY;
use crate::keystore::{Cut, ITEMS, Machine, Still, phrase};
use crate::parties::{HONEST, Parties};
use crate::{Seed, seed};

/// The format of both files.
const VERSION: u8 = 1;
/// The device's word on a request.
const ASK: Domain = Domain::new("recovery/ask");
/// The wallet that the device of the keystore asks for.
const WALLET: WalletId = WalletId([7; 16]);

/// The device that asks in the requests.
fn device() -> IdentitySecret {
    IdentitySecret::from_seed(&Secret32::new([9; 32]))
}

fn random() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(5)
}

/// A field after its length.
fn var(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("short");
    [&length.to_be_bytes()[..], bytes].concat()
}

/// A field that is there.
fn some(bytes: &[u8]) -> Vec<u8> {
    [vec![1], var(bytes)].concat()
}

fn file(label: &str, content: &[u8]) -> String {
    let packed = STANDARD.encode(content);
    format!("-----BEGIN TWOFOLD {label}-----\n{packed}\n-----END TWOFOLD {label}-----\n")
}

fn content(file: &str) -> Vec<u8> {
    let packed = file.lines().skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    let packed: String = packed.take_while(|line| !line.starts_with("-----END")).collect();
    STANDARD.decode(packed).expect("a file of ours")
}

/// The first byte says whether the request goes in the clear or sealed to the words; the rest is signed as it is.
pub(super) fn request(input: &[u8]) -> &'static str {
    let Some((open, body)) = input.split_first() else {
        return "request refused";
    };
    let signed = [body, &device().sign(ASK, body).0].concat();
    let content = if open % 2 == 0 {
        [vec![VERSION, 0], var(&signed)].concat()
    } else {
        let sealed = AgeSealer.seal(&RECOVERY.public().recipient, &signed).expect("seals");
        [vec![VERSION, 1], var(&sealed)].concat()
    };
    let Ok(asked) = Asked::read(&file("REQUEST TO WORDS", &content), &RECOVERY, None) else {
        return "request refused";
    };
    let shown = asked.shown();
    assert_eq!(shown.verified.is_none(), shown.wish == Wish::Ask, "{shown:?}");
    match asked.answer(&RECOVERY, &mut random()) {
        Ok(answer) => assert_eq!(kind_of(&answer), Some(FileKind::FromWords)),
        Err(_) => return "asked, and no answer",
    }
    match shown.wish {
        Wish::Ask => "asked to begin",
        Wish::Place { .. } => "asked for a place",
        _ => "asked for words",
    }
}

/// A machine that has asked, and what its answer is sealed to.
struct Waiting {
    items: Vec<(BlobName, Vec<u8>)>,
    errand: CeremonyId,
    key: SealPublic,
}

async fn machine(items: &[(BlobName, Vec<u8>)]) -> (Memory, Client<Machine>) {
    let store = Memory::default();
    for (name, bytes) in items {
        store.save(name, bytes).await.expect("saves");
    }
    let keys = Unlocked::unlock(store.clone(), &phrase())
        .await
        .expect("the passphrase fits");
    let client = Client::<Machine>::open(keys, Cut, Still, random())
        .await
        .expect("opens");
    (store, client)
}

static WAITING: LazyLock<Waiting> = LazyLock::new(|| {
    block_on(async {
        let (store, mut client) = machine(&ITEMS).await;
        let asked = client.recover_away(WALLET, None, &[]).await.expect("asks");
        let Away::Ask { file, .. } = asked else {
            panic!("{asked:?}")
        };
        drop(client);
        let mut items = Vec::new();
        for name in store.names().await.expect("lists") {
            let bytes = store.load(&name).await.expect("loads").expect("is there");
            items.push((name, bytes));
        }
        // Version, in the clear, a length; then version, errand, wallet, two keys by their lengths, and what is answered to.
        let content = content(&file);
        let body = &content[6..];
        let errand = CeremonyId(body[1..17].try_into().expect("16 bytes"));
        let mut rest = &body[33..];
        for _ in 0..2 {
            let (length, after) = rest.split_first_chunk().expect("a length");
            rest = &after[usize::try_from(u32::from_be_bytes(*length)).expect("short")..];
        }
        let key = SealPublic::try_from(&rest[..32]).expect("a key");
        Waiting { items, errand, key }
    })
});

/// What is under the seal of an answer.
pub(super) fn answer(plain: &[u8]) -> &'static str {
    let waiting = &*WAITING;
    let binding = Binding {
        wallet: WALLET,
        ceremony: waiting.errand,
        epoch_number: 0,
        previous: EpochId::NONE,
        kind: KeyKind::Taproot,
        from: Party::Recovery,
        to: Party::Device,
    };
    let sealed = waiting.key.seal(&binding, Purpose::Voice, plain, &mut random());
    let content = [vec![VERSION], WALLET.0.to_vec(), var(&sealed.expect("seals"))].concat();
    let text = file("ANSWER FROM WORDS", &content);
    block_on(async {
        let (_, mut client) = machine(&waiting.items).await;
        match client.recover_answered(&text).await {
            // Read, and on its way to the server.
            Err(Fault::Transport(_)) => "voice",
            Err(Fault::Recovery(RecoveryFault::NotAsked)) => "voice of something else",
            Err(_) => "voice refused",
            Ok(done) => panic!("a recovery without a server: {done:?}"),
        }
    })
}

/// A request up to what it wants.
fn body(tag: u8, want: &[Vec<u8>]) -> Vec<u8> {
    let run = Parties::new(1);
    let key = *run.entry().sealing();
    let parts = [
        vec![VERSION],
        vec![2; 16],
        run.wallet.0.to_vec(),
        var(&run.server.public().to_bytes()),
        var(&device().public().to_bytes()),
        key.as_bytes().to_vec(),
        vec![tag],
    ];
    [parts.concat(), want.concat()].concat()
}

pub(super) fn seeds(request_case: usize, answer_case: usize) -> Vec<Seed> {
    let run = Parties::new(1);
    let key = run.entry().sealing().as_bytes().to_vec();
    let list = vec![run.entry().to_bytes()];
    let made = &HONEST.made;
    let epochs = Chain::new(made.transcript.clone(), made.package.clone(), list, Vec::new());
    let told = [var(b"savings"), var(b"regtest"), var(&epochs.to_bytes())].concat();
    let offer = Offer::sign(&run.server, run.entry().sealing().to_owned(), 1_800_000_000).to_bytes();
    let first = run.device.public().device_id();
    let place = |parts: [Vec<u8>; 3]| {
        let [share, strike, frozen] = parts;
        body(1, &[told.clone(), key.clone(), var(&offer), share, strike, frozen])
    };
    let whole = place([some(&key), some(&first.0), some(&7_u64.to_be_bytes())]);
    let little = place([vec![0], vec![0], vec![0]]);
    let begin = body(0, &[key.clone()]);
    let own = RECOVERY.public().to_bytes();
    let mut foreign = begin.clone();
    foreign[60] ^= 1;
    let asks = [
        ("begin", 0, begin.clone()),
        ("begin-sealed", 1, begin),
        ("begin-of-another", 0, foreign),
        ("place", 1, whole.clone()),
        ("place-in-the-clear", 0, whole.clone()),
        ("place-cut", 1, whole[..whole.len() - 1].to_vec()),
        ("place-little", 1, little),
        ("words", 1, body(2, &[told.clone(), var(&new_words())])),
        ("words-same", 1, body(2, &[told, var(&own)])),
    ];
    let asks = asks.map(|(name, sealed, body)| {
        let bytes = [vec![sealed], body].concat();
        seed(format!("ask-{name}"), request_case, &bytes)
    });
    let part = [
        vec![VERSION],
        var(&[3; 40]),
        vec![4; KEY_ID + SEALED_BYTES],
        var(&[5; 40]),
        vec![6; 32],
    ];
    let given = [
        some(&[1; 20]),
        some(&part.concat()),
        some(&[7; 96]),
        some(&frozen(&key)),
    ];
    let given = [vec![VERSION, 1], given.concat()].concat();
    let answers = [
        ("begin", [vec![VERSION, 0], vec![1; 64], var(&[2; 20])].concat()),
        ("place", given.clone()),
        ("place-cut", given[..given.len() - 1].to_vec()),
        ("place-little", vec![VERSION, 1, 0, 0, 0, 0]),
        ("words", [vec![VERSION, 2], vec![1; 64]].concat()),
        ("noise", vec![VERSION, 9]),
    ];
    let answers = answers.map(|(name, plain)| seed(format!("voice-{name}"), answer_case, &plain));
    asks.into_iter().chain(answers).collect()
}

/// Length of a seal key's name.
const KEY_ID: usize = 8;

/// A freeze's number, and a voice that ends it.
fn frozen(key: &[u8]) -> Vec<u8> {
    [&7_u64.to_be_bytes()[..], key, &[8; 64]].concat()
}

/// Words that are to take the place of those that answer.
fn new_words() -> Vec<u8> {
    let mut rng = ChaCha20Rng::seed_from_u64(77);
    twofold_threshold::words::RecoverySecret::generate(&mut rng)
        .public()
        .to_bytes()
}
