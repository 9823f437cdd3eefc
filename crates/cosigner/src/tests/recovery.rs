//! A device was lost: recovery asks for its place, waits, and is given the share by recovery and server.

mod by_sign_in;
mod step_up;

use futures::executor::block_on;
use twofold_api::{
    Code, Reason, Refusal,
    audit::{Event, ShapeStep},
    recovery::{READ, mandate, reading},
    reply::{Asked, Operator, Recovered, Recovery},
    request,
    seal_key::Step,
};
use twofold_threshold::{
    device_list::{Act, Change, DeviceList, Proposal, Signer},
    envelope::SealSecret,
    id::{CeremonyId, KeyKind, Party},
    identity::IdentitySecret,
    package::{Chain, FirstPackage, Opened},
    refresh::Link,
    repair::{Answer, Claim, Helpers, Opening, Signed, first, hub, repaired},
    secret::UnlockKey,
    share::Share,
    transcript::SignedTranscript,
    words::RecoverySecret,
};

use super::devices::{freeze, invite, second};
use crate::{
    Authenticated,
    fixture::{House, Phone, Purse, random, rng},
    port::{Clock as _, store::Store},
};

const DAY: u64 = 86_400;

/// A new machine at the wallet's server.
pub(super) struct Newcomer {
    phone: Phone,
    code: [u8; 16],
    sealing: SealSecret,
}

/// The house, a wallet whose one device is about to be lost, and a machine that joined with the operator's code.
fn lost() -> (House, Purse, Phone, Newcomer) {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let newcomer = Newcomer::joined(&house, &purse, None);
    (house, purse, phone, newcomer)
}

fn list(house: &House, purse: &Purse) -> DeviceList {
    let chains = block_on(house.store.chains(purse.id)).unwrap().unwrap();
    DeviceList::verify(purse.id, purse.recovery.public(), &chains.device_list).unwrap()
}

fn opened(house: &House, purse: &Purse) -> Opened {
    let chains = block_on(house.store.chains(purse.id)).unwrap().unwrap();
    let package = FirstPackage::try_from(chains.package[0].as_slice()).unwrap();
    let transcript = SignedTranscript::try_from(chains.package[1].as_slice()).unwrap();
    let chain = Chain::new(transcript, package, chains.device_list, Vec::new());
    chain.open(&purse.recovery.public(), &purse.age).unwrap()
}

/// What of a repair a test changes.
#[derive(Default)]
struct Twist {
    unlock: Option<UnlockKey>,
    mandate: Option<[u8; 32]>,
    words: Option<IdentitySecret>,
    /// Another entry than the one on the newest head.
    entry: Option<Change>,
}

impl Newcomer {
    pub(super) fn joined(house: &House, purse: &Purse, wait: Option<u64>) -> Self {
        let minted = block_on(house.mind.mint_recovery(purse.id, None, wait)).unwrap();
        let phone = Phone::new();
        phone.clock.set(house.clock.now());
        phone.join(house, minted.code).unwrap();
        Self {
            phone,
            code: minted.code,
            sealing: SealSecret::generate(&mut rng()),
        }
    }

    /// A machine that joined with a code that a device minted.
    fn introduced(house: &House, purse: &Purse, from: &Phone) -> Self {
        let code = invite(house, purse, from).unwrap();
        let phone = Phone::new();
        phone.clock.set(house.clock.now());
        phone.join(house, code).unwrap();
        Self {
            phone,
            code,
            sealing: SealSecret::generate(&mut rng()),
        }
    }

    fn entry(&self, house: &House, purse: &Purse, words: &IdentitySecret) -> Change {
        let act = Act::Enrol {
            identity: self.phone.identity.public(),
            sealing: self.sealing.public(),
        };
        let proposal = Proposal::new(&list(house, purse), act);
        let signature = words.sign_raw(&proposal.signing_bytes());
        proposal.signed(Signer::Recovery, signature)
    }

    fn read(&self, house: &House, purse: &Purse, code: Option<[u8; 16]>) -> Result<Recovery, Refusal> {
        self.read_by(house, purse, code, &purse.recovery)
    }

    fn read_by(
        &self,
        house: &House,
        purse: &Purse,
        code: Option<[u8; 16]>,
        words: &IdentitySecret,
    ) -> Result<Recovery, Refusal> {
        block_on(house.mind.get_recovery(self.reading(house, purse, code, words)?))
    }

