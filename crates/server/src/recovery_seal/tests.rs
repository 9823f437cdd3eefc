use std::{io::Read as _, str::FromStr as _};

use twofold_threshold::{package::SealToRecovery as _, rand_core::OsRng, words::RecoverySecret};

use super::Age;

#[test]
fn what_is_sealed_opens_with_the_identity_of_the_words_and_with_no_other() {
    let (words, other) = (
        RecoverySecret::generate(&mut OsRng),
        RecoverySecret::generate(&mut OsRng),
    );
    let sealed = Age.seal(&words.public().recipient, b"a share").unwrap();
    let open = |secret: &RecoverySecret| {
        let identity = age::x25519::Identity::from_str(&secret.age_identity()).unwrap();
        let mut plaintext = Vec::new();
        let reader = age::Decryptor::new(&sealed[..])
            .unwrap()
            .decrypt(std::iter::once(&identity as &dyn age::Identity));
        reader
            .map(|mut reader| reader.read_to_end(&mut plaintext).unwrap())
            .map(|_| plaintext)
    };
    assert_eq!(open(&words).unwrap(), b"a share");
    assert!(open(&other).is_err());
}
