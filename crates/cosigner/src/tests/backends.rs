//! Backends of apps: what they find, and that they do nothing else.

use std::sync::Arc;

use futures::executor::block_on;
use rstest::rstest;
use twofold_api::{
    Code, Reason, Refusal,
    reply::{Addresses, Standing, Wallets},
    request::{self, Named},
};
use twofold_intent::Keychain;
use twofold_threshold::id::WalletId;

use super::{
    devices::freeze,
    sign_in::{alice, sign_in},
};
use crate::{
    Backend, Config, NamesWallet, Scopes, SignedIn,
    fixture::{Call, House, Phone, Purse},
};

const ALL: Scopes = Scopes {
    wallets: true,
    addresses: true,
};

/// A house that knows a backend, and the key of that.
fn house(scopes: Scopes) -> (House, Phone) {
    let desk = Phone::new();
    let mut config = Config::new(bitcoin::Network::Regtest);
    config.backends = vec![Arc::new(Backend {
        name: "shop".into(),
        key: desk.identity.public(),
        issuers: vec![alice().issuer],
        scopes,
    })];
    (House::with(config), desk)
}

/// Alice's wallet.
fn wallet(house: &House) -> (Phone, Purse) {
    let phone = Phone::new();
    sign_in(house, &phone, alice()).unwrap();
    let purse = phone.create(house);
    (phone, purse)
}

fn named(subject: &str) -> Named {
    Named {
        issuer: alice().issuer,
        subject: subject.into(),
    }
}

fn ask<T: NamesWallet>(house: &House, call: &Call, request: T) -> Result<crate::Inquiry<T>, Refusal> {
    house
        .mind
        .authenticate_backend(&call.proof)?
        .arrived(&call.body)?
        .bind(request)
}

fn wallets(house: &House, desk: &Phone, person: Named) -> Result<Wallets, Refusal> {
    page(house, desk, person, None)
}

fn page(house: &House, desk: &Phone, person: Named, after: Option<WalletId>) -> Result<Wallets, Refusal> {
    let call = desk.call("FindWallets", None, b"");
    block_on(
        house
            .mind
            .find_wallets(ask(house, &call, request::FindWallets { person, after })?),
    )
}

fn addresses(house: &House, desk: &Phone, wallet: WalletId, person: Named, from: u32) -> Result<Addresses, Refusal> {
    let call = desk.call("FindAddresses", Some(wallet), b"");
    let request = request::FindAddresses { wallet, person, from };
    block_on(house.mind.find_addresses(ask(house, &call, request)?))
}

#[test]
fn a_backend_finds_the_wallets_of_a_person_and_where_they_stand() {
    let (house, desk) = house(ALL);
    let (phone, purse) = wallet(&house);
    let other = phone.create_pending(&house);
    let lines = wallets(&house, &desk, named("alice")).unwrap().wallets;
    let told: Vec<_> = lines.iter().map(|line| (line.wallet, line.standing)).collect();
    assert_eq!(told, [(purse.id.0, Standing::Active), (other.id.0, Standing::Pending)]);
    freeze(&house, &purse, &phone, true, false).unwrap();
    let lines = wallets(&house, &desk, named("alice")).unwrap().wallets;
    assert_eq!(lines[0].standing, Standing::Frozen);
    // Whoever is not known has none, as whoever has made none.
    sign_in(
        &house,
        &Phone::new(),
        SignedIn {
            subject: "bob".into(),
            ..alice()
        },
    )
    .unwrap();
    assert_eq!(
        wallets(&house, &desk, named("bob")).unwrap(),
        wallets(&house, &desk, named("carol")).unwrap()
    );
}

#[test]
fn a_backend_finds_wallets_past_a_hundred_on_another_page() {
    let (house, desk) = house(ALL);
    let (phone, first) = wallet(&house);
    let last = phone.create_pending(&house);
    house.store.more_wallets(first.id, (1..=103).map(|n| WalletId([n; 16])));
    let told = page(&house, &desk, named("alice"), None).unwrap();
    assert_eq!((told.wallets.len(), told.wallets[0].wallet), (1, first.id.0));
    let told = page(&house, &desk, named("alice"), told.after.map(WalletId)).unwrap();
    assert_eq!((told.wallets.len(), told.wallets[0].wallet), (1, last.id.0));
    assert_eq!(told.after, None);
    // Another person's wallet is no place to go on from, as one that is not there.
    let stranger = Phone::new();
    let bob = SignedIn {
        subject: "bob".into(),
        ..alice()
    };
    sign_in(&house, &stranger, bob).unwrap();
    let theirs = stranger.create(&house);
    for after in [theirs.id, WalletId([200; 16])] {
        house.refuses(Reason::WalletNotFound, || {
            page(&house, &desk, named("alice"), Some(after))
        });
    }
}