    fn reading(
        &self,
        house: &House,
        purse: &Purse,
        code: Option<[u8; 16]>,
        words: &IdentitySecret,
    ) -> Result<Authenticated<request::GetRecovery>, Refusal> {
        let call = self.phone.call("GetRecovery", Some(purse.id), b"");
        let asked = request::GetRecovery {
            wallet: purse.id,
            code,
            recovery: words.sign(READ, &reading(purse.id, self.phone.id())).0,
        };
        house.let_in(&call, asked)
    }

    pub(super) fn ask(&self, house: &House, purse: &Purse) -> Result<Asked, Refusal> {
        self.ask_with(house, purse, &self.entry(house, purse, &purse.recovery))
    }

    fn ask_with(&self, house: &House, purse: &Purse, entry: &Change) -> Result<Asked, Refusal> {
        let call = self.phone.call("AskRecovery", Some(purse.id), &entry.to_bytes());
        let asked = request::AskRecovery {
            wallet: purse.id,
            code: Some(self.code),
            entry: entry.to_bytes(),
        };
        block_on(house.mind.ask_recovery(house.let_in(&call, asked)?))
    }

    pub(super) fn recover(&self, house: &House, purse: &Purse) -> Result<Share, Refusal> {
        self.recover_with(house, purse, &Twist::default())
    }

    /// Words and server give the machine its share, by the real protocol.
    fn recover_with(&self, house: &House, purse: &Purse, twist: &Twist) -> Result<Share, Refusal> {
        let Opened { contents, public } = opened(house, purse);
        let server = house.mind.identity();
        let words = twist.words.as_ref().unwrap_or(&purse.recovery);
        let listed = list(house, purse).device(self.phone.id()).is_some();
        let entry = if listed {
            Vec::new()
        } else {
            let own = || self.entry(house, purse, words);
            twist.entry.clone().unwrap_or_else(own).to_bytes()
        };
        let key = SealSecret::generate(&mut rng());
        let identity = self.phone.identity.public();
        let claim = Claim {
            wallet: purse.id,
            ceremony: CeremonyId(random()),
            kind: KeyKind::Taproot,
            epoch: public.epoch(),
            repaired: Party::Device,
            identity,
            key: key.public(),
            unlock_digest: contents.unlock.digest(),
            mandate: twist
                .mandate
                .unwrap_or_else(|| mandate(&identity, &self.sealing.public())),
        };
        let helpers = Helpers {
            first: (Party::Recovery, words.public()),
            second: (Party::Server, server),
        };
        let to = self.phone.offer(house).verify(&server).unwrap();
        let share = &contents.share;
        let drafted = first::begin(claim.clone(), helpers, share, &public, to.public(), &mut rng()).unwrap();
        let signature = words.sign_raw(&drafted.signing_bytes());
        let (state, opening): (_, Signed<Opening>) = drafted.signed(signature).unwrap();
        let unlock = twist.unlock.as_ref().unwrap_or(&contents.unlock);
        let step = Step::Recover;
        let sealed = self.phone.seal(house, purse.id, public.epoch().number, step, unlock);
        let call = self.phone.call("Recover", Some(purse.id), &opening.to_bytes());
        let asked = request::Recover {
            wallet: purse.id,
            entry,
            opening: opening.to_bytes(),
            unlock: sealed,
        };
        let Recovered { answer, .. } = block_on(house.mind.recover(house.let_in(&call, asked)?))?;
        let answer = Signed::<Answer>::try_from(answer.as_slice()).unwrap();
        let drafted = state
            .opened(opening.clone())
            .receive(&answer, &contents.unlock, &mut rng())
            .unwrap();
        let signature = words.sign_raw(&drafted.signing_bytes());
        let ((), closing) = drafted.signed(signature).unwrap();
        let carried = hub::AwaitOpening::new(claim.clone(), helpers, public.clone())
            .and_then(|hub| hub.receive(opening))
            .and_then(|hub| hub.receive(answer))
            .and_then(|hub| hub.receive(closing))
            .unwrap();
        let repaired = repaired::AwaitSigmas::new(claim, helpers, public).unwrap();
        Ok(repaired.receive(&carried, &key).unwrap().share)
    }
}

