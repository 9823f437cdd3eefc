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
