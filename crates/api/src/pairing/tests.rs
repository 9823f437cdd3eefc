use alloc::string::ToString as _;

use proptest::prelude::*;
use twofold_threshold::{envelope::SealSecret, identity::IdentitySecret, secret::Secret32};

use super::*;
use crate::invitation::Trust;

fn identity(n: u8) -> IdentityKey {
    IdentitySecret::from_seed(&Secret32::new([n; 32])).public()
}

fn introduction() -> Introduction {
    Introduction {
        wallet: WalletId([3; 16]),
        device: identity(1),
        invitation: Invitation {
            url: "https://wallet.example.org:8443".parse().unwrap(),
            trust: Trust::Authority([4; 32]),
            server: identity(2),
            code: [5; 16],
            expires: 1_790_000_000,
        },
    }
}

fn card() -> Card {
    Card {
        wallet: WalletId([3; 16]),
        identity: identity(1),
        sealing: SealSecret::new(Secret32::new([6; 32])).public(),
    }
}

#[test]
fn both_texts_read_back_in_either_case() {
    let text = introduction().to_string();
    assert!(text.starts_with("twofoldadd1") && Introduction::is_one(&text));
    assert_eq!(text.parse::<Introduction>().unwrap(), introduction());
    assert_eq!(text.to_uppercase().parse::<Introduction>().unwrap(), introduction());
    let text = card().to_string();
    assert!(text.starts_with("twofoldkey1") && !Introduction::is_one(&text));
    assert_eq!(text.parse::<Card>().unwrap(), card());
    assert_eq!(alloc::format!("  {text}\n").parse::<Card>().unwrap(), card());
}

#[test]
fn each_is_told_from_the_other_and_from_an_invitation() {
    let (one, two) = (introduction().to_string(), card().to_string());
    assert_eq!(one.parse::<Card>(), Err(PairingFault::Foreign("twofoldkey1")));
    assert_eq!(two.parse::<Introduction>(), Err(PairingFault::Foreign("twofoldadd1")));
    let plain = introduction().invitation.to_string();
    assert!(!Introduction::is_one(&plain));
    assert_eq!(plain.parse::<Introduction>(), Err(PairingFault::Foreign("twofoldadd1")));
}

#[test]
fn an_introduction_prints_without_its_code() {
    let printed = alloc::format!("{:?}", introduction());
    assert!(printed.contains("redacted") && !printed.contains("0505"), "{printed}");
}

proptest! {
    #[test]
    fn a23_a_text_with_another_character_is_never_another_key(place in 11_usize..100, to in "[a-z0-9]") {
        let text = card().to_string();
        let mut changed = text.clone();
        let place = place.min(text.len() - 1);
        changed.replace_range(place..=place, &to);
        prop_assert!(changed == text || changed.parse::<Card>().is_err());
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in "\\PC{0,200}") {
        let _ = text.parse::<Card>();
        let _ = text.parse::<Introduction>();
    }
}
