use std::{vec, vec::Vec};

use super::*;
use crate::{
    device_list::{Draft, Proposal},
    envelope::SealSecret,
    fixture::rng,
    identity::{IdentitySecret, Signature64},
    words::RecoverySecret,
};

const WALLET: WalletId = WalletId([7; 16]);

/// Some devices, recovery, and a list that begins with the first device.
struct House {
    keys: Vec<IdentitySecret>,
    sealing: Vec<SealPublic>,
    recovery: IdentitySecret,
    chain: Vec<Vec<u8>>,
    list: DeviceList,
}

/// Recovery, among signers that are otherwise devices by number.
const R: usize = usize::MAX;

impl House {
    fn new(devices: usize) -> Self {
        let mut rng = rng(1);
        let keys: Vec<_> = (0..devices).map(|_| IdentitySecret::generate(&mut rng)).collect();
        let sealing: Vec<_> = (0..devices).map(|_| SealSecret::generate(&mut rng).public()).collect();
        let recovery = IdentitySecret::generate(&mut rng);
        let draft = Draft::first(WALLET, keys[0].public(), sealing[0]);
        let signature = keys[0].sign_raw(&draft.signing_bytes());
        let entry = draft.signed(signature).unwrap();
        Self {
            list: DeviceList::first(WALLET, recovery.public(), &entry).unwrap(),
            chain: vec![entry.to_bytes()],
            keys,
            sealing,
            recovery,
        }
    }

    fn id(&self, device: usize) -> DeviceId {
        self.keys[device].public().device_id()
    }

    fn enrol(&self, device: usize) -> Act {
        Act::Enrol {
            identity: self.keys[device].public(),
            sealing: self.sealing[device],
        }
    }

    fn signed(&self, act: Act, by: &[usize]) -> Change {
        let proposal = Proposal::new(&self.list, act);
        let sign = |who: usize| {
            let bytes = proposal.signing_bytes();
            if who == R {
                (Signer::Recovery, self.recovery.sign_raw(&bytes))
            } else {
                (Signer::Device(self.keys[who].public()), self.keys[who].sign_raw(&bytes))
            }
        };
        let (signer, signature) = sign(by[0]);
        by[1..].iter().fold(proposal.signed(signer, signature), |change, who| {
            let (signer, signature) = sign(*who);
            change.countersigned(signer, signature).unwrap()
        })
    }

    fn append(&mut self, act: Act, by: &[usize]) -> Result<Vec<DeviceId>, ListFault> {
        let change = self.signed(act, by);
        let struck = self.list.append(&change)?;
        self.chain.push(change.to_bytes());
        Ok(struck)
    }

    /// The first two devices approve; the second was enrolled with recovery's word.
    fn with_two_approvers(devices: usize) -> Self {
        let mut house = Self::new(devices);
        house.append(house.enrol(1), &[0, R]).unwrap();
        house.append(Act::MakeApprover(house.id(1)), &[0, R]).unwrap();
        house
    }

    fn listed(&self) -> Vec<usize> {
        (0..self.keys.len())
            .filter(|device| self.list.device(self.id(*device)).is_some())
            .collect()
    }
}

#[test]
fn a_chain_that_verifies_comes_to_what_was_appended() {
    let mut house = House::with_two_approvers(5);
    house.append(house.enrol(2), &[0, 1]).unwrap();
    house.append(house.enrol(3), &[2]).unwrap();
    house.append(Act::Revoke(house.id(2)), &[0, 1]).unwrap();
    let other = Act::Reseal {
        device: house.id(1),
        sealing: house.sealing[4],
    };
    house.append(other, &[1]).unwrap();
    let read = DeviceList::verify(WALLET, house.recovery.public(), &house.chain).unwrap();
    assert_eq!(read, house.list);
    assert_eq!(house.listed(), [0, 1]);
    assert_eq!(*read.device(house.id(1)).unwrap().sealing(), house.sealing[4]);
    assert!(read.was_revoked(house.id(2)) && read.was_revoked(house.id(3)));
    assert_eq!(read.len(), 7);
}

