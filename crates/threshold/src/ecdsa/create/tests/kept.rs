//! Parties that are killed and go on, from records that are good and from records that are not.

use std::{boxed::Box, sync::LazyLock, vec::Vec};

use proptest::{prelude::*, sample::Index};

use super::super::{device, recovery, server};
use crate::{
    Class, Fault, FaultKind,
    ecdsa::{Ground, LIBRARY, fixture::Gaining},
    fixture::Sealer,
    id::Party,
    seal,
};

/// A way to read a record: against where the wallet stands.
type Read = Box<dyn Fn(&[u8], &Ground) -> Result<(), Fault> + Send + Sync>;

/// A record: whose, its bytes, and how it is read.
type Record = (&'static str, Vec<u8>, Read);

/// Every record of a run, as it was before its party took the next step.
struct Kept {
    gaining: Gaining,
    records: Vec<Record>,
}

impl Kept {
    fn get(&self, name: &str) -> &[u8] {
        let mut records = self.records.iter();
        let (_, bytes, _) = records.find(|(record, ..)| *record == name).unwrap();
        bytes
    }
}

/// A run whose parties are killed after each of their steps: each goes on from its record alone, and says again what it said.
fn killed_everywhere() -> Kept {
    let mut gaining = Gaining::new(3);
    let Gaining {
        parties,
        ground,
        unlock,
    } = &mut gaining;
    let ground = *ground;
    let mut records: Vec<Record> = Vec::new();
    macro_rules! killed {
        ($name:literal, $state:expr, $type:ty, $($ground:ident)?) => {{
            let bytes = $state.to_secret_bytes().to_vec();
            let read: Read = Box::new(|bytes, _ground| {
                $(let $ground = _ground;)?
                <$type>::from_secret_bytes(bytes $(, $ground)?).map(drop)
            });
            records.push(($name, bytes.clone(), read));
            drop($state);
            $(let $ground = &$ground;)?
            <$type>::from_secret_bytes(&bytes $(, $ground)?).unwrap()
        }};
    }
    let rng = &mut parties.rng;
    let (d, opening) = device::begin(ground, parties.ceremony, rng).unwrap();
    let (s, dealing) = server::begin(opening.clone(), &ground, &parties.server, &Sealer, rng).unwrap();
    let s = killed!("server dealt", s, server::AwaitCommitting,);
    assert_eq!((s.opening(), s.dealing()), (&opening, &dealing));
    let (d, to_recovery) = d.receive(dealing, &Sealer).unwrap();
    let d = killed!("device dealt", d, device::AwaitRecovery, ground);
    assert_eq!(d.message(), to_recovery);
    let (r, dealt) = recovery::begin(&parties.recovery, &ground, to_recovery, &parties.age, rng).unwrap();
    let record = r.to_secret_bytes().to_vec();
    drop(r);
    let r = recovery::AwaitProofs::from_secret_bytes(&record, &parties.recovery, &ground).unwrap();
    assert_eq!(*r.message(), dealt);
    // Typed again.
    let words = crate::fixture::Parties::new(3).recovery;
    records.push((
        "recovery dealt",
        record,
        Box::new(move |bytes, ground| recovery::AwaitProofs::from_secret_bytes(bytes, &words, ground).map(drop)),
    ));
    let (d, committing) = d.receive(dealt, rng).unwrap();
    let d = killed!("device committed", d, device::AwaitProof, ground);
    assert_eq!(*d.message(), committing);
    let (s, proof) = s.receive(committing.clone()).unwrap();
    let s = killed!("server proved", s, server::AwaitClosing,);
    assert_eq!((s.opening(), s.again(&committing)), (&opening, Ok(proof.clone())));
    let (d, to_prove) = d.receive(proof).unwrap();
    let d = killed!("device proved", d, device::AwaitRecoveryProof, ground);
    assert_eq!(d.message(), to_prove);
    let (finished, proof) = r.receive(to_prove, unlock, &Sealer).unwrap();
    let to_sign = d.receive(proof).unwrap();
    let signature = parties.device.sign_raw(&to_sign.signing_bytes());
    let (d, closing) = to_sign.signed(signature).unwrap();
    let d = killed!("device signed", d, device::AwaitCompletion,);
    assert_eq!(d.closing(), closing);
    assert_eq!(*d.public(), finished.public);
    let (new, completion) = s.receive(closing, &parties.server).unwrap();
    // The reply is lost: the server gives the stored signature again.
    assert_eq!(server::complete(&new.transcript), completion);
    let created = d.receive(&completion).unwrap();
    assert_eq!((&created.public, &created.transcript), (&new.public, &new.transcript));
    created.share.check(&new.public).unwrap();
    new.share.check(&new.public).unwrap();
    Kept { gaining, records }
}

#[test]
fn p21_ecdsa_a_run_whose_parties_are_killed_after_each_step_goes_on_from_what_each_kept() {
    assert_eq!(killed_everywhere().records.len(), 7);
}

#[test]
fn p10_ecdsa_the_same_second_request_is_answered_the_same_and_another_one_is_not() {
    let mut gaining = Gaining::new(4);
    let ground = gaining.ground;
    let parties = &mut gaining.parties;
    let rng = &mut parties.rng;
    let (d, opening) = device::begin(ground, parties.ceremony, rng).unwrap();
    let (s, dealing) = server::begin(opening, &ground, &parties.server, &Sealer, rng).unwrap();
    let (d, to_recovery) = d.receive(dealing, &Sealer).unwrap();
    let (_, dealt) = recovery::begin(&parties.recovery, &ground, to_recovery.clone(), &parties.age, rng).unwrap();
    // Recovery, asked again by a device that forgot, deals other numbers: another second request of the same run.
    let (_, other) = recovery::begin(&parties.recovery, &ground, to_recovery, &parties.age, rng).unwrap();
    let again = device::AwaitRecovery::from_secret_bytes(&d.to_secret_bytes(), &ground).unwrap();
    let (_, committing) = d.receive(dealt, rng).unwrap();
    let (_, second) = again.receive(other, rng).unwrap();
    let (s, proof) = s.receive(committing.clone()).unwrap();
    assert_eq!(s.again(&committing), Ok(proof));
    let fault = s.again(&second).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::Equivocation, Party::Device));
    assert_eq!(fault.class(), Class::Blame);
}

