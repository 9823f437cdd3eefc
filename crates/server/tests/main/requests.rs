//! One request of every kind, well formed, about some wallet, in protobuf and in JSON.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bitcoin::{Network, consensus, constants::genesis_block};
use serde_json::{Value, json};
use twofold_api::{
    request,
    seal_key::{SEALED_BYTES, SealedUnlockKey},
};
use twofold_threshold::{
    checkpoint::{self, Checkpoint},
    envelope::SealPublic,
    id::{CeremonyId, DeviceId, EpochId, WalletId},
    identity::IdentitySecret,
    secret::Secret32,
    sign::Commitment,
};
use twofold_wire::{client::encode, stream};

use crate::backends::ISSUER;

const EPOCH: EpochId = EpochId {
    number: 1,
    transcript: [0x22; 32],
};

fn checkpoint(wallet: WalletId) -> Checkpoint {
    let stranger = IdentitySecret::from_seed(&Secret32::new([7; 32]));
    checkpoint::Head {
        wallet,
        generation: 0,
        seq: 3,
        epoch: EPOCH,
        list: [0x33; 32],
        chain: [0x44; 32],
    }
    .sign(&stranger)
}

fn commitment() -> Commitment {
    // The generator of secp256k1, twice.
    let point = hex::decode("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798").unwrap();
    Commitment::try_from([point.clone(), point].concat().as_slice()).unwrap()
}

/// A key that no secret is known of.
fn seal_key() -> SealPublic {
    let mut bytes = [0; 32];
    bytes[0] = 9;
    bytes.as_slice().try_into().unwrap()
}

fn unlock() -> SealedUnlockKey {
    SealedUnlockKey {
        key_id: [0x55; 8],
        ciphertext: [0x66; SEALED_BYTES],
    }
}