#[test]
fn a23_a_server_can_change_drop_swap_or_add_no_entry() {
    let mut house = House::with_two_approvers(4);
    house.append(house.enrol(2), &[0, 1]).unwrap();
    let recovery = house.recovery.public();
    for at in 0..house.chain.len() {
        for byte in 0..house.chain[at].len() {
            let mut bad = house.chain.clone();
            bad[at][byte] ^= 1;
            assert!(
                DeviceList::verify(WALLET, recovery, &bad).is_err(),
                "entry {at}, byte {byte}"
            );
        }
        let mut cut = house.chain.clone();
        cut.remove(at);
        assert!(at == house.chain.len() - 1 || DeviceList::verify(WALLET, recovery, &cut).is_err());
    }
    // A key of the server's own, in the place of the one that was signed for, or beside it.
    let stranger = IdentitySecret::generate(&mut rng(9));
    let proposal = Proposal::new(&house.list, house.enrol(3));
    let signature = stranger.sign_raw(&proposal.signing_bytes());
    for signer in [Signer::Device(stranger.public()), Signer::Recovery] {
        assert!(house.list.append(&proposal.signed(signer, signature)).is_err());
    }
    let borrowed = proposal.signed(Signer::Device(house.keys[0].public()), signature);
    assert_eq!(
        house.list.append(&borrowed),
        Err(ListFault::Entry(FaultKind::IdentitySignature.into()))
    );
    assert_eq!(
        DeviceList::verify(WalletId([8; 16]), recovery, &house.chain),
        Err(ListFault::Entry(FaultKind::ForeignCeremony.into()))
    );
    assert_eq!(house.listed(), [0, 1, 2]);
}

#[test]
fn a29_of_two_entries_on_one_head_the_second_is_stale_and_signs_again() {
    let mut house = House::with_two_approvers(4);
    let (one, two) = (
        house.signed(house.enrol(2), &[0, 1]),
        house.signed(house.enrol(3), &[1, 0]),
    );
    house.list.append(&one).unwrap();
    assert_eq!(house.list.append(&two), Err(ListFault::StaleHead));
    let again = house.signed(house.enrol(3), &[1, 0]);
    house.list.append(&again).unwrap();
    assert_eq!(house.listed(), [0, 1, 2, 3]);
}

#[test]
fn a29_two_heads_at_one_number_are_told_from_one_list_that_went_on() {
    let mut house = House::with_two_approvers(4);
    let before = house.chain.clone();
    let other = house.signed(house.enrol(3), &[0, 1]);
    house.append(house.enrol(2), &[0, 1]).unwrap();
    let mut forked = before.clone();
    forked.push(other.to_bytes());
    assert_eq!(succession(&before, &before), Succession::Same);
    assert_eq!(succession(&before, &house.chain), Succession::Onward);
    assert_eq!(succession(&house.chain, &before), Succession::Behind);
    assert_eq!(succession(&house.chain, &forked), Succession::Forked(4));
}

#[test]
fn a24_revoking_a_device_revokes_what_it_alone_enrolled() {
    // 0 and 1 approve; 2 enrolled 3, 3 enrolled 4; 5 was enrolled by 2 and confirmed since.
    let mut house = House::with_two_approvers(6);
    house.append(house.enrol(2), &[0, 1]).unwrap();
    house.append(house.enrol(3), &[2]).unwrap();
    house.append(house.enrol(4), &[3]).unwrap();
    house.append(house.enrol(5), &[2]).unwrap();
    house.append(Act::MakeApprover(house.id(5)), &[1, R]).unwrap();
    assert!(house.list.device(house.id(5)).unwrap().is_confirmed());
    let struck = house.append(Act::Revoke(house.id(2)), &[0, 1]).unwrap();
    assert_eq!(struck, [house.id(2), house.id(3), house.id(4)]);
    assert_eq!(house.listed(), [0, 1, 5]);
}

#[test]
fn whoever_signs_a_revocation_stays_though_the_revoked_one_enrolled_it() {
    let mut house = House::with_two_approvers(4);
    house.append(house.enrol(2), &[1]).unwrap();
    house.append(house.enrol(3), &[1]).unwrap();
    house.append(Act::MakeApprover(house.id(2)), &[1]).unwrap();
    let struck = house.append(Act::Revoke(house.id(1)), &[0, 2]).unwrap();
    assert_eq!(struck, [house.id(1), house.id(3)]);
    assert_eq!(house.listed(), [0, 2]);
}

