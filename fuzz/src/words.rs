//! What a person types, scans or pastes: recovery words, invitations, payment requests, amounts, names, URLs.

use std::str::FromStr;

use bitcoin::{Amount, Network};
use twofold_api::invitation::{Invitation, Trust};
use twofold_api::pairing::{Card, Introduction};
use twofold_api::public_url::PublicUrl;
use twofold_api::request::Name;
use twofold_client::recovery::AgeOpener;
use twofold_intent::{AmountText, PaymentUri};
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::id::WalletId;
use twofold_threshold::identity::IdentitySecret;
use twofold_threshold::secret::Secret32;
use twofold_threshold::words::{RecoverySecret, RecoveryWords, WordsError};

use crate::{Seed, Target, choice, seed};

pub(crate) const TARGET: Target = Target {
    name: "words",
    run,
    stages: &[
        "nothing",
        "words: too few",
        "words: unknown",
        "words: checksum",
        "words",
        "invitation: refused",
        "invitation",
        "payment: refused",
        "payment",
        "amount: refused",
        "amount",
        "name: refused",
        "name",
        "url: refused",
        "url",
        "id: refused",
        "id",
        "pairing: refused",
        "introduction",
        "card",
    ],
    seeds,
};

fn run(input: &[u8]) -> &'static str {
    let Some((case, bytes)) = choice(input) else {
        return "nothing";
    };
    let text = &String::from_utf8_lossy(bytes);
    match case % 8 {
        0 => words(text),
        1 => invitation(text),
        2 => payment(text),
        3 => amount(text),
        4 => name(text),
        5 => url(text),
        6 => id(text),
        _ => pairing(text),
    }
}

fn amount(text: &str) -> &'static str {
    let Ok(amount) = text.parse::<AmountText>() else {
        return "amount: refused";
    };
    assert!(amount.amount() > Amount::ZERO && amount.amount() <= Amount::MAX_MONEY);
    assert_eq!(amount.to_string().parse::<AmountText>().as_ref(), Ok(&amount));
    "amount"
}

fn words(text: &str) -> &'static str {
    match RecoveryWords::parse(text) {
        Ok(words) => {
            let secret = words.secret().expect("checked already");
            let line = words.expose_line();
            assert_eq!(
                secret.words().expose_line().as_str(),
                line.as_str(),
                "two secrets for these words"
            );
            let typed = text.split_whitespace().map(str::to_ascii_lowercase).collect::<Vec<_>>();
            assert_eq!(typed.join(" "), line.as_str());
            assert!(AgeOpener::new(&secret).is_ok());
            "words"
        }
        Err(WordsError::Count { .. }) => "words: too few",
        Err(WordsError::Unknown { position }) => {
            assert!((1..=twofold_threshold::words::COUNT).contains(&position));
            "words: unknown"
        }
        Err(WordsError::Checksum) => "words: checksum",
        Err(fault) => panic!("another fault: {fault}"),
    }
}

fn invitation(text: &str) -> &'static str {
    let Ok(invitation) = text.parse::<Invitation>() else {
        return "invitation: refused";
    };
    assert!(
        invitation.to_string().eq_ignore_ascii_case(text.trim()),
        "a second spelling"
    );
    assert_eq!(Invitation::from_str(&invitation.to_qr_text()).as_ref(), Ok(&invitation));
    let code: String = invitation.code.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!format!("{invitation:?}").contains(&code), "the code is printed");
    "invitation"
}

fn pairing(text: &str) -> &'static str {
    if let Ok(card) = text.parse::<Card>() {
        assert!(card.to_string().eq_ignore_ascii_case(text.trim()), "a second spelling");
        return "card";
    }
    match text.parse::<Introduction>() {
        Ok(introduction) => {
            assert!(Introduction::is_one(text));
            assert!(
                introduction.to_string().eq_ignore_ascii_case(text.trim()),
                "a second spelling"
            );
            "introduction"
        }
        Err(_) => "pairing: refused",
    }
}

