//! Messages of the API, as a server reads requests and as a client reads replies and refusals.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use twofold_api::request::{self, Name};
use twofold_api::seal_key::{SEALED_BYTES, SealedUnlockKey};
use twofold_api::{Reason, Refusal};
use twofold_threshold::checkpoint::{self, Checkpoint};
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::id::{EpochId, WalletId};
use twofold_threshold::identity::IdentitySecret;
use twofold_threshold::secret::Secret32;
use twofold_threshold::sign::Commitment;
use twofold_wire::{METHODS, client, error, service};

use crate::parties::HONEST;
use crate::{Seed, Target, choice, seed};

pub(crate) const TARGET: Target = Target {
    name: "wire",
    run,
    stages: &[
        "nothing",
        "request: encoding",
        "request: JSON",
        "request: field",
        "request",
        "reply: encoding",
        "reply: field",
        "reply",
        "refusal: foreign",
        "refusal",
    ],
    seeds,
};

/// What is read: a request in protobuf or JSON, a reply, a refusal. With the procedure it makes the first two bytes.
const PROTO: usize = 0;
const JSON: usize = 1;
const REPLY: usize = 2;
const REFUSAL: usize = 3;

fn run(input: &[u8]) -> &'static str {
    let Some((kind, rest)) = choice(input) else {
        return "nothing";
    };
    let Some((procedure, body)) = choice(rest) else {
        return "nothing";
    };
    let path = METHODS[procedure % METHODS.len()].path;
    match kind % 4 {
        PROTO => request(path, body, false),
        JSON => request(path, body, true),
        REPLY => reply(path, body),
        _ => refusal(body),
    }
}

fn request(path: &str, body: &[u8], json: bool) -> &'static str {
    match service::reread(path, body, json).expect("a procedure") {
        Ok(sent) => {
            // What the server understood, sent again, is understood the same.
            let again = service::reread(path, &sent, false).expect("a procedure");
            assert_eq!(again.ok(), Some(sent), "{path}");
            "request"
        }
        Err(refusal) => {
            assert_eq!(refusal.reason, Reason::Malformed);
            let said = &refusal.message;
            if said.starts_with("the JSON") {
                "request: JSON"
            } else if said.starts_with("`message`") {
                "request: encoding"
            } else {
                "request: field"
            }
        }
    }
}

fn reply(path: &str, body: &[u8]) -> &'static str {
    match client::reread(path, body).expect("a procedure") {
        Ok(sent) => {
            assert_eq!(client::reread(path, &sent).expect("a procedure"), Ok(sent), "{path}");
            "reply"
        }
        Err(malformed) if malformed.field == "message" => "reply: encoding",
        Err(_) => "reply: field",
    }
}

fn refusal(body: &[u8]) -> &'static str {
    match client::decode_error(400, body) {
        Ok(refusal) => {
            let again = client::decode_error(400, &error::connect_json(&refusal));
            assert_eq!(again.as_ref(), Ok(&refusal));
            "refusal"
        }
        Err(_) => "refusal: foreign",
    }
}

/// One that a device once made.
fn commitment() -> Commitment {
    HONEST
        .closing
        .test_commitment()
        .to_bytes()
        .as_slice()
        .try_into()
        .expect("a commitment")
}

fn checkpoint() -> Checkpoint {
    let head = checkpoint::Head {
        wallet: WalletId([0x11; 16]),
        generation: 0,
        seq: 3,
        epoch: epoch(),
        list: [0x33; 32],
        chain: [0x44; 32],
    };
    head.sign(&IdentitySecret::from_seed(&Secret32::new([7; 32])))
}

const fn epoch() -> EpochId {
    EpochId {
        number: 1,
        transcript: [0x22; 32],
    }
}