#[test]
fn a24_a_device_that_leaves_takes_along_nobody_at_once() {
    let mut house = House::with_two_approvers(4);
    house.append(house.enrol(2), &[1]).unwrap();
    // What the second enrolled alone goes with it: to strike that off takes what striking another off takes.
    let change = house.signed(Act::Revoke(house.id(1)), &[1]);
    assert_eq!(house.list.judge(&change), Ok((Deed::RevokeOther, Voices::OneDevice)));
    house.append(Act::MakeApprover(house.id(2)), &[0, R]).unwrap();
    let change = house.signed(Act::Revoke(house.id(1)), &[1]);
    assert_eq!(house.list.judge(&change), Ok((Deed::RevokeSelf, Voices::OneDevice)));
}

#[test]
fn a_device_revokes_itself_unless_it_is_the_last() {
    let mut house = House::new(3);
    assert_eq!(house.append(Act::Revoke(house.id(0)), &[0]), Err(ListFault::LastDevice));
    // What it alone enrolled would go with it.
    house.append(house.enrol(1), &[0]).unwrap();
    assert_eq!(house.append(Act::Revoke(house.id(0)), &[0]), Err(ListFault::LastDevice));
    house.append(house.enrol(2), &[0, R]).unwrap();
    house.append(Act::Revoke(house.id(1)), &[0, R]).unwrap();
    let change = house.signed(Act::Revoke(house.id(0)), &[0]);
    assert_eq!(house.list.judge(&change), Ok((Deed::RevokeSelf, Voices::OneDevice)));
    house.list.append(&change).unwrap();
    assert_eq!(house.listed(), [2]);
}

#[test]
fn an_enrolled_device_approves_nothing_until_two_voices_or_recovery_say_so() {
    let mut house = House::with_two_approvers(5);
    house.append(house.enrol(2), &[0, 1]).unwrap();
    // A third device beside an approver is one voice still.
    let change = house.signed(house.enrol(3), &[0, 2]);
    assert_eq!(house.list.judge(&change), Ok((Deed::Enrol, Voices::OneDevice)));
    house.append(Act::MakeApprover(house.id(2)), &[0, 1]).unwrap();
    let change = house.signed(house.enrol(3), &[0, 2]);
    assert_eq!(house.list.judge(&change), Ok((Deed::Enrol, Voices::TwoApprovers)));
}

#[test]
fn one_that_recovery_put_in_a_lost_ones_place_approves_at_once() {
    let mut house = House::new(2);
    let change = house.signed(house.enrol(1), &[R]);
    assert_eq!(house.list.judge(&change), Ok((Deed::Recover, Voices::Recovery)));
    house.list.append(&change).unwrap();
    let device = house.list.device(house.id(1)).unwrap();
    assert!(device.is_approver() && device.is_confirmed());
    assert_eq!(device.origin(), Origin::Recovered);
}

#[test]
fn recovery_alone_strikes_off_nobody_and_a_stranger_signs_nothing() {
    let mut house = House::with_two_approvers(4);
    assert_eq!(house.append(Act::Revoke(house.id(1)), &[R]), Err(ListFault::Signers));
    assert_eq!(
        house.append(Act::MakeApprover(house.id(1)), &[R]),
        Err(ListFault::Signers)
    );
    assert_eq!(house.append(Act::Revoke(house.id(1)), &[3]), Err(ListFault::NotListed));
    assert_eq!(
        house.append(Act::Revoke(house.id(3)), &[0, 1]),
        Err(ListFault::NotListed)
    );
    let other = Act::Reseal {
        device: house.id(1),
        sealing: house.sealing[3],
    };
    assert_eq!(house.append(other, &[0]), Err(ListFault::Signers));
    assert_eq!(house.append(other, &[0, 1]), Err(ListFault::Signers));
}