fn payment(text: &str) -> &'static str {
    let Ok(payment) = PaymentUri::parse(text, Network::Regtest) else {
        return "payment: refused";
    };
    // What is written for others reads the same here.
    assert_eq!(
        PaymentUri::parse(&payment.to_string(), Network::Regtest).as_ref(),
        Ok(&payment)
    );
    for claim in payment.label.iter().chain(&payment.message) {
        assert!(!claim.chars().any(char::is_control), "{claim:?}");
    }
    "payment"
}

fn name(text: &str) -> &'static str {
    let Ok(name) = text.parse::<Name>() else {
        return "name: refused";
    };
    assert!(name.as_str().chars().count() <= 64 && !name.as_str().is_empty());
    assert!(!name.as_str().chars().any(char::is_control));
    assert_eq!(name.as_str().parse::<Name>().as_ref(), Ok(&name));
    "name"
}

fn url(text: &str) -> &'static str {
    let Ok(url) = text.parse::<PublicUrl>() else {
        return "url: refused";
    };
    // It is signed as it stands: no second spelling.
    assert_eq!(url.as_str(), text);
    assert!(url.target("/x").starts_with("https://") && url.target("/x").ends_with("/x"));
    assert!(!url.host().is_empty() && url.authority().contains(url.host()));
    "url"
}

fn id(text: &str) -> &'static str {
    let Ok(id) = text.parse::<WalletId>() else {
        return "id: refused";
    };
    assert_eq!(id.to_string(), text);
    "id"
}

fn seeds() -> Vec<Seed> {
    let secret = RecoverySecret::new(Secret32::new([9; 32]));
    let line = secret.words().expose_line().to_string();
    let (first, rest) = line.split_once(' ').expect("many words");
    let invitation = Invitation {
        url: "https://wallet.example.org:8443".parse().expect("a URL"),
        trust: Trust::Authority([7; 32]),
        server: IdentitySecret::from_seed(&Secret32::new([7; 32])).public(),
        code: [0xab; 16],
        expires: 1_790_000_000,
    };
    let card = Card {
        wallet: WalletId([3; 16]),
        identity: invitation.server,
        sealing: SealSecret::new(Secret32::new([6; 32])).public(),
    };
    let invited = invitation.to_string();
    let introduction = Introduction {
        wallet: WalletId([3; 16]),
        device: invitation.server,
        invitation: invited.parse().expect("our own text"),
    };
    let swapped = if first == "zoo" { "zone" } else { "zoo" };
    let cases: [(&str, usize, String); 24] = [
        ("words", 0, line.clone()),
        ("words-capitals", 0, line.to_uppercase()),
        ("words-few", 0, first.into()),
        ("words-unknown", 0, format!("twofold {rest}")),
        ("words-checksum", 0, format!("{swapped} {rest}")),
        ("invitation", 1, invitation.to_string()),
        ("invitation-qr", 1, invitation.to_qr_text()),
        ("invitation-cut", 1, "twofold1qqqq".into()),
        ("payment", 2, "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6".into()),
        (
            "payment-link",
            2,
            "bitcoin:bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6?amount=0.001&label=Bob%27s&message=x".into(),
        ),
        ("payment-required", 2, "bitcoin:bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6?req-x=1".into()),
        ("amount-btc", 3, "0.00100000btc".into()),
        ("amount-sat", 3, "50000sat".into()),
        ("amount-none", 3, "12".into()),
        ("name", 4, "Ærlig's phone 📱".into()),
        ("name-control", 4, "a\u{202e}b".into()),
        ("url", 5, "https://wallet.example.org/twofold".into()),
        ("url-address", 5, "https://[2001:db8::1]:8443".into()),
        ("url-plain", 5, "http://wallet.example.org".into()),
        ("id", 6, "000102030405060708090a0b0c0d0e0f".into()),
        ("id-short", 6, "00".into()),
        ("introduction", 7, introduction.to_string()),
        ("card", 7, card.to_string()),
        ("pairing-none", 7, invited),
    ];
    let mut seeds = vec![("nothing".into(), Vec::new())];
    seeds.extend(
        cases
            .into_iter()
            .map(|(name, case, text)| seed(name, case, text.as_bytes())),
    );
    seeds
}
