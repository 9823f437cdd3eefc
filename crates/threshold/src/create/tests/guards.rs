//! Checks that stand behind another one: each alone must stop what it is for.

use crate::{
    Class, Fault, FaultKind,
    create::{dealt::Route, server},
    fixture::{Parties, REQUEST, Sealer},
    id::{KeyKind, Party},
    identity::{Domain, IdentitySecret},
    secret::UnlockKey,
};

fn blamed(fault: &Fault, kind: FaultKind, culprit: Party) {
    assert_eq!((fault.kind, fault.culprits.as_slice()), (kind, &[culprit][..]));
    assert_eq!(fault.class(), Class::Blame);
}

#[test]
fn a_test_share_is_given_under_the_transcript_of_its_own_key_only() {
    let (mut parties, mut others) = (Parties::new(1), Parties::new(2));
    let (ours, theirs) = (parties.create(), others.create());
    let fault = server::complete(
        &ours.server.share,
        &ours.server.public,
        &theirs.server.transcript,
        &ours.completion.commitment,
        &REQUEST,
        &parties.server,
        &mut parties.rng,
    )
    .unwrap_err();
    assert_eq!(fault.kind, FaultKind::StaleEpoch);
}

#[test]
fn a_server_closes_no_ceremony_that_another_identity_of_its_began() {
    let mut parties = Parties::new(1);
    let run = parties.until_closing();
    let another = IdentitySecret::generate(&mut parties.rng);
    let fault = run
        .server
        .receive(&run.closing, &run.unlock, &REQUEST, &another, &mut parties.rng)
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Internal);
}

#[test]
fn p36_a_first_package_of_another_run_is_kept_by_neither_server_nor_device() {
    let mut parties = Parties::new(1);
    let other = Parties::new(2).until_closing();
    let run = parties.until_closing();
    let mut closing = run.closing;
    closing.package = other.closing.package.clone();
    let fault = run
        .server
        .receive(&closing, &run.unlock, &REQUEST, &parties.server, &mut parties.rng)
        .unwrap_err();
    blamed(&fault, FaultKind::ForeignCeremony, Party::Recovery);

    let (r, r_opening) = parties.start_recovery();
    let (d, opening) = parties.start_device(r_opening);
    let unlock = Parties::copy_of(d.unlock());
    let (_, round) = parties.start_server(opening, &unlock).unwrap();
    let (d, to_recovery) = d.receive(round, &Sealer, &mut parties.rng).unwrap();
    let (_, mut answer) = r
        .receive(&to_recovery, &Sealer, &parties.age, &mut parties.rng)
        .unwrap();
    answer.package = other.closing.package;
    blamed(
        &d.receive(answer).unwrap_err(),
        FaultKind::ForeignCeremony,
        Party::Recovery,
    );
}

#[test]
fn recovery_takes_the_one_unlock_key_that_the_opening_names_and_from_the_device_only() {
    let mut parties = Parties::new(1);
    let route = |run, from| Route::first(run, KeyKind::Taproot, from, Party::Recovery);
    // The device seals another one, or none.
    for sealed in [Some(UnlockKey::generate(&mut parties.rng)), None] {
        let (r, r_opening) = parties.start_recovery();
        let (d, opening) = parties.start_device(r_opening);
        let unlock = Parties::copy_of(d.unlock());
        let (_, round) = parties.start_server(opening.clone(), &unlock).unwrap();
        let (_, mut to_recovery) = d.receive(round, &Sealer, &mut parties.rng).unwrap();
        let route = route(opening.run, Party::Device);
        let (dealt, _) = route.open_as_recovery(&parties.age, &to_recovery.sealed).unwrap();
        to_recovery.sealed = route
            .seal_to_recovery(&Sealer, &opening.recovery.recipient, &dealt, sealed.as_ref())
            .unwrap();
        let fault = r
            .receive(&to_recovery, &Sealer, &parties.age, &mut parties.rng)
            .unwrap_err();
        blamed(&fault, FaultKind::SealedPackage, Party::Device);
    }
    // The server seals one as well.
    let (r, r_opening) = parties.start_recovery();
    let (d, opening) = parties.start_device(r_opening);
    let unlock = Parties::copy_of(d.unlock());
    let (_, mut round) = parties.start_server(opening.clone(), &unlock).unwrap();
    let route = route(opening.run, Party::Server);
    let (dealt, _) = route.open_as_recovery(&parties.age, &round.to_recovery).unwrap();
    round.to_recovery = route
        .seal_to_recovery(&Sealer, &opening.recovery.recipient, &dealt, Some(&unlock))
        .unwrap();
    round.signature = parties.server.sign(Domain::FIRST_HALF, &round.first_half(&opening));
    let (_, to_recovery) = d.receive(round, &Sealer, &mut parties.rng).unwrap();
    let fault = r
        .receive(&to_recovery, &Sealer, &parties.age, &mut parties.rng)
        .unwrap_err();
    blamed(&fault, FaultKind::SealedPackage, Party::Server);
}
