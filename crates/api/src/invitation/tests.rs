use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use bech32::{Bech32, Bech32m, Hrp};
use proptest::prelude::*;
use rstest::rstest;
use twofold_threshold::{
    identity::{IdentityKey, IdentitySecret},
    secret::Secret32,
};

use super::{Invitation, InvitationFault, PREFIX, Trust};
use crate::public_url::PublicUrlFault;

fn key(seed: u8) -> IdentityKey {
    IdentitySecret::from_seed(&Secret32::new([seed; 32])).public()
}

fn invitation() -> Invitation {
    Invitation {
        url: "https://cosigner.example:8443".parse().unwrap(),
        trust: Trust::Authority([5; 32]),
        server: key(1),
        code: *b"one-time code ok",
        expires: 1_790_000_000,
    }
}

fn text_of(bytes: &[u8]) -> String {
    bech32::encode::<Bech32m>(PREFIX, bytes).unwrap()
}

#[test]
fn an_invitation_looks_as_the_documentation_says() {
    insta::assert_snapshot!(invitation());
}

#[test]
fn an_invitation_is_read_in_either_case_and_with_space_around_it() {
    let invitation = invitation();
    let text = invitation.to_string();
    assert_eq!(text.parse(), Ok(self::invitation()));
    assert_eq!(invitation.to_qr_text(), text.to_uppercase());
    assert_eq!(invitation.to_qr_text().parse(), Ok(self::invitation()));
    assert_eq!(format!("\n  {text}\t\n").parse(), Ok(self::invitation()));
}

#[test]
fn every_mistyped_character_is_noticed() {
    let text = invitation().to_string();
    for place in 0..text.len() {
        for typed in ["q", "p", "1", "b", "\u{e9}"] {
            if text[place..].starts_with(typed) {
                continue;
            }
            let mistyped = [&text[..place], typed, &text[place + 1..]].concat();
            assert!(mistyped.parse::<Invitation>().is_err(), "{typed} at {place}");
        }
        let missing = [&text[..place], &text[place + 1..]].concat();
        assert!(missing.parse::<Invitation>().is_err(), "nothing at {place}");
    }
}

#[test]
fn an_invitation_does_not_print_its_code() {
    let text = format!("{:?}", invitation());
    assert_eq!(
        text,
        "Invitation(to https://cosigner.example:8443, code redacted, expires 1790000000)"
    );
}

#[test]
fn text_that_is_something_else_is_told_apart() {
    let bytes = invitation().to_bytes();
    let foreign = bech32::encode::<Bech32m>(Hrp::parse("bc").unwrap(), &bytes).unwrap();
    assert_eq!(foreign.parse::<Invitation>(), Err(InvitationFault::Foreign));
    let older = bech32::encode::<Bech32>(PREFIX, &bytes).unwrap();
    assert_eq!(older.parse::<Invitation>(), Err(InvitationFault::Mistyped));
    let mut newer = bytes;
    newer[0] = 2;
    assert_eq!(text_of(&newer).parse::<Invitation>(), Err(InvitationFault::Version));
    assert_eq!("".parse::<Invitation>(), Err(InvitationFault::Mistyped));
    assert_eq!("twofold1".parse::<Invitation>(), Err(InvitationFault::Mistyped));
    assert_eq!(
        "q".repeat(100_000).parse::<Invitation>(),
        Err(InvitationFault::Mistyped)
    );
}

/// The bytes of an invitation with its fields, by type, given anew.
fn fields(fields: &[(u8, &[u8])]) -> String {
    let mut bytes = Vec::from([1]);
    for (kind, value) in fields {
        bytes.push(*kind);
        bytes.push(value.len().try_into().unwrap());
        bytes.extend_from_slice(value);
    }
    text_of(&bytes)
}

#[rstest]
#[case::nothing(&[])]
#[case::missing_field(&[1, 2, 3, 4])]
#[case::out_of_order(&[2, 1, 3, 4, 5])]
#[case::doubled(&[1, 1, 2, 3, 4, 5])]
#[case::unknown_field(&[1, 2, 3, 4, 5, 6])]
fn fields_come_once_and_in_order(#[case] order: &[u8]) {
    let server = key(1).to_bytes();
    let value = |kind: u8| -> &[u8] {
        match kind {
            1 => b"https://a.example",
            3 => &server,
            4 => b"one-time code ok",
            5 => &[0; 8],
            _ => b"",
        }
    };
    assert!(
        fields(&[1, 2, 3, 4, 5].map(|kind| (kind, value(kind))))
            .parse::<Invitation>()
            .is_ok()
    );
    let given = order.iter().map(|kind| (*kind, value(*kind))).collect::<Vec<_>>();
    assert_eq!(fields(&given).parse::<Invitation>(), Err(InvitationFault::Malformed));
}

#[rstest]
#[case::url_that_is_no_text(1, b"https://\xff")]
#[case::short_trust(2, &[1; 31])]
#[case::long_trust(2, &[1; 33])]
#[case::short_key(3, &[1; 32])]
#[case::unknown_key_kind(3, &[7; 33])]
#[case::weak_key(3, &[&[1][..], &[0; 32]].concat())]
#[case::short_code(4, &[1; 15])]
#[case::long_code(4, &[1; 17])]
#[case::short_time(5, &[1; 7])]
#[case::long_time(5, &[1; 9])]
fn f05_every_field_has_its_length_and_shape(#[case] kind: u8, #[case] value: &[u8]) {
    let server = key(1).to_bytes();
    let mut given: [(u8, &[u8]); 5] = [
        (1, b"https://a.example"),
        (2, b""),
        (3, &server),
        (4, b"one-time code ok"),
        (5, &[0; 8]),
    ];
    given[usize::from(kind) - 1].1 = value;
    assert_eq!(fields(&given).parse::<Invitation>(), Err(InvitationFault::Malformed));
}

#[test]
fn an_invitation_to_a_server_without_tls_is_refused() {
    let server = key(1).to_bytes();
    let text = fields(&[
        (1, b"http://a.example"),
        (2, b""),
        (3, &server),
        (4, &[0; 16]),
        (5, &[0; 8]),
    ]);
    assert_eq!(
        text.parse::<Invitation>(),
        Err(InvitationFault::Url(PublicUrlFault::Scheme))
    );
}

proptest! {
    #[test]
    fn any_invitation_comes_back_as_it_was(
        host in "[a-z]{1,20}(\\.[a-z]{1,20}){0,3}",
        authority in any::<Option<[u8; 32]>>(),
        seed in any::<u8>(),
        code in any::<[u8; 16]>(),
        expires in any::<u64>(),
    ) {
        let invitation = Invitation {
            url: format!("https://{host}").parse().unwrap(),
            trust: authority.map_or(Trust::WebRoots, Trust::Authority),
            server: key(seed),
            code,
            expires,
        };
        prop_assert_eq!(invitation.to_string().parse(), Ok(invitation));
    }

    #[test]
    fn a17_parsing_an_invitation_never_panics(
        text in ".{0,200}",
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = text.parse::<Invitation>();
        let _ = text_of(&bytes).parse::<Invitation>();
        let _ = text_of(&[&[1, 1][..], &bytes].concat()).parse::<Invitation>();
    }
}

#[test]
fn the_longest_url_still_fits() {
    let url = format!("https://a.example/{}", "x".repeat(200 - "https://a.example/".len()));
    let invitation = Invitation {
        url: url.parse().unwrap(),
        ..invitation()
    };
    let text = invitation.to_qr_text();
    assert!(!text.is_empty());
    assert_eq!(text.parse(), Ok(invitation));
}