/// A day passes, as a clock that is right shows it.
fn days(house: &House, phones: &[&Phone], days: u64) {
    house.clock.pass(days * DAY);
    house.let_time_settle();
    for phone in phones {
        phone.clock.set(house.clock.now());
    }
}

fn steps(house: &House, purse: &Purse) -> Vec<ShapeStep> {
    let entries = house.audit(purse).into_iter();
    let steps = entries.filter_map(|entry| match entry.event {
        Event::Shape { step, .. } => Some(step),
        _ => None,
    });
    steps.collect()
}

#[test]
fn recovery_and_server_give_a_new_machine_the_lost_one_s_share_after_the_wait() {
    let (house, purse, old, new) = lost();
    let asked = new.ask(&house, &purse).unwrap().waiting.unwrap();
    assert_eq!((asked.what.as_str(), asked.due - asked.asked), ("recover", 2 * DAY));
    days(&house, &[&old, &new.phone], 3);
    let share = new.recover(&house, &purse).unwrap();
    assert_eq!(*share.to_secret_bytes(), *purse.share.to_secret_bytes());
    let list = list(&house, &purse);
    let device = list.device(new.phone.id()).unwrap();
    assert!(device.is_approver() && device.is_confirmed());
    assert!(
        list.device(old.id()).is_some(),
        "striking the old one off is a step of its own"
    );
    assert_eq!(
        steps(&house, &purse),
        [
            ShapeStep::Invited,
            ShapeStep::Asked,
            ShapeStep::Frozen,
            ShapeStep::ListChanged,
            ShapeStep::Repaired
        ]
    );
    // A crash lost it: it asks again, listed now, and gets the same share by other numbers.
    let again = new.recover(&house, &purse).unwrap();
    assert_eq!(*again.to_secret_bytes(), *share.to_secret_bytes());
    assert_eq!(steps(&house, &purse).len(), 6);
}

#[test]
fn a20_the_wait_is_neither_skipped_nor_shortened_by_asking_again() {
    let (house, purse, old, new) = lost();
    let first = new.ask(&house, &purse).unwrap().waiting.unwrap();
    house.refuses(Reason::RecoveryWaits, || new.recover(&house, &purse));
    days(&house, &[&old, &new.phone], 1);
    // Asked again it is the same wish, with the same end.
    let again = new.ask(&house, &purse).unwrap().waiting.unwrap();
    assert_eq!((again.change, again.due), (first.change, first.due));
    house.refuses(Reason::RecoveryWaits, || new.recover(&house, &purse));
    // Another machine has a wait of its own.
    let other = Newcomer::joined(&house, &purse, None);
    other.ask(&house, &purse).unwrap();
    days(&house, &[&old, &new.phone, &other.phone], 1);
    house.refuses(Reason::RecoveryWaits, || other.recover(&house, &purse));
    new.recover(&house, &purse).unwrap();
}

#[test]
fn a20_recovery_on_another_machine_asks_without_seeing_the_list_and_the_wish_lists_nobody() {
    let (house, purse, old, new) = lost();
    let wish = |words: &IdentitySecret| {
        let act = *new.entry(&house, &purse, words).act();
        let wish = Proposal::wish(purse.id, act);
        let signature = words.sign_raw(&wish.signing_bytes());
        wish.signed(Signer::Recovery, signature)
    };
    let stranger = IdentitySecret::generate(&mut rng());
    assert!(new.ask_with(&house, &purse, &wish(&stranger)).is_err());
    let asked = new.ask_with(&house, &purse, &wish(&purse.recovery)).unwrap();
    let first = asked.waiting.unwrap();
    assert_eq!((first.what.as_str(), first.due - first.asked), ("recover", 2 * DAY));
    // By an entry it is the same wish.
    let again = new.ask(&house, &purse).unwrap().waiting.unwrap();
    assert_eq!((again.change, again.due), (first.change, first.due));
    assert!(new.read(&house, &purse, None).unwrap().wallet.frozen.is_some());
    days(&house, &[&old, &new.phone], 3);
    let twist = Twist {
        entry: Some(wish(&purse.recovery)),
        ..Twist::default()
    };
    house.refuses(Reason::ListChanged, || new.recover_with(&house, &purse, &twist));
    new.recover(&house, &purse).unwrap();
}