#[test]
fn a20_a_wish_is_recoverys_alone_for_a_new_machine_and_never_an_entry() {
    let mut house = House::with_two_approvers(4);
    let wish = |house: &House, act: Act, by: usize| {
        let proposal = Proposal::wish(WALLET, act);
        let bytes = proposal.signing_bytes();
        if by == R {
            proposal.signed(Signer::Recovery, house.recovery.sign_raw(&bytes))
        } else {
            let device = Signer::Device(house.keys[by].public());
            proposal.signed(device, house.keys[by].sign_raw(&bytes))
        }
    };
    let good = wish(&house, house.enrol(2), R);
    assert_eq!(house.list.judge_wish(&good), Ok((Deed::Recover, Voices::Recovery)));
    assert_eq!(house.list.append(&good), Err(ListFault::StaleHead));
    // Not by a device, nor with one; not for anything else; not signed by others; not for another wallet.
    let bytes = good.proposal().signing_bytes();
    let first = Signer::Device(house.keys[0].public());
    let both = good
        .clone()
        .countersigned(first, house.keys[0].sign_raw(&bytes))
        .unwrap();
    for refused in [
        wish(&house, house.enrol(2), 0),
        both,
        wish(&house, Act::Revoke(house.id(1)), R),
        wish(&house, Act::MakeApprover(house.id(1)), R),
    ] {
        assert_eq!(house.list.judge_wish(&refused), Err(ListFault::Signers), "{refused:?}");
    }
    let forged = good.proposal().signed(Signer::Recovery, house.keys[0].sign_raw(&bytes));
    assert!(matches!(house.list.judge_wish(&forged), Err(ListFault::Entry(_))));
    let foreign = Proposal::wish(WalletId([8; 16]), house.enrol(2));
    let signature = house.recovery.sign_raw(&foreign.signing_bytes());
    let foreign = foreign.signed(Signer::Recovery, signature);
    assert!(matches!(house.list.judge_wish(&foreign), Err(ListFault::Entry(_))));
    // An entry is no wish, and whoever is listed or was struck off is not asked for.
    let entry = house.signed(house.enrol(2), &[R]);
    assert_eq!(house.list.judge_wish(&entry), Err(ListFault::StaleHead));
    house.append(house.enrol(2), &[R]).unwrap();
    assert_eq!(house.list.judge_wish(&good), Err(ListFault::KnownBefore));
    house.append(Act::Revoke(house.id(2)), &[0, R]).unwrap();
    assert_eq!(house.list.judge_wish(&good), Err(ListFault::KnownBefore));
}

#[test]
fn a_revoked_device_signs_no_more_and_comes_back_only_with_a_new_key() {
    let mut house = House::with_two_approvers(4);
    house.append(house.enrol(2), &[0, 1]).unwrap();
    house.append(Act::Revoke(house.id(2)), &[0, 1]).unwrap();
    assert_eq!(house.append(house.enrol(3), &[2]), Err(ListFault::NotListed));
    assert_eq!(house.append(house.enrol(2), &[0, 1]), Err(ListFault::KnownBefore));
    assert_eq!(house.append(house.enrol(1), &[0, R]), Err(ListFault::KnownBefore));
}

#[test]
fn other_words_are_what_recovery_is_held_to_from_there_on() {
    let mut house = House::new(2);
    let words = RecoverySecret::generate(&mut rng(5));
    assert_eq!(house.list.replaced(), None);
    house.append(Act::ReplaceRecovery(words.public()), &[0, R]).unwrap();
    assert_eq!(house.list.replaced(), Some(&words.public()));
    assert_eq!(
        house.append(house.enrol(1), &[0, R]),
        Err(ListFault::Entry(FaultKind::IdentitySignature.into()))
    );
    house.recovery = words.identity();
    house.append(house.enrol(1), &[0, R]).unwrap();
}

