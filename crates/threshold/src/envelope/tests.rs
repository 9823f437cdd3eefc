use super::*;
use crate::fixture::rng;

fn binding() -> Binding {
    Binding {
        wallet: WalletId([1; 16]),
        ceremony: CeremonyId([2; 16]),
        epoch_number: 1,
        previous: EpochId::NONE,
        kind: KeyKind::Taproot,
        from: Party::Server,
        to: Party::Device,
    }
}

#[test]
fn a_package_opens_for_exactly_what_it_was_sealed_for() {
    let secret = SealSecret::generate(&mut rng(1));
    let sealed = secret
        .public()
        .seal(&binding(), Purpose::Dealt, b"secret", &mut rng(2))
        .unwrap();
    assert_eq!(sealed.len(), 6 + OVERHEAD);
    assert_eq!(&**secret.open(&binding(), Purpose::Dealt, &sealed).unwrap(), b"secret");

    let b = binding();
    let others = [
        Binding {
            wallet: WalletId([9; 16]),
            ..b
        },
        Binding {
            ceremony: CeremonyId([9; 16]),
            ..b
        },
        Binding { epoch_number: 2, ..b },
        Binding {
            previous: EpochId {
                number: 1,
                ..EpochId::NONE
            },
            ..b
        },
        Binding {
            previous: EpochId {
                transcript: [1; 32],
                ..EpochId::NONE
            },
            ..b
        },
        Binding {
            from: Party::Recovery,
            ..b
        },
        Binding {
            to: Party::Recovery,
            ..b
        },
    ];
    for other in others {
        assert_eq!(
            secret.open(&other, Purpose::Dealt, &sealed).unwrap_err().kind,
            FaultKind::SealedPackage
        );
    }
    assert!(secret.open(&b, Purpose::UnlockKey, &sealed).is_err());
    assert!(
        SealSecret::generate(&mut rng(3))
            .open(&b, Purpose::Dealt, &sealed)
            .is_err()
    );
    for at in 0..sealed.len() {
        let mut bad = sealed.clone();
        bad[at] ^= 1;
        assert!(secret.open(&b, Purpose::Dealt, &bad).is_err(), "byte {at}");
        assert!(secret.open(&b, Purpose::Dealt, &sealed[..at]).is_err());
    }
}

#[test]
fn the_public_half_agrees_with_hpke_s_own() {
    let secret = SealSecret::generate(&mut rng(1));
    let theirs = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(secret.expose().expose()).unwrap();
    let public = <X25519HkdfSha256 as Kem>::sk_to_pk(&theirs);
    assert_eq!(public.to_bytes().as_slice(), secret.public().as_bytes());
    assert_eq!(
        SealPublic::try_from(secret.public().as_bytes().as_slice()).unwrap(),
        secret.public()
    );
}
