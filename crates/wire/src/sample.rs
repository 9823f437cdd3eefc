//! One good request and reply of every kind, for the tests.

use twofold_api::{
    reply::{self, Head},
    request,
    seal_key::{OFFER_BYTES, SEALED_BYTES, SealedUnlockKey},
};
use twofold_threshold::{
    checkpoint::{self, Checkpoint},
    envelope::SealPublic,
    id::{CeremonyId, DeviceId, EpochId, WalletId},
    identity::IdentitySecret,
    secret::Secret32,
    sign::Commitment,
};

pub(crate) const WALLET: WalletId = WalletId([0x11; 16]);
pub(crate) const EPOCH: EpochId = EpochId {
    number: 1,
    transcript: [0x22; 32],
};

pub(crate) fn checkpoint() -> Checkpoint {
    let server = IdentitySecret::from_seed(&Secret32::new([7; 32]));
    checkpoint::Head {
        wallet: WALLET,
        generation: 0,
        seq: 3,
        epoch: EPOCH,
        list: [0x33; 32],
        chain: [0x44; 32],
    }
    .sign(&server)
}

/// The generator of secp256k1, twice.
pub(crate) fn commitment() -> Commitment {
    let point = [
        0x02, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02,
        0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
    ];
    Commitment::try_from([point, point].concat().as_slice()).unwrap()
}

pub(crate) fn unlock() -> SealedUnlockKey {
    SealedUnlockKey {
        key_id: [0x55; 8],
        ciphertext: [0x66; SEALED_BYTES],
    }
}

pub(crate) fn head() -> Head {
    Head {
        checkpoint: Some(checkpoint().to_bytes()),
        seal_key: vec![0x77; OFFER_BYTES],
        time: 1_790_000_000,
        waiting: 2,
    }
}

pub(crate) fn join() -> request::Join {
    request::Join {
        code: Some([0x88; 16]),
        device_name: "Bob's laptop".parse().unwrap(),
    }
}

pub(crate) fn begin_create() -> request::BeginCreate {
    request::BeginCreate {
        wallet: WALLET,
        name: "Savings".parse().unwrap(),
        opening: b"opening".to_vec(),
        unlock: unlock(),
        recovery_elsewhere: true,
    }
}

pub(crate) fn finish_create() -> request::FinishCreate {
    request::FinishCreate {
        wallet: WALLET,
        ceremony: CeremonyId([0x99; 16]),
        closing: b"closing".to_vec(),
        unlock: unlock(),
        checkpoint: Some(checkpoint()),
    }
}

pub(crate) fn begin_refresh() -> request::BeginRefresh {
    request::BeginRefresh {
        wallet: WALLET,
        epoch: EPOCH,
        opening: b"opening".to_vec(),
        unlock: unlock(),
        checkpoint: checkpoint(),
    }
}

pub(crate) fn finish_refresh() -> request::FinishRefresh {
    request::FinishRefresh {
        wallet: WALLET,
        ceremony: CeremonyId([0x99; 16]),
        closing: b"closing".to_vec(),
        unlock: unlock(),
        checkpoint: checkpoint(),
    }
}

pub(crate) fn test_sign() -> request::TestSign {
    request::TestSign {
        wallet: WALLET,
        epoch: EPOCH,
        commitment: commitment(),
        unlock: unlock(),
        checkpoint: Some(checkpoint()),
    }
}

pub(crate) fn activate() -> request::Activate {
    request::Activate {
        wallet: WALLET,
        test_signature: [0xaa; 64],
        checkpoint: Some(checkpoint()),
    }
}

pub(crate) fn get_wallet() -> request::GetWallet {
    request::GetWallet {
        wallet: WALLET,
        checkpoint: Some(checkpoint()),
    }
}

pub(crate) fn rename_wallet() -> request::RenameWallet {
    request::RenameWallet {
        wallet: WALLET,
        name: "Rent".parse().unwrap(),
        checkpoint: checkpoint(),
    }
}

pub(crate) fn sign() -> request::Sign {
    request::Sign {
        wallet: WALLET,
        epoch: EPOCH,
        psbt: b"psbt\xff".to_vec(),
        commitments: vec![commitment(), commitment()],
        unlock: unlock(),
        checkpoint: checkpoint(),
    }
}

