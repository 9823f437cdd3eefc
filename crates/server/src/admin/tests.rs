use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Reply,
    seen::{Device, Entry, Log, Page, Stats, User, Wallet},
};

/// The names of all fields, however deep.
fn fields(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                into.insert(name.clone());
                fields(value, into);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| fields(value, into)),
        _ => {}
    }
}

/// What these replies can say is in these fields and nowhere else. A field more is a decision: is it a secret, an amount, an
/// address, a transaction, or a word that a person meant for themselves?
#[test]
fn o03_what_the_operator_is_shown_has_no_field_for_a_secret_an_amount_or_an_address() {
    let text = || String::from("x");
    let replies = [
        Reply::Users(Page {
            rows: vec![User {
                user: text(),
                issuer: text(),
                subject: Some(text()),
                devices: 1,
                wallets: 1,
            }],
            next: Some(text()),
        }),
        Reply::Wallets(Page {
            rows: vec![Wallet {
                wallet: text(),
                user: text(),
                standing: text(),
                epoch: 1,
                devices: 1,
                entries: 1,
                waiting: 1,
            }],
            next: None,
        }),
        Reply::Devices(Page {
            rows: vec![Device {
                device: text(),
                user: text(),
                name: text(),
                enrolled: 1,
            }],
            next: None,
        }),
        Reply::Stats(Stats {
            users: 1,
            devices: 1,
            wallets: 1,
            ceremonies: 1,
            invitations: 1,
            unconfirmed: 1,
            rescans: 1,
            height: 1,
            under_way: 1,
            up_seconds: 1,
        }),
        Reply::Audit(Log {
            entries: vec![Entry {
                seq: 1,
                at: 1,
                event: text(),
                device: Some(text()),
            }],
            next: Some((1, text())),
        }),
        Reply::Draining {
            draining: true,
            under_way: 1,
        },
    ];
    let mut found = BTreeSet::new();
    for reply in replies {
        fields(&serde_json::to_value(reply).unwrap(), &mut found);
    }
    let known = [
        "at",
        "audit",
        "ceremonies",
        "device",
        "devices",
        "draining",
        "enrolled",
        "entries",
        "epoch",
        "event",
        "height",
        "invitations",
        "issuer",
        "name",
        "next",
        "rescans",
        "rows",
        "seq",
        "standing",
        "stats",
        "subject",
        "unconfirmed",
        "under_way",
        "up_seconds",
        "user",
        "users",
        "waiting",
        "wallet",
        "wallets",
    ];
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), known);
}
