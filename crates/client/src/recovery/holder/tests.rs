use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use twofold_threshold::create::device::{AwaitRecovery, Start};
use twofold_threshold::create::{RecoveryRound, server};
use twofold_threshold::device_list::Draft;
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::identity::IdentitySecret;
use twofold_threshold::secret::{Secret32, UnlockKey};

use super::*;

fn random(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// What a holder and a device have between them once the server has dealt.
struct Scene {
    secret: RecoverySecret,
    state: String,
    device: AwaitRecovery,
    message: String,
}

/// A holder who expects `expected`, and a device that runs the rest with `server`.
fn dealt(expected: &IdentitySecret, server: &IdentitySecret, seed: u64) -> Scene {
    let mut random = random(seed);
    let secret = RecoverySecret::generate(&mut random);
    let new = begin(&secret, expected.public(), &mut random).expect("begins");
    let opened = Opened::parse(&new.opening).expect("an opening");
    assert_eq!(opened.server, expected.public());
    let (device, message) = carried(opened.opening, server, &mut random);
    Scene {
        secret,
        state: new.state,
        device,
        message,
    }
}

fn carried(recovery: RecoveryOpening, server: &IdentitySecret, random: &mut ChaCha20Rng) -> (AwaitRecovery, String) {
    let key = IdentitySecret::generate(random);
    let sealing = SealSecret::generate(random);
    let entry = Draft::first(recovery.wallet(), key.public(), sealing.public());
    let signature = key.sign_raw(&entry.signing_bytes());
    let start = Start {
        ceremony: recovery.ceremony(),
        server: server.public(),
        entry: entry.signed(signature).expect("an entry"),
        unlock: UnlockKey::generate(random),
        recovery,
    };
    let (device, opening) = start.begin(random).expect("begins");
    let unlock = UnlockKey::new(Secret32::new(*device.unlock().expose().expose()));
    let (_, round) = server::begin(opening, &unlock, server, &AgeSealer, random).expect("deals");
    let (device, to_recovery) = device.receive(round, &AgeSealer, random).expect("takes the round");
    let name = "savings".parse().expect("a name");
    let chain = "regtest".parse().expect("a chain");
    let message = message(&name, chain, &to_recovery, |domain, bytes| key.sign(domain, bytes));
    (device, message)
}

fn answer_round(answer: &Answer) -> RecoveryRound {
    let bytes = file::read(FileKind::FromRecovery, &answer.file).expect("a file");
    let mut reader = file::reader(FileKind::FromRecovery, &bytes).expect("a format");
    RecoveryRound::try_from(reader.var().expect("a round")).expect("a round")
}

#[test]
fn a_holder_answers_one_message_with_the_same_bytes_and_shows_the_device_s_fingerprint() {
    let server = IdentitySecret::generate(&mut random(1));
    let scene = dealt(&server, &server, 2);
    let first = go_on(&scene.state, &scene.message, &scene.secret, &mut random(3)).expect("answers");
    let to_sign = scene
        .device
        .receive(answer_round(&first.answer))
        .expect("a good answer");
    assert_eq!(to_sign.public().fingerprint(), first.answer.fingerprint);
    assert_eq!(
        (first.answer.name.as_str(), first.answer.network.as_str()),
        ("savings", "regtest")
    );
    assert_eq!(first.answer.server, server.public().to_string());

    let kept = first.state.expect("a state to keep");
    let again = go_on(&kept, &scene.message, &scene.secret, &mut random(4)).expect("answers again");
    assert_eq!(again.answer, first.answer);
    assert!(again.state.is_none());
    // Another message, even one of the same ceremony, gets nothing.
    let bytes = file::read(FileKind::ToRecovery, &scene.message).expect("a file");
    let changed = file::write(FileKind::ToRecovery, "", &[&bytes[..], b"x"].concat());
    assert!(matches!(
        go_on(&kept, &changed, &scene.secret, &mut random(5)),
        Err(RecoveryFault::Answered)
    ));
}

#[test]
fn p32_a_holder_signs_only_what_the_invitation_s_server_signed_over_the_holder_itself() {
    let server = IdentitySecret::generate(&mut random(1));
    let hub = IdentitySecret::generate(&mut random(2));
    let refused = |state: &str, message: &str, secret: &RecoverySecret| {
        let fault = go_on(state, message, secret, &mut random(3)).expect_err("refuses");
        assert!(matches!(fault, RecoveryFault::Ceremony(_)), "{fault:?}");
    };
    // The hub plays the server towards the holder.
    let scene = dealt(&server, &hub, 4);
    refused(&scene.state, &scene.message, &scene.secret);

    // The true server deals to another recovery: another wallet's, or one that the hub invented.
    let (ours, other) = (dealt(&server, &server, 5), dealt(&server, &server, 6));
    refused(&ours.state, &other.message, &ours.secret);
    let invented = RecoverySecret::generate(&mut random(7));
    let new = begin(&ours.secret, server.public(), &mut random(8)).expect("begins");
    let honest = Opened::parse(&new.opening).expect("an opening").opening;
    let (_, played) = recovery::begin(
        &invented,
        server.public(),
        honest.wallet(),
        honest.ceremony(),
        &mut random(9),
    )
    .expect("begins");
    let (_, message) = carried(played, &server, &mut random(10));
    refused(&new.state, &message, &ours.secret);
    // What was refused took nothing away from what is right.
    assert!(go_on(&ours.state, &ours.message, &ours.secret, &mut random(11)).is_ok());
}

#[test]
fn a_state_is_taken_only_with_its_own_words_and_only_as_they_signed_it() {
    let server = IdentitySecret::generate(&mut random(1));
    let (ours, other) = (dealt(&server, &server, 2), dealt(&server, &server, 3));
    let opened = |state: &str| go_on(state, &ours.message, &ours.secret, &mut random(4)).map(drop);
    assert!(matches!(opened(&other.state), Err(RecoveryFault::OtherState)));
    // Sealed to the right words, by somebody who is not them: whoever made it would know the polynomial.
    let bytes = file::read(FileKind::State, &other.state).expect("a file");
    let plain = {
        let mut reader = file::reader(FileKind::State, &bytes).expect("a format");
        let age = AgeOpener::new(&other.secret).expect("an identity");
        age.open(reader.var().expect("a seal")).expect("opens")
    };
    let sealed = AgeSealer.seal(&ours.secret.public().recipient, &plain).expect("seals");
    let signature = other.secret.identity().sign(STATE, &sealed);
    let content = file::writer().var(&sealed).fixed(&signature.0).finish();
    let planted = file::write(FileKind::State, "", &content);
    assert!(matches!(opened(&planted), Err(RecoveryFault::OtherState)));
    opened(&ours.state).expect("its own");
}

#[test]
fn an_opening_or_message_that_was_changed_on_the_way_is_refused() {
    let (server, other) = (
        IdentitySecret::generate(&mut random(1)),
        IdentitySecret::generate(&mut random(2)),
    );
    let scene = dealt(&server, &server, 3);
    let secret = RecoverySecret::generate(&mut random(4));
    let new = begin(&secret, server.public(), &mut random(5)).expect("begins");
    // The server exchanged in the opening, and the name in the message.
    for (kind, text, old, into) in [
        (
            FileKind::Opening,
            &new.opening,
            server.public().to_bytes(),
            other.public().to_bytes(),
        ),
        (
            FileKind::ToRecovery,
            &scene.message,
            b"savings".to_vec(),
            b"Savings".to_vec(),
        ),
    ] {
        let mut bytes = file::read(kind, text).expect("a file");
        let at = bytes
            .windows(old.len())
            .position(|window| window == old)
            .expect("it is in there");
        bytes[at..at + old.len()].copy_from_slice(&into);
        let changed = file::write(kind, "", &bytes);
        let fault = match kind {
            FileKind::Opening => Opened::parse(&changed).map(drop),
            _ => go_on(&scene.state, &changed, &scene.secret, &mut random(6)).map(drop),
        };
        assert!(
            matches!(fault, Err(RecoveryFault::File(FileFault::Damaged(found))) if found == kind),
            "{fault:?}"
        );
    }
}