#[test]
fn a20_a_clock_that_jumps_does_not_end_the_wait() {
    let (house, purse, _, new) = lost();
    new.ask(&house, &purse).unwrap();
    house.clock.set(house.clock.now() + 9 * DAY);
    new.phone.clock.set(house.clock.now());
    house.refuses(Reason::RecoveryWaits, || new.recover(&house, &purse));
}

#[test]
fn a20_without_having_asked_nothing_is_repaired() {
    let (house, purse, _, new) = lost();
    house.refuses(Reason::RecoveryWaits, || new.recover(&house, &purse));
}

#[test]
fn a20_the_wallet_is_frozen_meanwhile_and_its_devices_are_told() {
    let (house, purse, old, new) = lost();
    let psbt = purse.psbt(&[house.pay(&purse, 100_000, 0)], 50_000);
    new.ask(&house, &purse).unwrap();
    house.refuses(Reason::WalletFrozen, || old.sign(&house, &purse, &psbt));
    let call = old.call("GetShape", Some(purse.id), b"");
    let asked = request::GetShape {
        wallet: purse.id,
        checkpoint: None,
    };
    let told = block_on(house.mind.get_shape(house.let_in(&call, asked).unwrap())).unwrap();
    assert_eq!((told.waiting.len(), told.waiting[0].asker), (1, None));
    assert_eq!(told.head.waiting, 1);
    assert!(told.freeze.is_some());
}

#[test]
fn a24_a_device_objects_and_only_the_operator_s_yes_goes_on() {
    let (house, purse, old, new) = lost();
    let waiting = new.ask(&house, &purse).unwrap().waiting.unwrap();
    let call = old.call("CancelChange", Some(purse.id), b"");
    let asked = request::CancelChange {
        wallet: purse.id,
        change: waiting.change,
        checkpoint: purse.newest.get(),
    };
    let objected = block_on(house.mind.cancel_change(house.let_in(&call, asked).unwrap()));
    objected.unwrap();
    days(&house, &[&old, &new.phone], 3);
    house.refuses(Reason::RecoveryWaits, || new.recover(&house, &purse));
    let told = new.read(&house, &purse, None).unwrap().waiting.unwrap();
    assert_eq!(told.operator, Operator::Needed);
    block_on(house.mind.approve_change(purse.id, waiting.change)).unwrap();
    new.recover(&house, &purse).unwrap();
}

#[test]
fn a24_the_operator_s_no_ends_the_request_and_its_freeze() {
    let (house, purse, old, new) = lost();
    let psbt = purse.psbt(&[house.pay(&purse, 100_000, 0)], 50_000);
    let waiting = new.ask(&house, &purse).unwrap().waiting.unwrap();
    block_on(house.mind.refuse_change(purse.id, waiting.change)).unwrap();
    let missing = block_on(house.mind.refuse_change(purse.id, waiting.change)).unwrap_err();
    assert_eq!(missing.reason, Reason::ChangeNotFound);
    old.sign(&house, &purse, &psbt).unwrap();
    days(&house, &[&old, &new.phone], 3);
    house.refuses(Reason::RecoveryWaits, || new.recover(&house, &purse));
}

#[test]
fn the_operator_lets_one_wallet_s_recovery_be_at_once() {
    let (house, purse, old, _) = lost();
    let new = Newcomer::joined(&house, &purse, Some(0));
    new.ask(&house, &purse).unwrap();
    new.recover(&house, &purse).unwrap();
    assert!(steps(&house, &purse).contains(&ShapeStep::WaitSet), "the log tells");
    // Another wallet's waits as before.
    let other = old.create(&house);
    let newcomer = Newcomer::joined(&house, &other, None);
    newcomer.ask(&house, &other).unwrap();
    house.refuses(Reason::RecoveryWaits, || newcomer.recover(&house, &other));
}