#[test]
fn a_backend_finds_the_addresses_that_are_watched_and_the_next_one() {
    let (house, desk) = house(ALL);
    let (phone, purse) = wallet(&house);
    house.pay(&purse, 100_000, 2);
    let found = addresses(&house, &desk, purse.id, named("alice"), 0).unwrap();
    assert_eq!(found.next, 3);
    let watched = block_on(crate::port::store::Store::watched(&house.store, purse.id)).unwrap()[0];
    assert_eq!(found.addresses.len(), usize::try_from(watched).unwrap());
    for (index, address) in (0..).zip(&found.addresses) {
        let own = purse.account.address(Keychain::External, index).unwrap().to_string();
        assert_eq!(*address, own);
    }
    let rest = addresses(&house, &desk, purse.id, named("alice"), watched - 1).unwrap();
    assert_eq!(rest.addresses, found.addresses[found.addresses.len() - 1..]);
    for beyond in [watched, u32::MAX] {
        let none = addresses(&house, &desk, purse.id, named("alice"), beyond).unwrap();
        assert!(none.addresses.is_empty());
    }
    // Before its test signature a wallet has no address to show.
    let pending = phone.create_pending(&house);
    house.refuses(Reason::NotActive, || {
        addresses(&house, &desk, pending.id, named("alice"), 0)
    });
}

#[test]
fn f19_a_wallet_of_somebody_else_is_answered_as_one_that_is_not_there() {
    let (house, desk) = house(ALL);
    let (_, purse) = wallet(&house);
    let stranger = Phone::new();
    sign_in(
        &house,
        &stranger,
        SignedIn {
            subject: "bob".into(),
            ..alice()
        },
    )
    .unwrap();
    let missing = addresses(&house, &desk, WalletId([7; 16]), named("bob"), 0).unwrap_err();
    assert_eq!(missing.reason, Reason::WalletNotFound);
    for whose in ["bob", "carol"] {
        let refusal = addresses(&house, &desk, purse.id, named(whose), 0).unwrap_err();
        assert_eq!(refusal, missing, "{whose}");
    }
}

#[rstest]
#[case::wallets(Scopes { wallets: true, addresses: false })]
#[case::addresses(Scopes { wallets: false, addresses: true })]
#[case::none(Scopes::default())]
fn a01_each_scope_opens_its_own_question_and_no_other(#[case] scopes: Scopes) {
    let (house, desk) = house(scopes);
    let (_, purse) = wallet(&house);
    let told = [
        (scopes.wallets, wallets(&house, &desk, named("alice")).map(drop)),
        (
            scopes.addresses,
            addresses(&house, &desk, purse.id, named("alice"), 0).map(drop),
        ),
    ];
    for (open, told) in told {
        let reason = told.map_err(|refusal| (refusal.reason, refusal.reason.code()));
        let closed = Err((Reason::NotPermitted, Code::PermissionDenied));
        assert_eq!(reason, if open { Ok(()) } else { closed });
    }
}

#[test]
fn a01_a_backend_asks_about_nobody_of_another_issuer() {
    let (house, desk) = house(ALL);
    // An owner without an app: their issuer is the server's own.
    let owner = Phone::joined(&house);
    let purse = owner.create(&house);
    let user = house.user_of(&owner);
    let row = house.rows().users.into_values().find(|row| row.id == user).unwrap();
    let person = Named {
        issuer: row.issuer,
        subject: row.subject,
    };
    house.refuses(Reason::NotPermitted, || wallets(&house, &desk, person.clone()));
    house.refuses(Reason::NotPermitted, || {
        addresses(&house, &desk, purse.id, person.clone(), 0)
    });
}

#[test]
fn a01_no_device_asks_as_a_backend_and_no_backend_as_a_device() {
    let (mut house, desk) = house(ALL);
    let (phone, purse) = wallet(&house);
    house.refuses(Reason::DeviceUnknown, || wallets(&house, &phone, named("alice")));
    house.refuses(Reason::DeviceUnknown, || wallets(&house, &Phone::new(), named("alice")));
    // It joins nobody's wallet, by invitation or by sign-in.
    let minted = block_on(house.mind.mint_invitation(None)).unwrap();
    house.refuses(Reason::NotPermitted, || desk.join(&house, minted.code));
    house.refuses(Reason::NotPermitted, || sign_in(&house, &desk, alice()));
    let call = desk.call("GetWallet", Some(purse.id), b"");
    let asked = request::GetWallet {
        wallet: purse.id,
        checkpoint: None,
    };
    house.refuses(Reason::NotPermitted, || house.let_in(&call, asked.clone()));
    // Nor does a key that was a device's go on as one, once the operator has listed it.
    let mut config = house.config.clone();
    config.backends = vec![Arc::new(Backend {
        name: "shop".into(),
        key: phone.identity.public(),
        issuers: vec![alice().issuer],
        scopes: ALL,
    })];
    house.config = config;
    house.restart();
    let call = phone.call("GetWallet", Some(purse.id), b"");
    house.refuses(Reason::NotPermitted, || house.let_in(&call, asked.clone()));
    // And the key that is no longer listed asks nothing.
    house.refuses(Reason::DeviceUnknown, || wallets(&house, &desk, named("alice")));
}

#[test]
fn p05_a_backends_body_names_the_wallet_that_its_signature_names() {
    let (house, desk) = house(ALL);
    let (_, purse) = wallet(&house);
    let call = desk.call("FindAddresses", Some(WalletId([7; 16])), b"");
    let request = request::FindAddresses {
        wallet: purse.id,
        person: named("alice"),
        from: 0,
    };
    house.refuses(Reason::PartyMismatch, || ask(&house, &call, request.clone()));
}
