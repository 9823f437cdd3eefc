use super::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

#[test]
fn what_is_sealed_to_recovery_opens_with_its_words_alone() {
    let mut random = ChaCha20Rng::seed_from_u64(1);
    let secret = RecoverySecret::generate(&mut random);
    let sealed = AgeSealer.seal(&secret.public().recipient, b"share").expect("seals");
    assert!(
        sealed.starts_with(b"age-encryption.org/v1\n"),
        "the stock tool must know it"
    );

    let words = secret.words();
    let typed = words.secret().expect("words carry the secret");
    let opened = AgeOpener::new(&typed)
        .expect("an age identity")
        .open(&sealed)
        .expect("opens");
    assert_eq!(*opened, b"share");

    let other = RecoverySecret::generate(&mut random);
    assert!(AgeOpener::new(&other).expect("an age identity").open(&sealed).is_err());
}

mod noise {
    use proptest::prelude::*;

    use twofold_threshold::identity::IdentitySecret;

    use super::*;
    use crate::recovery::file::{FileKind, write};
    use crate::recovery::package::RecoveryPackage;
    use crate::recovery::request::Judged;

    proptest! {
        #[test]
        fn noise_in_a_file_of_ours_is_refused_and_breaks_nothing(
            content in proptest::collection::vec(any::<u8>(), 0..400),
            around in ".{0,40}",
        ) {
            let secret = RecoverySecret::generate(&mut ChaCha20Rng::seed_from_u64(1));
            // As far into the parser as a version byte gets it.
            for content in [content.clone(), [&[1], &content[..]].concat()] {
                let package = write(FileKind::Package, &around, &content);
                prop_assert!(RecoveryPackage::parse(&package).is_err());
                let request = write(FileKind::Request, &around, &content);
                prop_assert!(Judged::read(&request, &secret).is_err());
                let opening = write(FileKind::Opening, &around, &content);
                prop_assert!(holder::Opened::parse(&opening).is_err());
                let state = write(FileKind::State, &around, &content);
                let message = write(FileKind::ToRecovery, &around, &content);
                let mut random = ChaCha20Rng::seed_from_u64(2);
                prop_assert!(holder::go_on(&state, &message, &secret, &mut random).is_err());
                let server = IdentitySecret::generate(&mut random).public();
                let state = holder::begin(&secret, server, &mut random).unwrap().state;
                prop_assert!(holder::go_on(&state, &message, &secret, &mut random).is_err());
            }
        }
    }
}