#[test]
fn a28_words_and_a_code_that_was_not_minted_for_that_wallet_are_refused() {
    let (house, purse, old, _) = lost();
    // For another wallet of the same person.
    let other = old.create(&house);
    let stranger = Newcomer::joined(&house, &other, None);
    for refusal in [
        house.refuses(Reason::InvitationInvalid, || {
            stranger.read(&house, &purse, Some(stranger.code))
        }),
        house.refuses(Reason::InvitationInvalid, || stranger.read(&house, &purse, None)),
        house.refuses(Reason::InvitationInvalid, || stranger.ask(&house, &purse)),
    ] {
        assert_eq!(refusal.reason.code(), Code::PermissionDenied);
    }
    // The right code in another machine's hands.
    let (owner, mut thief) = (
        Newcomer::joined(&house, &purse, None),
        Newcomer::joined(&house, &other, None),
    );
    thief.code = owner.code;
    house.refuses(Reason::InvitationInvalid, || thief.ask(&house, &purse));
    // A code for nobody in particular makes a user of its own: to that one the wallet is not there.
    let alone = Newcomer {
        phone: Phone::joined(&house),
        code: random(),
        sealing: SealSecret::generate(&mut rng()),
    };
    house.refuses(Reason::WalletNotFound, || alone.read(&house, &purse, Some(alone.code)));
    house.refuses(Reason::WalletNotFound, || alone.ask(&house, &purse));
    house.refuses(Reason::WalletNotFound, || alone.recover(&house, &purse));
    // And the code ends.
    house.clock.pass(30 * DAY);
    owner.phone.clock.set(house.clock.now());
    house.refuses(Reason::InvitationInvalid, || owner.ask(&house, &purse));
}

#[test]
fn a28_words_and_a_code_that_a_device_minted_are_refused() {
    let (house, purse, old, _) = lost();
    // An introduction that leaked: its code is for this wallet, and the thief joins with it.
    let thief = Newcomer::introduced(&house, &purse, &old);
    for refusal in [
        house.refuses(Reason::InvitationInvalid, || {
            thief.read(&house, &purse, Some(thief.code))
        }),
        house.refuses(Reason::InvitationInvalid, || thief.ask(&house, &purse)),
    ] {
        assert_eq!(refusal.reason.code(), Code::PermissionDenied);
    }
    house.refuses(Reason::RecoveryWaits, || thief.recover(&house, &purse));
    assert!(house.state(&purse).shape.freeze.is_none());
}

#[test]
fn a28_invitations_for_recovery_are_few_at_a_time() {
    let (house, purse, _, new) = lost();
    let mint = || block_on(house.mind.mint_recovery(purse.id, None, None));
    let fault = (0..100).find_map(|_| mint().err()).unwrap();
    assert_eq!(fault.reason, Reason::QuotaExceeded);
    new.ask(&house, &purse).unwrap();
    house.clock.pass(30 * DAY);
    mint().unwrap();
}

#[test]
fn a20_what_the_operator_said_of_the_wait_holds_until_a_recovery_is_done() {
    let (house, purse, _, _) = lost();
    let new = Newcomer::joined(&house, &purse, Some(0));
    new.ask(&house, &purse).unwrap();
    new.recover(&house, &purse).unwrap();
    // Years later somebody has the words, and an operator who thinks of 48 hours.
    let thief = Newcomer::joined(&house, &purse, None);
    thief.ask(&house, &purse).unwrap();
    house.refuses(Reason::RecoveryWaits, || thief.recover(&house, &purse));
}

#[test]
fn a20_no_device_alone_ends_the_freeze_of_a_recovery_before_its_wait_is_over() {
    let (house, purse, old, _) = lost();
    let phone = second(&house, &purse, &old);
    let psbt = purse.psbt(&[house.pay(&purse, 100_000, 0)], 50_000);
    // The laptop is stolen. The thief freezes and asks to unfreeze, so that a day has passed when recovery asks.
    freeze(&house, &purse, &old, true, false).unwrap();
    let early = freeze(&house, &purse, &old, false, false).unwrap().waiting.unwrap();
    assert_eq!(early.due - early.asked, DAY);
    days(&house, &[&old, &phone], 1);
    let new = Newcomer::joined(&house, &purse, None);
    new.ask(&house, &purse).unwrap();
    for _ in 0..2 {
        let asked = freeze(&house, &purse, &old, false, false).unwrap().waiting.unwrap();
        assert_eq!((asked.due - asked.asked, asked.operator), (7 * DAY, Operator::Needed));
        house.refuses(Reason::WalletFrozen, || old.sign(&house, &purse, &psbt));
        days(&house, &[&old, &phone, &new.phone], 1);
    }
    new.recover(&house, &purse).unwrap();
    house.refuses(Reason::WalletFrozen, || old.sign(&house, &purse, &psbt));
}