#[test]
fn p27_ecdsa_a_run_is_not_gone_on_with_at_another_epoch_or_on_another_list() {
    let Kept { gaining, records } = killed_everywhere();
    let (mut later, mut elsewhere) = (gaining.ground, gaining.ground);
    later.epoch.number += 1;
    elsewhere.device_list_head[0] ^= 1;
    let mut held = 0;
    for (name, bytes, read) in &records {
        read(bytes, &gaining.ground).unwrap();
        // The server compares when it takes the next request; what is signed says itself of which epoch it is.
        if name.starts_with("server") || *name == "device signed" {
            continue;
        }
        assert_eq!(read(bytes, &later).unwrap_err().kind, FaultKind::StaleEpoch, "{name}");
        let fault = read(bytes, &elsewhere).unwrap_err();
        assert_eq!(fault.kind, FaultKind::ForeignCeremony, "{name}");
        held += 1;
    }
    assert_eq!(held, 4);
}

#[test]
fn a_record_that_is_cut_longer_of_another_state_or_of_another_version_is_refused() {
    let Kept { gaining, records } = killed_everywhere();
    let ground = &gaining.ground;
    for (name, bytes, read) in &records {
        for cut in (0..bytes.len()).step_by(211).chain([bytes.len() - 1]) {
            let fault = read(&bytes[..cut], ground).unwrap_err();
            assert_eq!(fault.class(), Class::Malformed, "{name} at {cut}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(
            read(&longer, ground).unwrap_err().kind,
            FaultKind::TrailingBytes,
            "{name}"
        );
        let at = bytes
            .windows(LIBRARY.len())
            .position(|window| window == LIBRARY)
            .unwrap();
        let mut other = bytes.clone();
        other[at + LIBRARY.len() - 1] ^= 1;
        assert_eq!(
            read(&other, ground).unwrap_err().kind,
            FaultKind::UnknownVersion,
            "{name}"
        );
        for (other, foreign, _) in &records {
            if other != name {
                let fault = read(foreign, ground).unwrap_err();
                assert_eq!(fault.kind, FaultKind::UnexpectedMessage, "{other} as {name}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_record_that_was_altered_is_never_of_another_run_or_wallet(
        nth in 0..7_usize,
        edits in prop::collection::vec((any::<Index>(), 1..=u8::MAX), 1..4),
    ) {
        static KEPT: LazyLock<(Ground, Vec<Record>)> = LazyLock::new(|| {
            let Kept { gaining, records } = killed_everywhere();
            (gaining.ground, records)
        });
        let (ground, records) = &*KEPT;
        let (name, bytes, read) = &records[nth];
        let mut bytes = bytes.clone();
        for (at, bits) in &edits {
            // Where the run's name stands, beside the wallet's, in each message that a record holds.
            let runs: Vec<_> = (0..bytes.len() - 16).filter(|at| bytes[*at..].starts_with(&ground.wallet.0)).collect();
            let at = runs[at.index(runs.len())] + at.index(16);
            bytes[at] ^= bits;
        }
        prop_assume!(bytes != records[nth].1);
        prop_assert!(read(&bytes, ground).is_err(), "{name}");
    }
}

#[test]
fn a_record_whose_secrets_do_not_fit_what_was_said_of_them_is_refused() {
    let kept = killed_everywhere();
    let library = 2 + 4 + LIBRARY.len();
    let changed = |name: &str, at: usize| {
        let mut bytes = kept.get(name).to_vec();
        bytes[at] ^= 2;
        let (.., read) = kept.records.iter().find(|(record, ..)| *record == name).unwrap();
        read(&bytes, &kept.gaining.ground).unwrap_err().kind
    };
    // Keys (not the bits that X25519 clamps), and shares beside the points that were proved of them.
    assert_eq!(changed("server dealt", library + 9), FaultKind::PublicKey);
    for name in ["server proved", "recovery dealt"] {
        assert_eq!(changed(name, library + 9), FaultKind::ShareMismatch, "{name}");
    }
    for name in ["device committed", "device proved"] {
        let bytes = kept.get(name);
        // The share stands before its proof, which the end of the record is counted from.
        let after = if name == "device proved" {
            2 + 32 + 32 + crate::ecdsa::proof::Proof::BYTES
        } else {
            0
        };
        let own = bytes.len() - after - super::super::dealing::Own::RECORD;
        assert_eq!(changed(name, own + 9), FaultKind::ShareMismatch, "{name}");
        assert_eq!(
            changed(name, bytes.len() - after - 1),
            FaultKind::ShareMismatch,
            "{name}'s commitment"
        );
    }
    assert_eq!(changed("device signed", library + 4 + 60), FaultKind::ShareMismatch);
    assert_eq!(
        changed("device signed", kept.get("device signed").len() - 1),
        FaultKind::Equivocation
    );
}

#[test]
fn the_server_s_states_open_under_their_seals_for_their_own_run_and_step_alone() {
    let mut kept = killed_everywhere();
    let read = |name| kept.get(name).to_vec();
    let (dealt, proved) = (read("server dealt"), read("server proved"));
    let state = server::AwaitCommitting::from_secret_bytes(&dealt).unwrap();
    let opening = state.opening();
    let key = kept.gaining.unlock.expose();
    let [first, second] = [
        server::AwaitCommitting::aad(opening),
        server::AwaitClosing::aad(opening),
    ];
    let rng = &mut kept.gaining.parties.rng;
    let sealed = [
        seal::seal(key, &first, &dealt, rng),
        seal::seal(key, &second, &proved, rng),
    ];
    assert_eq!(seal::open(key, &first, &sealed[0]).unwrap().as_slice(), dealt);
    assert_eq!(seal::open(key, &second, &sealed[1]).unwrap().as_slice(), proved);
    let mut other = opening.clone();
    other.run.ceremony.0[0] ^= 1;
    for (aad, sealed) in [
        (server::AwaitClosing::aad(opening), &sealed[0]),
        (server::AwaitCommitting::aad(opening), &sealed[1]),
        (server::AwaitCommitting::aad(&other), &sealed[0]),
        (server::AwaitClosing::aad(&other), &sealed[1]),
    ] {
        assert_eq!(seal::open(key, &aad, sealed).unwrap_err().kind, FaultKind::Seal);
    }
}
