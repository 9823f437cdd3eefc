//! Recovery by the owner's sign-in instead of the operator's code: the words, the notice and the wait stay.

use std::future::{Future, pending, ready};

use futures::executor::block_on;
use twofold_api::{
    Code, Reason, Refusal,
    audit::ShapeStep,
    reply::{Asked, Recovery},
    request,
};
use twofold_threshold::{envelope::SealSecret, identity::IdentitySecret};

use super::{DAY, Newcomer, days, steps};
use crate::{
    Config, SignedIn,
    fixture::{Call, House, Phone, Purse, random, rng},
    port::Clock as _,
    tests::{
        devices::cancel,
        sign_in::{alice, sign_in},
    },
};

/// Alice, who has just signed in with a second factor.
pub(super) fn fresh() -> SignedIn {
    SignedIn {
        stepped_up: true,
        ..alice()
    }
}

pub(super) fn bob() -> SignedIn {
    SignedIn {
        subject: "bob".into(),
        ..fresh()
    }
}

/// A machine that has joined by a sign-in.
pub(super) fn arrived(house: &House, who: SignedIn) -> Newcomer {
    let phone = Phone::new();
    phone.clock.set(house.clock.now());
    sign_in(house, &phone, who).unwrap();
    Newcomer {
        phone,
        code: random(),
        sealing: SealSecret::generate(&mut rng()),
    }
}

/// A wallet of Alice's, whose one device is about to be lost, and another machine of hers.
pub(super) fn lost_by_alice(tweak: impl FnOnce(&mut Config)) -> (House, Purse, Phone, Newcomer) {
    let mut config = Config::new(bitcoin::Network::Regtest);
    tweak(&mut config);
    let house = House::with(config);
    let phone = Phone::new();
    sign_in(&house, &phone, alice()).unwrap();
    let purse = phone.create(&house);
    let newcomer = arrived(&house, alice());
    (house, purse, phone, newcomer)
}

impl Newcomer {
    fn asking(&self, house: &House, purse: &Purse, words: &IdentitySecret) -> (Call, request::AskRecovery) {
        let entry = self.entry(house, purse, words).to_bytes();
        let call = self.phone.call("AskRecovery", Some(purse.id), &entry);
        let asked = request::AskRecovery {
            wallet: purse.id,
            code: None,
            entry,
        };
        (call, asked)
    }

    fn ask_in(
        &self,
        house: &House,
        purse: &Purse,
        who: impl Future<Output = Result<SignedIn, Refusal>>,
    ) -> Result<Asked, Refusal> {
        let (call, asked) = self.asking(house, purse, &purse.recovery);
        block_on(house.mind.ask_recovery_signed_in(house.let_in(&call, asked)?, who))
    }

    pub(super) fn ask_as(&self, house: &House, purse: &Purse, who: SignedIn) -> Result<Asked, Refusal> {
        self.ask_in(house, purse, ready(Ok(who)))
    }

    fn read_as(
        &self,
        house: &House,
        purse: &Purse,
        who: SignedIn,
        code: Option<[u8; 16]>,
        words: &IdentitySecret,
    ) -> Result<Recovery, Refusal> {
        let asked = self.reading(house, purse, code, words)?;
        block_on(house.mind.get_recovery_signed_in(asked, ready(Ok(who))))
    }
}

#[test]
fn a20_recovery_by_sign_in_waits_as_long_is_told_and_gives_the_same_share() {
    let (house, purse, old, new) = lost_by_alice(|_| ());
    let told = new.read_as(&house, &purse, alice(), None, &purse.recovery).unwrap();
    assert!(told.waiting.is_none());
    let asked = new.ask_as(&house, &purse, alice()).unwrap().waiting.unwrap();
    assert_eq!((asked.what.as_str(), asked.due - asked.asked), ("recover", 2 * DAY));
    let psbt = purse.psbt(&[house.pay(&purse, 100_000, 0)], 50_000);
    house.refuses(Reason::WalletFrozen, || old.sign(&house, &purse, &psbt));
    house.refuses(Reason::RecoveryWaits, || new.recover(&house, &purse));
    days(&house, &[&old, &new.phone], 1);
    // Signed in again it is the same wish, with the same end.
    let again = new.ask_as(&house, &purse, fresh()).unwrap().waiting.unwrap();
    assert_eq!((again.change, again.due), (asked.change, asked.due));
    house.refuses(Reason::RecoveryWaits, || new.recover(&house, &purse));
    days(&house, &[&old, &new.phone], 2);
    // Once recovery has asked, no token is needed.
    assert!(new.read(&house, &purse, None).unwrap().waiting.is_some());
    let share = new.recover(&house, &purse).unwrap();
    assert_eq!(*share.to_secret_bytes(), *purse.share.to_secret_bytes());
    assert_eq!(
        steps(&house, &purse),
        [
            ShapeStep::Asked,
            ShapeStep::Frozen,
            ShapeStep::Asked,
            ShapeStep::ListChanged,
            ShapeStep::Repaired
        ]
    );
}