/// The body of a call of `path` about `wallet`. A procedure that is missing here fails the test.
#[expect(clippy::too_many_lines, reason = "one arm for each procedure")]
pub(crate) fn body(path: &str, wallet: WalletId) -> Vec<u8> {
    let name = || "Savings".parse().unwrap();
    match path.rsplit('/').next().unwrap() {
        "Join" => {
            encode(&request::Join {
                code: Some([0x88; 16]),
                device_name: name(),
            })
            .1
        }
        "Hello" => encode(&request::Hello).1,
        "BeginCreate" => {
            encode(&request::BeginCreate {
                wallet,
                name: name(),
                opening: b"opening".to_vec(),
                unlock: unlock(),
                recovery_elsewhere: false,
            })
            .1
        }
        "FinishCreate" => {
            let ceremony = CeremonyId([0x99; 16]);
            encode(&request::FinishCreate {
                wallet,
                ceremony,
                closing: b"closing".to_vec(),
                unlock: unlock(),
                checkpoint: Some(checkpoint(wallet)),
            })
            .1
        }
        "BeginRefresh" => {
            encode(&request::BeginRefresh {
                wallet,
                epoch: EPOCH,
                opening: b"opening".to_vec(),
                unlock: unlock(),
                checkpoint: checkpoint(wallet),
            })
            .1
        }
        "FinishRefresh" => {
            encode(&request::FinishRefresh {
                wallet,
                ceremony: CeremonyId([0x99; 16]),
                closing: b"closing".to_vec(),
                unlock: unlock(),
                checkpoint: checkpoint(wallet),
            })
            .1
        }
        "RepairRecovery" => {
            encode(&request::RepairRecovery {
                wallet,
                entry: b"entry".to_vec(),
                opening: b"opening".to_vec(),
                accepted: [0x56; 64],
                unlock: unlock(),
                checkpoint: checkpoint(wallet),
            })
            .1
        }
        "ReplaceRecovery" => {
            encode(&request::ReplaceRecovery {
                wallet,
                entry: b"entry".to_vec(),
                package: b"package".to_vec(),
                checkpoint: checkpoint(wallet),
            })
            .1
        }
        "RepairServer" => {
            encode(&request::RepairServer {
                wallet,
                repair: b"repair".to_vec(),
                checkpoint: Some(checkpoint(wallet)),
            })
            .1
        }
        "TestSign" => {
            encode(&request::TestSign {
                wallet,
                epoch: EPOCH,
                commitment: commitment(),
                unlock: unlock(),
                checkpoint: Some(checkpoint(wallet)),
            })
            .1
        }
        "Activate" => {
            encode(&request::Activate {
                wallet,
                test_signature: [0xaa; 64],
                checkpoint: Some(checkpoint(wallet)),
            })
            .1
        }
        "ListWallets" => encode(&request::ListWallets::default()).1,
        "GetWallet" => {
            encode(&request::GetWallet {
                wallet,
                checkpoint: Some(checkpoint(wallet)),
            })
            .1
        }
        "RenameWallet" => {
            encode(&request::RenameWallet {
                wallet,
                name: name(),
                checkpoint: checkpoint(wallet),
            })
            .1
        }
        "Sign" => sign(wallet),
        "SignMessage" => sign_message(wallet),
        "Broadcast" => {
            let transaction = consensus::serialize(&genesis_block(Network::Regtest).txdata[0]);
            encode(&request::Broadcast {
                wallet,
                transaction,
                checkpoint: checkpoint(wallet),
            })
            .1
        }
        "Sync" => {
            let (locator, checkpoint) = (vec![(0, [0xcc; 32])], Some(checkpoint(wallet)));
            encode(&request::Sync {
                wallet,
                cursor: 0,
                timeline: 0,
                locator,
                revealed: [5, 1],
                checkpoint,
            })
            .1
        }
        "Watch" => {
            let request = request::Watch {
                wallet,
                checkpoint: Some(checkpoint(wallet)),
            };
            stream::envelope(&encode(&request).1)
        }
        "EstimateFees" => {
            encode(&request::EstimateFees {
                wallet,
                checkpoint: Some(checkpoint(wallet)),
            })
            .1
        }
        "GetAudit" => {
            encode(&request::GetAudit {
                wallet,
                from: 1,
                checkpoint: Some(checkpoint(wallet)),
            })
            .1
        }
        "DeriveAddress" => {
            encode(&request::DeriveAddress {
                wallet,
                index: 7,
                checkpoint: Some(checkpoint(wallet)),
            })
            .1
        }
        "ChangeDevices" => {
            encode(&request::ChangeDevices {
                wallet,
                entry: b"entry".to_vec(),
                parcel: Vec::new(),
                checkpoint: checkpoint(wallet),
            })
            .1
        }
        "SetFreeze" => {
            encode(&request::SetFreeze {
                wallet,
                frozen: true,
                recovery: None,
                checkpoint: checkpoint(wallet),
            })
            .1
        }
        "CancelChange" => {
            encode(&request::CancelChange {
                wallet,
                change: 1,
                checkpoint: checkpoint(wallet),
            })
            .1
        }
        "GetShape" => {
            encode(&request::GetShape {
                wallet,
                checkpoint: Some(checkpoint(wallet)),
            })
            .1
        }
        "InviteDevice" => {
            encode(&request::InviteDevice {
                wallet,
                checkpoint: checkpoint(wallet),
            })
            .1
        }
        "GetRecovery" => {
            encode(&request::GetRecovery {
                wallet,
                code: Some([0x88; 16]),
                recovery: [0x12; 64],
            })
            .1
        }
        "AskRecovery" => {
            encode(&request::AskRecovery {
                wallet,
                code: Some([0x88; 16]),
                entry: b"entry".to_vec(),
            })
            .1
        }
        "ConfirmChange" => {
            encode(&request::ConfirmChange {
                wallet,
                change: 1,
                checkpoint: Some(checkpoint(wallet)),
            })
            .1
        }
        "FindWallets" => {
            encode(&request::FindWallets {
                person: person(),
                after: None,
            })
            .1
        }
        "FindAddresses" => {
            encode(&request::FindAddresses {
                wallet,
                person: person(),
                from: 0,
            })
            .1
        }
        "Recover" => {
            encode(&request::Recover {
                wallet,
                entry: b"entry".to_vec(),
                opening: b"opening".to_vec(),
                unlock: unlock(),
            })
            .1
        }
        "RenameDevice" => {
            encode(&request::RenameDevice {
                wallet,
                device: DeviceId([0x34; 32]),
                name: name(),
                checkpoint: checkpoint(wallet),
            })
            .1
        }
        "LiftFence" => {
            encode(&request::LiftFence {
                wallet,
                checkpoint: Some(checkpoint(wallet)),
                seal_key: seal_key(),
                recovery: None,
            })
            .1
        }
        "PairDevice" => {
            encode(&request::PairDevice {
                wallet,
                code: [0x88; 16],
                letter: b"letter".to_vec(),
                checkpoint: Some(checkpoint(wallet)),
            })
            .1
        }
        "RollForward" => {
            encode(&request::RollForward {
                wallet,
                checkpoint: checkpoint(wallet),
                entries: vec![b"entry".to_vec()],
                device_list: Vec::new(),
                links: Vec::new(),
                kept: Vec::new(),
                package: Vec::new(),
            })
            .1
        }
        other => panic!("{other} has no sample: add it here, and every attack on it runs"),
    }
}

