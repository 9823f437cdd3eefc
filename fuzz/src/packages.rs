//! Packages, ceremony messages and records: what reads has one spelling, and it is the one that was read.

mod voice;

use std::sync::LazyLock;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use twofold_api::audit;
use twofold_api::seal_key::Offer;
use twofold_client::recovery::AgeOpener;
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::create::{
    Closing, Completion, Opening, RecoveryOpening, RecoveryRound, ServerRound, ToRecovery, device, recovery, server,
};
use twofold_threshold::device_list::{Act, Change, DeviceList, Entry, Parcel, Proposal, Signer};
use twofold_threshold::id::{DeviceId, EpochId, Party, RequestDigest, WalletId};
use twofold_threshold::package::{FirstPackage, OpenAsRecovery};
use twofold_threshold::pairing::{self, Meeting, NewKeys};
use twofold_threshold::share::{PublicShares, Share};
use twofold_threshold::sign::CosignReply;
use twofold_threshold::transcript::{SignedTranscript, Transcript};
use twofold_threshold::words::RecoverySecret;
use twofold_threshold::{
    checkpoint,
    identity::IdentitySecret,
    secret::{Secret32, UnlockKey},
};

use crate::parties::{HONEST, OTHER, Parties};
use crate::{Seed, Target, choice, seed};

pub(crate) const TARGET: Target = Target {
    name: "packages",
    run,
    stages: &[
        "nothing",
        "refused",
        "age refused",
        "age opened",
        "checkpoint",
        "closing",
        "completion",
        "device change",
        "device entry",
        "device parcel",
        "device record",
        "log entry",
        "offer",
        "opening",
        "package",
        "public shares",
        "recovery opening",
        "recovery record",
        "recovery round",
        "server record",
        "server round",
        "share",
        "signed transcript",
        "to recovery",
        "transcript",
        "package opened",
        "letter refused",
        "commitment",
        "answer of another",
        "answer",
        "reveal of another",
        "reveal",
        "request refused",
        "asked to begin",
        "asked for a place",
        "asked for words",
        "asked, and no answer",
        "voice refused",
        "voice of something else",
        "voice",
    ],
    seeds,
};

/// A run's transcript and recovery's package, as they are committed.
const SIGNED: &[u8] = include_bytes!("../corpus/packages/signed-transcript");
const WHOLE: &[u8] = include_bytes!("../corpus/packages/package");

/// Recovery of all runs.
static RECOVERY: LazyLock<RecoverySecret> = LazyLock::new(|| Parties::new(1).recovery);
static OPENER: LazyLock<AgeOpener> = LazyLock::new(|| Parties::new(1).opener);

/// What two honest machines send each other.
static LETTERS: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    let (newcomer, commitment, _, answer) = meeting();
    let (reveal, _) = newcomer.receive(&answer).expect("its own host's");
    [commitment.to_bytes(), answer.to_bytes(), reveal.to_bytes()]
});

/// Case 0 is anything that says of itself what it is; case 1 an age file; case 2 what the log and the sealing keys hold; case 3
/// what comes out of the mailbox where two machines compare; cases 4 and 5 what a device asks words on another machine, and what
/// these answer.
fn run(input: &[u8]) -> &'static str {
    let Some((case, bytes)) = choice(input) else {
        return "nothing";
    };
    match case % 6 {
        0 => canonical(bytes),
        1 => match OPENER.open(bytes) {
            Ok(_) => "age opened",
            Err(_) => "age refused",
        },
        2 => api(bytes),
        3 => letter(bytes),
        4 => voice::request(bytes),
        _ => voice::answer(bytes),
    }
}

/// Reads as a type, and writes it back.
macro_rules! read_as {
    ($bytes:expr; $($type:ty => $name:literal;)*) => {$(
        if let Ok(read) = <$type>::try_from($bytes) {
            assert_eq!(read.to_bytes(), $bytes, "{} has a second spelling", $name);
            return $name;
        }
    )*};
}

fn canonical(bytes: &[u8]) -> &'static str {
    if let Ok(package) = FirstPackage::try_from(bytes) {
        assert_eq!(package.to_bytes(), bytes);
        return open(&package);
    }
    read_as! {
        bytes;
        Checkpoint => "checkpoint";
        Closing => "closing";
        Completion => "completion";
        CosignReply => "cosign reply";
        Change => "device change";
        Entry => "device entry";
        Parcel => "device parcel";
        Opening => "opening";
        PublicShares => "public shares";
        RecoveryOpening => "recovery opening";
        RecoveryRound => "recovery round";
        ServerRound => "server round";
        SignedTranscript => "signed transcript";
        ToRecovery => "to recovery";
        Transcript => "transcript";
    }
    if let Ok(share) = Share::from_secret_bytes(bytes) {
        assert_eq!(share.to_secret_bytes().as_slice(), bytes);
        return "share";
    }
    if let Ok(record) = device::Pending::from_secret_bytes(bytes) {
        assert_eq!(record.to_secret_bytes().as_slice(), bytes);
        return "device record";
    }
    if let Ok(record) = server::AwaitClosing::from_secret_bytes(bytes) {
        assert_eq!(record.to_secret_bytes().as_slice(), bytes);
        return "server record";
    }
    if let Ok(record) = recovery::AwaitServer::from_secret_bytes(bytes, &RECOVERY) {
        let again = record.to_secret_bytes().expect("what was read can be written");
        assert!(recovery::AwaitServer::from_secret_bytes(&again, &RECOVERY).is_ok());
        return "recovery record";
    }
    "refused"
}

