use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use twofold_threshold::{
    envelope::SealSecret,
    id::{DeviceId, WalletId},
    identity::IdentitySecret,
    secret::{Secret32, UnlockKey},
};

use super::{OFFER_BYTES, Offer, SEALED_BYTES, SealKeyFault, Step, Usage};
use crate::reason::{Reason, Refusal};

const STEPS: [Step; 4] = [Step::BeginCreate, Step::FinishCreate, Step::TestSign, Step::Sign];

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([1; 32])
}

fn server() -> IdentitySecret {
    IdentitySecret::from_seed(&Secret32::new([2; 32]))
}

fn offered() -> (SealSecret, Offer) {
    let secret = SealSecret::generate(&mut rng());
    let offer = Offer::sign(&server(), secret.public(), 1_790_086_400);
    (secret, offer)
}

fn usage() -> Usage {
    Usage {
        wallet: WalletId([3; 16]),
        epoch: 1,
        step: Step::Sign,
        device: DeviceId([4; 32]),
    }
}

#[test]
fn an_unlock_key_sealed_to_an_offer_opens_for_its_usage_alone() {
    let (secret, offer) = offered();
    let unlock = UnlockKey::generate(&mut rng());
    let to = offer.verify(&server().public()).unwrap();
    let sealed = to.seal(&unlock, &usage(), &mut rng()).unwrap();
    assert_eq!(sealed.key_id, offer.id());
    assert_eq!(sealed.key_id, to.id());
    assert_eq!(sealed.ciphertext.len(), SEALED_BYTES);
    assert_eq!(sealed.open(&secret, &usage()).unwrap().digest(), unlock.digest());

    let others = [
        Usage {
            wallet: WalletId([9; 16]),
            ..usage()
        },
        Usage { epoch: 2, ..usage() },
        Usage {
            device: DeviceId([9; 32]),
            ..usage()
        },
    ];
    let steps = STEPS
        .into_iter()
        .filter(|step| *step != Step::Sign)
        .map(|step| Usage { step, ..usage() });
    for other in others.into_iter().chain(steps) {
        assert_eq!(
            sealed.open(&secret, &other).unwrap_err(),
            SealKeyFault::Sealed,
            "{other:?}"
        );
    }
    let stranger = SealSecret::new(Secret32::new([8; 32]));
    assert_eq!(sealed.open(&stranger, &usage()).unwrap_err(), SealKeyFault::Sealed);
}

#[test]
fn every_byte_of_a_sealed_unlock_key_counts() {
    let (secret, offer) = offered();
    let sealed = offer.verify(&server().public()).unwrap();
    let sealed = sealed
        .seal(&UnlockKey::generate(&mut rng()), &usage(), &mut rng())
        .unwrap();
    for place in 0..SEALED_BYTES {
        let mut altered = sealed.clone();
        altered.ciphertext[place] ^= 1;
        assert_eq!(
            altered.open(&secret, &usage()).unwrap_err(),
            SealKeyFault::Sealed,
            "byte {place}"
        );
    }
}

#[test]
fn an_offer_of_another_server_is_not_sealed_to() {
    let (_, offer) = offered();
    let stranger = IdentitySecret::from_seed(&Secret32::new([9; 32]));
    assert_eq!(offer.verify(&stranger.public()), Err(SealKeyFault::Signature));
    assert!(offer.verify(&server().public()).is_ok());
}

#[test]
fn every_byte_of_an_offer_counts() {
    let (_, offer) = offered();
    let bytes = offer.to_bytes();
    assert_eq!(bytes.len(), OFFER_BYTES);
    assert_eq!(Offer::parse(&bytes).unwrap(), offer);
    for place in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[place] ^= 1;
        let verified = Offer::parse(&altered).and_then(|offer| offer.verify(&server().public()));
        assert!(verified.is_err(), "byte {place}");
    }
}

#[test]
fn an_offer_has_one_length_and_no_weak_key() {
    let bytes = offered().1.to_bytes();
    assert_eq!(Offer::parse(&bytes[1..]), Err(SealKeyFault::Malformed));
    assert_eq!(
        Offer::parse(&[bytes.as_slice(), &[0]].concat()),
        Err(SealKeyFault::Malformed)
    );
    let mut weak = bytes;
    weak[1..33].fill(0);
    assert_eq!(Offer::parse(&weak), Err(SealKeyFault::Malformed));
}

#[test]
fn nothing_secret_is_printed() {
    let (_, offer) = offered();
    let unlock = UnlockKey::new(Secret32::new([0x5a; 32]));
    let sealed = offer
        .verify(&server().public())
        .unwrap()
        .seal(&unlock, &usage(), &mut rng())
        .unwrap();
    let text = alloc::format!("{sealed:?}");
    assert_eq!(text, alloc::format!("SealedUnlockKey(to {})", hex::encode(offer.id())));
}

#[test]
fn a_key_sealed_for_something_else_is_a_wrong_unlock_key() {
    assert_eq!(Refusal::from(SealKeyFault::Sealed).reason, Reason::WrongUnlockKey);
    assert_eq!(Refusal::from(SealKeyFault::Malformed).reason, Reason::Malformed);
}

proptest! {
    #[test]
    fn a17_parsing_an_offer_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(offer) = Offer::parse(&bytes) {
            prop_assert_eq!(offer.to_bytes(), bytes);
        }
    }
}