/// The same message as JSON. A procedure that is missing here fails the test.
pub(crate) fn json(path: &str, wallet: WalletId) -> Value {
    let bytes = |bytes: &[u8]| STANDARD.encode(bytes);
    let id = bytes(&wallet.0);
    let checkpoint = bytes(&checkpoint(wallet).to_bytes());
    let epoch = json!({ "number": EPOCH.number, "transcript": bytes(&EPOCH.transcript) });
    let unlock = json!({ "keyId": bytes(&unlock().key_id), "ciphertext": bytes(&unlock().ciphertext) });
    let name = "Savings";
    match path.rsplit('/').next().unwrap() {
        "Join" => json!({ "code": bytes(&[0x88; 16]), "deviceName": name }),
        "Hello" | "ListWallets" => json!({}),
        "BeginCreate" => json!({ "wallet": id, "name": name, "opening": bytes(b"opening"), "unlock": unlock }),
        "FinishCreate" => {
            json!({ "wallet": id, "ceremony": bytes(&[0x99; 16]), "closing": bytes(b"closing"), "unlock": unlock })
        }
        "BeginRefresh" => json!({
            "wallet": id, "epoch": epoch, "opening": bytes(b"opening"), "unlock": unlock, "checkpoint": checkpoint,
        }),
        "FinishRefresh" => json!({
            "wallet": id, "ceremony": bytes(&[0x99; 16]), "closing": bytes(b"closing"), "unlock": unlock,
            "checkpoint": checkpoint,
        }),
        "RepairRecovery" => json!({
            "wallet": id, "entry": bytes(b"entry"), "opening": bytes(b"opening"), "accepted": bytes(&[0x56; 64]),
            "unlock": unlock, "checkpoint": checkpoint,
        }),
        "ReplaceRecovery" => json!({
            "wallet": id, "entry": bytes(b"entry"), "package": bytes(b"package"), "checkpoint": checkpoint,
        }),
        "RepairServer" => json!({ "wallet": id, "repair": bytes(b"repair"), "checkpoint": checkpoint }),
        "TestSign" => {
            json!({ "wallet": id, "epoch": epoch, "commitment": bytes(&commitment().to_bytes()), "unlock": unlock })
        }
        "Activate" => json!({ "wallet": id, "testSignature": bytes(&[0xaa; 64]) }),
        "GetWallet" | "Watch" | "InviteDevice" => json!({ "wallet": id, "checkpoint": checkpoint }),
        "LiftFence" => json!({ "wallet": id, "checkpoint": checkpoint, "sealKey": bytes(seal_key().as_bytes()) }),
        "RenameWallet" => json!({ "wallet": id, "name": name, "checkpoint": checkpoint }),
        "Sign" => json!({
            "wallet": id, "epoch": epoch, "psbt": bytes(b"psbt\xff"), "commitments": [bytes(&commitment().to_bytes())],
            "unlock": unlock, "checkpoint": checkpoint,
        }),
        "SignMessage" => json!({
            "wallet": id, "epoch": epoch, "message": bytes(b"a text"), "commitment": bytes(&commitment().to_bytes()),
            "unlock": unlock, "checkpoint": checkpoint,
        }),
        "Broadcast" => {
            let transaction = consensus::serialize(&genesis_block(Network::Regtest).txdata[0]);
            json!({ "wallet": id, "transaction": bytes(&transaction), "checkpoint": checkpoint })
        }
        "Sync" => json!({
            "wallet": id, "locator": [{ "hash": bytes(&[0xcc; 32]) }], "revealedExternal": 5, "revealedInternal": 1,
            "checkpoint": checkpoint,
        }),
        "EstimateFees" | "GetShape" => json!({ "wallet": id }),
        "GetAudit" => json!({ "wallet": id, "from": "1" }),
        "DeriveAddress" => json!({ "wallet": id, "index": 7, "checkpoint": checkpoint }),
        "ChangeDevices" => json!({ "wallet": id, "entry": bytes(b"entry"), "checkpoint": checkpoint }),
        "SetFreeze" => json!({ "wallet": id, "frozen": true, "checkpoint": checkpoint }),
        "CancelChange" | "ConfirmChange" => json!({ "wallet": id, "change": "1", "checkpoint": checkpoint }),
        "PairDevice" => json!({
            "wallet": id, "code": bytes(&[0x88; 16]), "letter": bytes(b"letter"), "checkpoint": checkpoint,
        }),
        "GetRecovery" => json!({ "wallet": id, "code": bytes(&[0x88; 16]), "recovery": bytes(&[0x12; 64]) }),
        "AskRecovery" => json!({ "wallet": id, "code": bytes(&[0x88; 16]), "entry": bytes(b"entry") }),
        "FindWallets" => json!({ "issuer": person().issuer, "subject": person().subject }),
        "FindAddresses" => json!({ "wallet": id, "issuer": person().issuer, "subject": person().subject }),
        "Recover" => {
            json!({ "wallet": id, "entry": bytes(b"entry"), "opening": bytes(b"opening"), "unlock": unlock })
        }
        "RenameDevice" => {
            json!({ "wallet": id, "device": bytes(&[0x34; 32]), "name": name, "checkpoint": checkpoint })
        }
        "RollForward" => json!({ "wallet": id, "checkpoint": checkpoint, "entries": [bytes(b"entry")] }),
        other => panic!("{other} has no sample: add it here, and it is tried in every encoding"),
    }
}

/// Somebody whom a listed backend may ask about, and whom nobody knows.
fn person() -> request::Named {
    request::Named {
        issuer: ISSUER.into(),
        subject: "alice".into(),
    }
}

fn sign(wallet: WalletId) -> Vec<u8> {
    let request = request::Sign {
        wallet,
        epoch: EPOCH,
        psbt: b"psbt\xff".to_vec(),
        commitments: vec![commitment()],
        unlock: unlock(),
        checkpoint: checkpoint(wallet),
    };
    encode(&request).1
}

fn sign_message(wallet: WalletId) -> Vec<u8> {
    let request = request::SignMessage {
        wallet,
        epoch: EPOCH,
        path: [0, 0],
        message: b"a text".to_vec(),
        commitment: commitment(),
        unlock: unlock(),
        checkpoint: checkpoint(wallet),
    };
    encode(&request).1
}