pub(crate) fn sign_message() -> request::SignMessage {
    request::SignMessage {
        wallet: WALLET,
        epoch: EPOCH,
        path: [1, 7],
        message: b"Hello World".to_vec(),
        commitment: commitment(),
        unlock: unlock(),
        checkpoint: checkpoint(),
    }
}

pub(crate) fn broadcast() -> request::Broadcast {
    request::Broadcast {
        wallet: WALLET,
        transaction: b"transaction".to_vec(),
        checkpoint: checkpoint(),
    }
}

pub(crate) fn sync() -> request::Sync {
    request::Sync {
        wallet: WALLET,
        cursor: 7,
        timeline: u64::MAX,
        locator: vec![(900_000, [0xbb; 32]), (0, [0xcc; 32])],
        revealed: [5, 1],
        checkpoint: Some(checkpoint()),
    }
}

pub(crate) fn watch() -> request::Watch {
    request::Watch {
        wallet: WALLET,
        checkpoint: Some(checkpoint()),
    }
}

pub(crate) fn estimate_fees() -> request::EstimateFees {
    request::EstimateFees {
        wallet: WALLET,
        checkpoint: Some(checkpoint()),
    }
}

pub(crate) fn get_audit() -> request::GetAudit {
    request::GetAudit {
        wallet: WALLET,
        from: 1,
        checkpoint: Some(checkpoint()),
    }
}

pub(crate) fn derive_address() -> request::DeriveAddress {
    request::DeriveAddress {
        wallet: WALLET,
        index: 7,
        checkpoint: Some(checkpoint()),
    }
}

pub(crate) fn change_devices() -> request::ChangeDevices {
    request::ChangeDevices {
        wallet: WALLET,
        entry: b"entry".to_vec(),
        parcel: b"parcel".to_vec(),
        checkpoint: checkpoint(),
    }
}

/// A key that no secret is known of.
fn seal_public() -> SealPublic {
    let mut bytes = [0; 32];
    bytes[0] = 9;
    bytes.as_slice().try_into().expect("the base point")
}

pub(crate) fn set_freeze() -> request::SetFreeze {
    request::SetFreeze {
        wallet: WALLET,
        frozen: false,
        recovery: Some(request::Word {
            seal_key: seal_public(),
            signature: [0x12; 64],
        }),
        checkpoint: checkpoint(),
    }
}

pub(crate) fn cancel_change() -> request::CancelChange {
    request::CancelChange {
        wallet: WALLET,
        change: 7,
        checkpoint: checkpoint(),
    }
}

pub(crate) fn get_shape() -> request::GetShape {
    request::GetShape {
        wallet: WALLET,
        checkpoint: Some(checkpoint()),
    }
}

pub(crate) fn invite_device() -> request::InviteDevice {
    request::InviteDevice {
        wallet: WALLET,
        checkpoint: checkpoint(),
    }
}

pub(crate) fn rename_device() -> request::RenameDevice {
    request::RenameDevice {
        wallet: WALLET,
        device: DeviceId([0x34; 32]),
        name: "Bob's phone".parse().unwrap(),
        checkpoint: checkpoint(),
    }
}

pub(crate) fn get_recovery() -> request::GetRecovery {
    request::GetRecovery {
        wallet: WALLET,
        code: Some([0x88; 16]),
        recovery: [0x12; 64],
    }
}

pub(crate) fn ask_recovery() -> request::AskRecovery {
    request::AskRecovery {
        wallet: WALLET,
        code: Some([0x88; 16]),
        entry: b"entry".to_vec(),
    }
}

pub(crate) fn confirm_change() -> request::ConfirmChange {
    request::ConfirmChange {
        wallet: WALLET,
        change: 3,
        checkpoint: Some(checkpoint()),
    }
}

fn alice() -> request::Named {
    request::Named {
        issuer: "https://login.example.org".into(),
        subject: "alice".into(),
    }
}

pub(crate) fn find_wallets() -> request::FindWallets {
    request::FindWallets {
        person: alice(),
        after: Some(WALLET),
    }
}