#[test]
fn a28_a_code_without_the_words_opens_nothing() {
    let (house, purse, _, new) = lost();
    let other = IdentitySecret::generate(&mut rng());
    house.refuses(Reason::NotRecovery, || {
        new.read_by(&house, &purse, Some(new.code), &other)
    });
    let entry = new.entry(&house, &purse, &other);
    assert!(new.ask_with(&house, &purse, &entry).is_err());
    // Words that were signed for another machine.
    let thief = Newcomer::joined(&house, &purse, None);
    let entry = new.entry(&house, &purse, &purse.recovery);
    house.refuses(Reason::PartyMismatch, || thief.ask_with(&house, &purse, &entry));
    // Another deed than listing this machine.
    let words = RecoverySecret::generate(&mut rng());
    let proposal = Proposal::new(&list(&house, &purse), Act::ReplaceRecovery(words.public()));
    let signature = purse.recovery.sign_raw(&proposal.signing_bytes());
    let entry = proposal.signed(Signer::Recovery, signature);
    house.refuses(Reason::NotPermitted, || new.ask_with(&house, &purse, &entry));
}

#[test]
fn a28_a_machine_that_only_joined_reads_and_signs_nothing() {
    let (house, purse, _, new) = lost();
    let call = new.phone.call("GetWallet", Some(purse.id), b"");
    let asked = || request::GetWallet {
        wallet: purse.id,
        checkpoint: None,
    };
    house.refuses(Reason::DeviceNotListed, || {
        block_on(house.mind.get_wallet(house.let_in(&call, asked())?))
    });
    new.ask(&house, &purse).unwrap();
    house.refuses(Reason::DeviceNotListed, || {
        block_on(house.mind.get_wallet(house.let_in(&call, asked())?))
    });
}

#[test]
fn a25_a_repair_with_a_wrong_unlock_key_or_for_something_else_gives_nothing() {
    let (house, purse, _, _) = lost();
    let new = Newcomer::joined(&house, &purse, Some(0));
    new.ask(&house, &purse).unwrap();
    let wrong = Twist {
        unlock: Some(UnlockKey::generate(&mut rng())),
        ..Twist::default()
    };
    house.refuses(Reason::WrongUnlockKey, || new.recover_with(&house, &purse, &wrong));
    let elsewhere = Twist {
        mandate: Some([1; 32]),
        ..Twist::default()
    };
    house.refuses(Reason::CeremonyMismatch, || {
        new.recover_with(&house, &purse, &elsewhere)
    });
    new.recover(&house, &purse).unwrap();
    // Listed, it needs recovery's word for a repair all the same.
    let alone = Twist {
        words: Some(IdentitySecret::generate(&mut rng())),
        ..Twist::default()
    };
    house.refuses(Reason::Culprit, || new.recover_with(&house, &purse, &alone));
}

#[test]
fn p35_what_recovery_is_told_of_a_refresh_is_what_it_opens_and_nobody_elses_envelopes() {
    let (house, mut purse, old, _) = lost();
    second(&house, &purse, &old);
    old.refresh(&house, &mut purse);
    let new = Newcomer::joined(&house, &purse, None);
    let told = new.read(&house, &purse, Some(new.code)).unwrap().wallet;
    let link = Link::try_from(told.package[2].as_slice()).unwrap();
    assert_eq!(link.clone().for_recovery(), link);
    let package = FirstPackage::try_from(told.package[0].as_slice()).unwrap();
    let transcript = SignedTranscript::try_from(told.package[1].as_slice()).unwrap();
    let chain = Chain::new(transcript, package, told.device_list, vec![link]);
    let opened = chain.open(&purse.recovery.public(), &purse.age).unwrap();
    assert_eq!(opened.public.epoch(), purse.epoch());
}

#[test]
fn once_recovery_has_asked_the_code_is_not_needed_again_to_read() {
    let (house, purse, old, new) = lost();
    house.refuses(Reason::InvitationInvalid, || new.read(&house, &purse, None));
    let told = new.read(&house, &purse, Some(new.code)).unwrap();
    assert!(told.waiting.is_none());
    new.ask(&house, &purse).unwrap();
    days(&house, &[&old, &new.phone], 9);
    let told = new.read(&house, &purse, None).unwrap();
    assert_eq!(told.waiting.unwrap().what, "recover");
    assert_eq!(told.wallet.line.name, "savings");
}