/// A package opens against the transcript of its own run only. That is the committed one: age's randomness makes every
/// run another.
fn open(package: &FirstPackage) -> &'static str {
    let [signed, whole] = [SIGNED, WHOLE].map(|seed| &seed[1..]);
    let signed = &SignedTranscript::try_from(signed).expect("a transcript: ./dev fuzz --seeds");
    let identity = RECOVERY.identity().public();
    let opened = package.open(
        &identity,
        &*OPENER,
        signed.transcript(),
        signed.signature(Party::Recovery),
    );
    match opened {
        Ok(contents) => {
            assert_eq!(package.to_bytes(), whole, "another package opened");
            let public = signed.transcript().public_shares().expect("checked already");
            assert!(contents.share.check(&public).is_ok());
            "package opened"
        }
        Err(_) => "package",
    }
}

/// Two machines on their way to one string, with chance that repeats itself: the new one, its commitment, and the host that
/// has answered that.
fn meeting() -> (pairing::Newcomer, pairing::Commitment, pairing::Host, pairing::Answer) {
    let run = Parties::new(1);
    let meeting = Meeting {
        wallet: run.wallet,
        server: IdentitySecret::from_seed(&Secret32::new([7; 32])).public(),
        host: run.device.public(),
        code: [6; 16],
    };
    let keys = NewKeys {
        identity: IdentitySecret::from_seed(&Secret32::new([9; 32])).public(),
        sealing: *run.entry().sealing(),
    };
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let (newcomer, commitment) = pairing::Newcomer::begin(meeting.clone(), keys, &mut rng);
    let (host, answer) = pairing::Host::answer(meeting, commitment, &mut rng);
    (newcomer, commitment, host, answer)
}

/// A letter as either side finds it: read in one spelling, and the host takes no keys but those that it was bound to.
fn letter(bytes: &[u8]) -> &'static str {
    assert!(LETTERS.iter().all(|letter| letter.len() <= pairing::MAX_LETTER));
    let (newcomer, commitment, host, answer) = meeting();
    if let Ok(read) = pairing::Commitment::try_from(bytes) {
        assert_eq!(read.to_bytes(), bytes, "a commitment has a second spelling");
        return "commitment";
    }
    if let Ok(read) = pairing::Answer::try_from(bytes) {
        assert_eq!(read.to_bytes(), bytes, "an answer has a second spelling");
        // Any nonce of the right host's makes a string; whether it is the other's, a person sees.
        return match newcomer.receive(&read) {
            Ok((reveal, string)) => {
                let (_, other) = host.receive(&reveal).expect("it was bound to that");
                assert!(read != answer || string == other, "one answer, and two strings");
                "answer"
            }
            Err(_) => "answer of another",
        };
    }
    match pairing::Reveal::try_from(bytes) {
        Ok(read) => {
            assert_eq!(read.to_bytes(), bytes, "a reveal has a second spelling");
            match host.receive(&read) {
                Ok(_) => {
                    let (own, _) = newcomer.receive(&answer).expect("its own host's");
                    assert_eq!(own, read, "keys that it was not bound to: {commitment:?}");
                    "reveal"
                }
                Err(_) => "reveal of another",
            }
        }
        Err(_) => "letter refused",
    }
}

fn api(bytes: &[u8]) -> &'static str {
    if let Ok(offer) = Offer::parse(bytes) {
        assert_eq!(offer.to_bytes(), bytes);
        return "offer";
    }
    match audit::Entry::from_bytes(bytes) {
        Ok(entry) => {
            assert_eq!(entry.to_bytes(), bytes);
            "log entry"
        }
        Err(_) => "refused",
    }
}

fn log() -> Vec<audit::Entry> {
    let (device, request) = (DeviceId([1; 32]), RequestDigest([2; 32]));
    let epoch = EpochId {
        number: 1,
        transcript: [3; 32],
    };
    let signed = audit::Signed {
        device,
        request,
        txid: [4; 32],
        asset: "btc".into(),
        charge: 61_000,
        added: 61_000,
        fee: 1_000,
        inputs: vec![[5; 36]; 2],
    };
    let events = [
        audit::Event::Created {
            device,
            epoch,
            group_key: [2; 33],
            device_list: [6; 32],
        },
        audit::Event::Renamed {
            device,
            name: "rent".into(),
        },
        audit::Event::Signed(signed),
    ];
    let entry = |event| audit::Entry {
        at: 1_790_000_000,
        event,
    };
    events.into_iter().map(entry).collect()
}