pub(crate) fn find_addresses() -> request::FindAddresses {
    request::FindAddresses {
        wallet: WALLET,
        person: alice(),
        from: 20,
    }
}

pub(crate) fn recover() -> request::Recover {
    request::Recover {
        wallet: WALLET,
        entry: b"entry".to_vec(),
        opening: b"opening".to_vec(),
        unlock: sign().unlock,
    }
}

pub(crate) fn repair_recovery() -> request::RepairRecovery {
    request::RepairRecovery {
        wallet: WALLET,
        entry: b"entry".to_vec(),
        opening: b"opening".to_vec(),
        accepted: [0x56; 64],
        unlock: sign().unlock,
        checkpoint: checkpoint(),
    }
}

pub(crate) fn replace_recovery() -> request::ReplaceRecovery {
    request::ReplaceRecovery {
        wallet: WALLET,
        entry: b"entry".to_vec(),
        package: b"package".to_vec(),
        checkpoint: checkpoint(),
    }
}

pub(crate) fn repair_server() -> request::RepairServer {
    request::RepairServer {
        wallet: WALLET,
        repair: b"repair".to_vec(),
        checkpoint: Some(checkpoint()),
    }
}

pub(crate) fn recovery() -> reply::Recovery {
    let wallet = wallet();
    reply::Recovery {
        head: head(),
        wallet: reply::RecoveryWallet {
            line: wallet.line,
            device_list: wallet.device_list,
            package: wallet.package,
            birthday: wallet.birthday,
            frozen: Some(9),
        },
        waiting: Some(waiting()),
    }
}

pub(crate) fn recovered() -> reply::Recovered {
    reply::Recovered {
        head: head(),
        answer: b"answer".to_vec(),
    }
}

pub(crate) fn waiting() -> reply::Waiting {
    reply::Waiting {
        change: 7,
        what: "enrol".into(),
        asker: Some([0x34; 32]),
        asked: 1_790_000_000,
        due: 1_790_086_400,
        operator: reply::Operator::Needed,
        entry: b"entry".to_vec(),
    }
}

pub(crate) fn asked() -> reply::Asked {
    reply::Asked {
        head: head(),
        waiting: Some(waiting()),
    }
}

pub(crate) fn shape() -> reply::Shape {
    let recovery = reply::Waiting {
        asker: None,
        operator: reply::Operator::Agreed,
        entry: Vec::new(),
        ..waiting()
    };
    reply::Shape {
        head: head(),
        devices: vec![([0x34; 32], "Bob's phone".into())],
        freeze: Some((9, [0x34; 32])),
        waiting: vec![waiting(), recovery],
        parcel: b"parcel".to_vec(),
        refresh_due: true,
    }
}

pub(crate) fn device_invited() -> reply::DeviceInvited {
    reply::DeviceInvited {
        head: head(),
        code: [0x88; 16],
        expires: 1_790_003_600,
    }
}

pub(crate) fn lift_fence() -> request::LiftFence {
    request::LiftFence {
        wallet: WALLET,
        checkpoint: Some(checkpoint()),
        seal_key: seal_public(),
        recovery: Some([0xdd; 64]),
    }
}

pub(crate) fn roll_forward() -> request::RollForward {
    request::RollForward {
        wallet: WALLET,
        checkpoint: checkpoint(),
        entries: vec![b"one".to_vec(), b"two".to_vec()],
        device_list: vec![b"listed".to_vec()],
        links: vec![b"refresh".to_vec()],
        kept: b"kept".to_vec(),
        package: b"package".to_vec(),
    }
}

pub(crate) fn derived() -> reply::Derived {
    reply::Derived {
        head: head(),
        said: twofold_api::address::Statement {
            address: "bcrt1pexample".into(),
            watched: true,
        },
        signature: vec![5; 64],
    }
}

pub(crate) fn joined() -> reply::Joined {
    reply::Joined {
        head: head(),
        user: [1; 16],
        network: "regtest".into(),
    }
}

pub(crate) fn greeting() -> reply::Greeting {
    reply::Greeting {
        head: Head {
            checkpoint: None,
            ..head()
        },
        identity: vec![1; 33],
        network: "bitcoin".into(),
        version: "0.1.0".into(),
    }
}