fn requests() -> Vec<(&'static str, Vec<u8>)> {
    let wallet = WalletId([0x11; 16]);
    let name = || "Savings".parse::<Name>().expect("a name");
    let unlock = || SealedUnlockKey {
        key_id: [0x55; 8],
        ciphertext: [0x66; SEALED_BYTES],
    };
    let checkpoint = checkpoint();
    vec![
        client::encode(&request::Join {
            code: Some([0x88; 16]),
            device_name: name(),
        }),
        client::encode(&request::BeginCreate {
            wallet,
            name: name(),
            opening: b"opening".to_vec(),
            unlock: unlock(),
            recovery_elsewhere: false,
        }),
        client::encode(&request::TestSign {
            wallet,
            epoch: epoch(),
            commitment: commitment(),
            unlock: unlock(),
            checkpoint: Some(checkpoint),
        }),
        client::encode(&request::GetWallet {
            wallet,
            checkpoint: Some(checkpoint),
        }),
        client::encode(&request::Sign {
            wallet,
            epoch: epoch(),
            psbt: b"psbt\xff".to_vec(),
            commitments: vec![commitment(); 2],
            unlock: unlock(),
            checkpoint,
        }),
        client::encode(&request::SignMessage {
            wallet,
            epoch: epoch(),
            path: [1, 7],
            message: b"I was here".to_vec(),
            commitment: commitment(),
            unlock: unlock(),
            checkpoint,
        }),
        client::encode(&request::LiftFence {
            wallet,
            checkpoint: Some(checkpoint),
            seal_key: SealSecret::generate(&mut ChaCha20Rng::seed_from_u64(4)).public(),
            recovery: Some([0x12; 64]),
        }),
        client::encode(&request::PairDevice {
            wallet,
            code: [0x88; 16],
            letter: b"letter".to_vec(),
            checkpoint: Some(checkpoint),
        }),
        client::encode(&request::Watch {
            wallet,
            checkpoint: Some(checkpoint),
        }),
        client::encode(&request::Sync {
            wallet,
            cursor: 7,
            timeline: 8,
            locator: vec![(900_000, [1; 32]), (899_999, [2; 32])],
            revealed: [5, 1],
            checkpoint: Some(checkpoint),
        }),
    ]
}

fn index(path: &str) -> u8 {
    let place = METHODS
        .iter()
        .position(|method| method.path == path)
        .expect("a procedure");
    u8::try_from(place).expect("few procedures")
}

/// A protobuf field of bytes, or a message, of a number below 16.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut length = bytes.len();
    let mut out = vec![number << 3 | 2];
    while length > 127 {
        out.push(u8::try_from(length % 128).expect("seven bits") | 128);
        length /= 128;
    }
    out.push(u8::try_from(length).expect("seven bits"));
    [&out, bytes].concat()
}

fn seeds() -> Vec<Seed> {
    let mut seeds: Vec<Seed> = vec![("nothing".into(), Vec::new())];
    for (path, body) in requests() {
        let (_, name) = path.rsplit_once('/').expect("a path");
        seeds.push(seed(name, PROTO, &[&[index(path)], body.as_slice()].concat()));
    }
    let join = index("/twofold.v1.CosignerService/Join");
    let with = |procedure: u8, body: &[u8]| [&[procedure], body].concat();
    seeds.push(seed("no-message", PROTO, &with(join, &[0xff])));
    seeds.push(seed("no-code", PROTO, &with(join, &[])));
    seeds.push(seed(
        "json",
        JSON,
        &with(join, br#"{"code":"iIiIiIiIiIiIiIiIiIiIiA==","deviceName":"laptop"}"#),
    ));
    seeds.push(seed(
        "json-unknown",
        JSON,
        &with(join, br#"{"kode":"iIiIiIiIiIiIiIiIiIiIiA=="}"#),
    ));

    let head = [
        field(1, &checkpoint().to_bytes()),
        field(2, &[0x77; 105]),
        vec![3 << 3, 1],
    ]
    .concat();
    let head = field(1, &head);
    let rename = index("/twofold.v1.CosignerService/RenameWallet");
    let sign = index("/twofold.v1.CosignerService/Sign");
    seeds.push(seed("reply-done", REPLY, &with(rename, &head)));
    seeds.push(seed(
        "reply-signed",
        REPLY,
        &with(sign, &[head.clone(), field(2, b"cosign")].concat()),
    ));
    seeds.push(seed("reply-no-head", REPLY, &with(sign, &field(2, b"cosign"))));
    seeds.push(seed("reply-noise", REPLY, &with(sign, &[0xff, 1])));
    let refused = Refusal::new(Reason::StaleEpoch, "sync").retry_after(3);
    seeds.push(seed("refusal", REFUSAL, &with(0, &error::connect_json(&refused))));
    seeds.push(seed(
        "refusal-proxy",
        REFUSAL,
        &with(0, br#"{"message":"bad gateway"}"#),
    ));
    seeds
}