/// The list of the first run's wallet, before anything changed.
fn list() -> DeviceList {
    let run = Parties::new(1);
    DeviceList::first(run.wallet, run.recovery.identity().public(), &run.entry()).expect("the device's own entry")
}

/// A device is enrolled by the first one and recovery.
fn change() -> Change {
    let run = Parties::new(1);
    let act = Act::Enrol {
        identity: IdentitySecret::from_seed(&Secret32::new([9; 32])).public(),
        sealing: *run.entry().sealing(),
    };
    let proposal = Proposal::new(&list(), act);
    let bytes = proposal.signing_bytes();
    let first = proposal.signed(Signer::Device(run.device.public()), run.device.sign_raw(&bytes));
    let both = first.countersigned(Signer::Recovery, run.recovery.identity().sign_raw(&bytes));
    both.expect("two signers")
}

/// What it needs.
fn parcel() -> Parcel {
    let (mut run, made) = (Parties::new(1), &HONEST.made);
    let new = IdentitySecret::from_seed(&Secret32::new([9; 32])).public();
    let unlock = UnlockKey::new(Secret32::new([8; 32]));
    let entry = run.entry();
    let to = (&new, entry.sealing());
    let sealed = Parcel::seal(
        &made.share,
        &made.public,
        &unlock,
        &list(),
        to,
        &run.device,
        &mut run.rng,
    );
    sealed.expect("the device's own share")
}

fn seeds() -> Vec<Seed> {
    let (run, other) = (&*HONEST, &*OTHER);
    let server = IdentitySecret::from_seed(&Secret32::new([7; 32]));
    let head = checkpoint::Head {
        wallet: WalletId([1; 16]),
        generation: 0,
        seq: 3,
        epoch: run.made.public.epoch(),
        list: [3; 32],
        chain: [4; 32],
    };
    let [recovery, server_record, device] = &run.records;
    let canonical = [
        ("checkpoint", head.sign(&server).to_bytes()),
        ("closing", run.closing.to_bytes()),
        ("completion", run.completion.to_bytes()),
        ("device-change", change().to_bytes()),
        ("device-entry", Parties::new(1).entry().to_bytes()),
        ("device-parcel", parcel().to_bytes()),
        ("device-record", device.clone()),
        ("opening", run.opening.to_bytes()),
        ("package", run.made.package.to_bytes()),
        ("package-of-another", other.made.package.to_bytes()),
        ("public-shares", run.made.public.to_bytes()),
        ("recovery-opening", run.recovery_opening.to_bytes()),
        ("recovery-record", recovery.clone()),
        ("recovery-round", run.recovery_round.to_bytes()),
        ("server-record", server_record.clone()),
        ("server-round", run.round.to_bytes()),
        ("share", run.made.share.to_secret_bytes().to_vec()),
        ("signed-transcript", run.made.transcript.to_bytes()),
        ("to-recovery", run.to_recovery.to_bytes()),
        ("transcript", run.made.transcript.transcript().to_bytes()),
        ("noise", vec![1, 99, 1, 2, 3]),
    ];
    let mut seeds = vec![("nothing".into(), Vec::new())];
    seeds.extend(canonical.into_iter().map(|(name, bytes)| seed(name, 0, &bytes)));
    let age = run.made.package.sealed();
    seeds.push(seed("age", 1, age));
    seeds.push(seed("age-cut", 1, &age[..age.len() - 1]));
    let offer = Offer::sign(&server, Parties::new(1).entry().sealing().to_owned(), 1_790_000_000);
    seeds.push(seed("offer", 2, &offer.to_bytes()));
    seeds.extend(
        LETTERS
            .iter()
            .zip(["commitment", "answer", "reveal"])
            .map(|(letter, name)| seed(format!("letter-{name}"), 3, letter)),
    );
    // Read, and of somebody else.
    let [_, answer, reveal] = LETTERS.each_ref();
    let another = IdentitySecret::from_seed(&Secret32::new([5; 32])).public().to_bytes();
    let own = Parties::new(1).device.public().to_bytes();
    let place = answer
        .windows(own.len())
        .position(|window| window == own)
        .expect("the host");
    let mut foreign = answer.clone();
    foreign[place..place + own.len()].copy_from_slice(&another);
    seeds.push(seed("letter-answer-of-another", 3, &foreign));
    let mut foreign = reveal.clone();
    *foreign.last_mut().expect("not empty") ^= 1;
    seeds.push(seed("letter-reveal-of-another", 3, &foreign));
    seeds.push(seed("letter-cut", 3, &reveal[..reveal.len() - 1]));
    for entry in log() {
        seeds.push(seed(format!("log-{}", entry.event.name()), 2, &entry.to_bytes()));
    }
    seeds.extend(voice::seeds(4, 5));
    seeds
}