pub(crate) fn create_begun() -> reply::CreateBegun {
    reply::CreateBegun {
        head: head(),
        server_round: b"round".to_vec(),
        birthday: 800_000,
    }
}

pub(crate) fn create_finished() -> reply::CreateFinished {
    reply::CreateFinished {
        head: head(),
        completion: b"completion".to_vec(),
    }
}

pub(crate) fn refresh_begun() -> reply::RefreshBegun {
    reply::RefreshBegun {
        head: head(),
        server_round: b"round".to_vec(),
    }
}

pub(crate) fn refresh_finished() -> reply::RefreshFinished {
    reply::RefreshFinished {
        head: head(),
        completion: b"completion".to_vec(),
    }
}

pub(crate) fn test_signed() -> reply::TestSigned {
    reply::TestSigned {
        head: head(),
        completion: b"completion".to_vec(),
    }
}

pub(crate) fn done() -> reply::Done {
    reply::Done { head: head() }
}

pub(crate) fn wallets() -> reply::Wallets {
    use reply::Standing::{Active, Fenced, Pending};
    let line = |standing, epoch| reply::WalletLine {
        wallet: WALLET.0,
        name: "Savings".into(),
        standing,
        epoch,
    };
    reply::Wallets {
        head: head(),
        wallets: vec![line(Pending, 0), line(Active, 1), line(Fenced, u32::MAX)],
        after: Some(WALLET.0),
    }
}

pub(crate) fn addresses() -> reply::Addresses {
    reply::Addresses {
        head: head(),
        addresses: vec!["bcrt1pexample".into(); 2],
        next: 3,
    }
}

pub(crate) fn wallet() -> reply::Wallet {
    reply::Wallet {
        head: head(),
        line: wallets().wallets.remove(1),
        public: b"public".to_vec(),
        device_list: vec![b"entry".to_vec()],
        package: vec![b"link".to_vec(), b"link".to_vec()],
        birthday: 800_000,
    }
}

pub(crate) fn signed() -> reply::Signed {
    reply::Signed {
        head: head(),
        cosign: b"cosign".to_vec(),
    }
}

pub(crate) fn sent() -> reply::Sent {
    reply::Sent {
        head: head(),
        txid: [0xdd; 32],
    }
}

pub(crate) fn synced() -> reply::Synced {
    let transaction = |block| reply::ChainTransaction {
        transaction: b"tx".to_vec(),
        block,
        seen: 1_790_000_000,
        gone: false,
    };
    let anchor = reply::Anchor {
        height: 900_001,
        hash: [0xee; 32],
        position: 2,
        branch: vec![[0xff; 32]; 12],
    };
    reply::Synced {
        head: head(),
        from_height: 900_000,
        headers: vec![vec![1; 80]; 3],
        tip_height: 900_002,
        transactions: vec![transaction(Some(anchor)), transaction(None)],
        cursor: 9,
        timeline: 11,
        more: true,
        scanned_height: 900_002,
    }
}

pub(crate) fn pulse() -> reply::Pulse {
    reply::Pulse {
        cursor: 9,
        timeline: 11,
        tip: Some((900_002, [0xbb; 32])),
        seq: 3,
    }
}

pub(crate) fn fees() -> reply::Fees {
    reply::Fees {
        head: head(),
        estimates: vec![(1, 25_000), (1008, 1_000)],
        source: "node".into(),
    }
}

pub(crate) fn audit() -> reply::Audit {
    let line = |seq| reply::AuditLine {
        seq,
        entry: b"entry".to_vec(),
        chain: [0xab; 32],
    };
    reply::Audit {
        head: head(),
        lines: vec![line(1), line(2)],
        more: false,
    }
}

pub(crate) fn pair_device() -> request::PairDevice {
    request::PairDevice {
        wallet: WALLET,
        code: [0x88; 16],
        letter: b"letter".to_vec(),
        checkpoint: Some(checkpoint()),
    }
}

pub(crate) fn pairing() -> reply::Pairing {
    reply::Pairing {
        head: head(),
        letters: vec![b"one".to_vec(), b"two".to_vec()],
    }
}