#[test]
fn a24_a_device_objects_to_a_recovery_by_sign_in_as_to_any() {
    let (house, purse, old, new) = lost_by_alice(|_| ());
    let waiting = new.ask_as(&house, &purse, alice()).unwrap().waiting.unwrap();
    cancel(&house, &purse, &old, waiting.change).unwrap();
    days(&house, &[&old, &new.phone], 3);
    house.refuses(Reason::RecoveryWaits, || new.recover(&house, &purse));
}

#[test]
fn a28_words_and_somebody_elses_token_are_refused() {
    let (house, purse, _, new) = lost_by_alice(|_| ());
    arrived(&house, bob());
    for refusal in [
        house.refuses(Reason::SignInRefused, || new.ask_as(&house, &purse, bob())),
        house.refuses(Reason::SignInRefused, || {
            new.read_as(&house, &purse, bob(), None, &purse.recovery)
        }),
    ] {
        assert_eq!(refusal.reason.code(), Code::PermissionDenied);
    }
    // Somebody whom nobody here knows.
    let stranger = SignedIn {
        issuer: "https://other.example".into(),
        ..alice()
    };
    house.refuses(Reason::SignInRefused, || new.ask_as(&house, &purse, stranger));
    // On a machine of Bob's the wallet is not there, whoever signs in.
    let his = arrived(&house, bob());
    house.refuses(Reason::WalletNotFound, || his.ask_as(&house, &purse, bob()));
    house.refuses(Reason::SignInRefused, || his.ask_as(&house, &purse, alice()));
    assert!(house.state(&purse).shape.freeze.is_none());
}

#[test]
fn a28_a_token_without_the_words_opens_nothing() {
    let (house, purse, _, new) = lost_by_alice(|_| ());
    let other = IdentitySecret::generate(&mut rng());
    house.refuses(Reason::NotRecovery, || {
        new.read_as(&house, &purse, fresh(), None, &other)
    });
    let (call, asked) = new.asking(&house, &purse, &other);
    let refused = block_on(
        house
            .mind
            .ask_recovery_signed_in(house.let_in(&call, asked).unwrap(), ready(Ok(fresh()))),
    );
    assert!(refused.is_err());
    assert!(house.state(&purse).shape.freeze.is_none());
}

#[test]
fn a28_a_machine_that_signed_in_once_asks_for_nothing_without_a_token() {
    let (house, purse, _, new) = lost_by_alice(|_| ());
    house.refuses(Reason::InvitationInvalid, || new.read(&house, &purse, None));
    let (call, asked) = new.asking(&house, &purse, &purse.recovery);
    house.refuses(Reason::InvitationInvalid, || {
        block_on(house.mind.ask_recovery(house.let_in(&call, asked.clone())?))
    });
    // Nor does a code of somebody's own making help.
    house.refuses(Reason::InvitationInvalid, || new.ask(&house, &purse));
}

#[test]
fn a07_a_recovery_that_was_asked_for_is_answered_the_same_though_the_tokens_time_is_over() {
    let (house, purse, _, new) = lost_by_alice(|_| ());
    let (call, asked) = new.asking(&house, &purse, &purse.recovery);
    let ask = |who: Result<SignedIn, Refusal>| {
        let request = house.let_in(&call, asked.clone()).unwrap();
        block_on(house.mind.ask_recovery_signed_in(request, ready(who)))
    };
    let first = ask(Ok(alice())).unwrap();
    assert_eq!(ask(Err(Reason::TokenInvalid.into())).unwrap(), first);
    // Nobody is asked a second time.
    let request = house.let_in(&call, asked.clone()).unwrap();
    let again = block_on(house.mind.ask_recovery_signed_in(request, pending()));
    assert_eq!(again.unwrap(), first);
}

#[test]
fn a04_a_provider_in_trouble_lets_no_recovery_be_asked_for() {
    let (house, purse, _, new) = lost_by_alice(|_| ());
    for reason in [Reason::TokenInvalid, Reason::SignInUnavailable] {
        house.refuses(reason, || new.ask_in(&house, &purse, ready(Err(reason.into()))));
    }
}

#[test]
fn a_code_and_a_token_do_not_come_together_to_recovery() {
    let (house, purse, _, new) = lost_by_alice(|_| ());
    house.refuses(Reason::Malformed, || {
        new.read_as(&house, &purse, alice(), Some(new.code), &purse.recovery)
    });
    let (call, mut asked) = new.asking(&house, &purse, &purse.recovery);
    asked.code = Some(new.code);
    house.refuses(Reason::Malformed, || {
        let request = house.let_in(&call, asked.clone())?;
        block_on(house.mind.ask_recovery_signed_in(request, ready(Ok(alice()))))
    });
}