#[test]
fn a24_a_list_that_a_thief_has_filled_has_a_place_for_recovery() {
    let mut house = House::with_two_approvers(MAX_DEVICES + 1);
    for device in 2..MAX_ENROLLED {
        house.append(house.enrol(device), &[1]).unwrap();
    }
    assert_eq!(house.append(house.enrol(MAX_ENROLLED), &[1]), Err(ListFault::Full));
    for device in MAX_ENROLLED..MAX_DEVICES {
        house.append(house.enrol(device), &[R]).unwrap();
    }
    assert_eq!(house.append(house.enrol(MAX_DEVICES), &[R]), Err(ListFault::Full));
    // Who came so strikes off whoever filled it.
    let struck = house.append(Act::Revoke(house.id(1)), &[MAX_ENROLLED, R]).unwrap();
    assert_eq!(struck.len(), MAX_ENROLLED - 1);
}

#[test]
fn a_list_has_a_bounded_number_of_devices_and_entries() {
    let mut house = House::with_two_approvers(MAX_DEVICES + 1);
    for device in 2..MAX_ENROLLED {
        house.append(house.enrol(device), &[0, 1]).unwrap();
    }
    assert_eq!(house.append(house.enrol(MAX_ENROLLED), &[0, 1]), Err(ListFault::Full));
    assert_eq!(house.append(house.enrol(MAX_ENROLLED), &[0]), Err(ListFault::Full));
    let long = vec![house.chain[0].clone(); MAX_ENTRIES + 1];
    let recovery = house.recovery.public();
    assert_eq!(DeviceList::verify(WALLET, recovery, &long), Err(ListFault::Length));
    assert_eq!(DeviceList::verify(WALLET, recovery, &long[..0]), Err(ListFault::Length));
    house.list.len = u32::try_from(MAX_RESEALED).unwrap();
    let own = Act::Reseal {
        device: house.id(0),
        sealing: house.sealing[1],
    };
    assert_eq!(house.append(own, &[0]), Err(ListFault::Length));
    house.append(Act::Revoke(house.id(3)), &[0, 1]).unwrap();
}

#[test]
fn an_entry_reads_back_as_the_same_bytes_and_nothing_else_reads() {
    let house = House::with_two_approvers(3);
    let change = house.signed(house.enrol(2), &[0, 1, R]);
    let bytes = change.to_bytes();
    assert!(bytes.len() <= MAX_ENTRY);
    assert_eq!(Change::try_from(bytes.as_slice()).unwrap(), change);
    for end in 0..bytes.len() {
        assert!(Change::try_from(&bytes[..end]).is_err());
    }
    let (signer, signature) = (Signer::Device(house.keys[2].public()), Signature64([1; 64]));
    assert!(change.clone().countersigned(signer, signature).is_err());
    // Two signers in the other order, or one twice, would give one change two heads.
    let one = house.signed(house.enrol(2), &[0]).to_bytes();
    let body = one.len() - 1 - 98;
    let mut twice = one.clone();
    twice[body] = 2;
    twice.extend_from_slice(&one[body + 1..]);
    assert!(Change::try_from(twice.as_slice()).is_err());
}

#[test]
fn a_list_that_was_kept_goes_on_as_the_one_that_was_verified() {
    let mut house = House::with_two_approvers(4);
    house.append(house.enrol(2), &[0]).unwrap();
    house.append(house.enrol(3), &[0, 1]).unwrap();
    house.append(Act::Revoke(house.id(2)), &[0, 1]).unwrap();
    let words = RecoverySecret::generate(&mut rng(9));
    for act in [
        Act::ReplaceRecovery(words.public()),
        Act::Reseal {
            device: house.id(0),
            sealing: house.sealing[3],
        },
    ] {
        let bytes = house.list.to_kept_bytes();
        assert_eq!(DeviceList::from_kept_bytes(&bytes).unwrap(), house.list);
        for end in 0..bytes.len() {
            assert!(DeviceList::from_kept_bytes(&bytes[..end]).is_err());
        }
        let mut kept = DeviceList::from_kept_bytes(&bytes).unwrap();
        let signers: &[usize] = if matches!(act, Act::Reseal { .. }) {
            &[0]
        } else {
            &[0, R]
        };
        let change = house.signed(act, signers);
        house.list.append(&change).unwrap();
        kept.append(&change).unwrap();
        assert_eq!(kept, house.list);
    }
    let bytes = house.list.to_kept_bytes();
    assert_eq!(DeviceList::from_kept_bytes(&bytes).unwrap(), house.list);
}
