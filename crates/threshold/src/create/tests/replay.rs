//! Messages of other ceremonies, old or running at the same time.

use crate::{
    Class, FaultKind,
    create::{Closing, ServerRound, device::Start},
    fixture::{Parties, REQUEST, Sealer},
    id::{CeremonyId, Party},
    identity::Domain,
    secret::UnlockKey,
};

/// The same people and the same wallet, another run.
fn again(parties: &mut Parties) {
    parties.ceremony = CeremonyId([0xee; 16]);
}

#[test]
fn p06_a_replayed_first_round_is_refused_whether_or_not_its_header_is_rewritten() {
    let mut parties = Parties::new(1);
    let old = parties.until_closing();
    again(&mut parties);
    let (r, r_opening) = parties.start_recovery();

    // The server's round, as it was and under the new run's name.
    for rewritten in [false, true] {
        let (d, opening) = parties.start_device(r_opening.clone());
        let mut replayed = old.round.clone();
        if rewritten {
            replayed.run = opening.run;
        }
        let fault = d.receive(replayed, &Sealer, &mut parties.rng).unwrap_err();
        let kind = if rewritten {
            FaultKind::IdentitySignature
        } else {
            FaultKind::ForeignCeremony
        };
        assert_eq!((fault.kind, fault.class()), (kind, Class::Blame));
        assert_eq!(fault.culprits, [Party::Server]);
    }

    // Recovery's.
    let start = |parties: &mut Parties, recovery| Start {
        ceremony: parties.ceremony,
        server: parties.server.public(),
        entry: parties.entry(),
        unlock: UnlockKey::generate(&mut parties.rng),
        recovery,
    };
    let replayed = start(&mut parties, old.r_opening.clone());
    let fault = replayed.begin(&mut parties.rng).unwrap_err();
    assert_eq!(
        (fault.kind, fault.culprits.as_slice()),
        (FaultKind::ForeignCeremony, &[Party::Recovery][..])
    );

    // Under the new run's name it passes device and server, who cannot know; recovery does not sign for it.
    let mut renamed = old.r_opening.clone();
    renamed.run.ceremony = parties.ceremony;
    let (d, opening) = start(&mut parties, renamed).begin(&mut parties.rng).unwrap();
    let unlock = Parties::copy_of(d.unlock());
    let (_, round) = parties.start_server(opening, &unlock).unwrap();
    let (_, to_recovery) = d.receive(round, &Sealer, &mut parties.rng).unwrap();
    let fault = r
        .receive(&to_recovery, &Sealer, &parties.age, &mut parties.rng)
        .unwrap_err();
    assert_eq!((fault.kind, fault.class()), (FaultKind::Equivocation, Class::Blame));
}

#[test]
fn p07_a_replayed_second_round_is_refused_whether_or_not_its_header_is_rewritten() {
    let mut parties = Parties::new(1);
    let old = parties.until_closing();
    again(&mut parties);

    for rewritten in [false, true] {
        let new = parties.until_closing();
        let mut replayed = old.closing.clone();
        if rewritten {
            replayed.run = new.opening.run;
        }
        let fault = new
            .server
            .receive(&replayed, &new.unlock, &REQUEST, &parties.server, &mut parties.rng)
            .unwrap_err();
        let kind = if rewritten {
            FaultKind::Equivocation
        } else {
            FaultKind::ForeignCeremony
        };
        assert_eq!(
            (fault.kind, fault.class(), fault.culprits.as_slice()),
            (kind, Class::Blame, &[Party::Device][..])
        );
    }

    // A dealt share of the old run inside a round of the new one, signed by a server that means it.
    let (_, r_opening) = parties.start_recovery();
    let (d, opening) = parties.start_device(r_opening);
    let unlock = Parties::copy_of(d.unlock());
    let (_, mut round) = parties.start_server(opening.clone(), &unlock).unwrap();
    round.to_device = old.round.to_device.clone();
    round.signature = parties.server.sign(Domain::FIRST_HALF, &round.first_half(&opening));
    let fault = d.receive(round, &Sealer, &mut parties.rng).unwrap_err();
    assert_eq!(
        (fault.kind, fault.culprits.as_slice()),
        (FaultKind::SealedPackage, &[Party::Server][..])
    );
}

#[test]
fn p07_what_was_dealt_to_recovery_in_another_run_is_refused_though_age_opens_it() {
    let mut parties = Parties::new(1);
    let old = parties.until_closing();
    again(&mut parties);
    let (r, r_opening) = parties.start_recovery();
    let (d, opening) = parties.start_device(r_opening);
    let unlock = Parties::copy_of(d.unlock());
    let (_, round) = parties.start_server(opening, &unlock).unwrap();
    let (_, mut to_recovery) = d.receive(round, &Sealer, &mut parties.rng).unwrap();
    to_recovery.sealed = old.to_recovery.sealed.clone();
    let fault = r
        .receive(&to_recovery, &Sealer, &parties.age, &mut parties.rng)
        .unwrap_err();
    assert_eq!((fault.kind, fault.class()), (FaultKind::ForeignCeremony, Class::Blame));
    assert_eq!(fault.culprits, [Party::Device]);
}

#[test]
fn p11_two_ceremonies_of_one_user_do_not_mix_in_any_message() {
    let mut parties = Parties::new(1);
    let a = parties.until_closing();
    again(&mut parties);
    let b = parties.until_closing();
    let (_, of_b) = b
        .server
        .receive(&b.closing, &b.unlock, &REQUEST, &parties.server, &mut parties.rng)
        .unwrap();
    let fault = a.device.receive(&of_b).unwrap_err();
    assert_eq!((fault.kind, fault.class()), (FaultKind::ForeignCeremony, Class::Blame));
    let fault = a
        .server
        .receive(&b.closing, &a.unlock, &REQUEST, &parties.server, &mut parties.rng)
        .unwrap_err();
    assert_eq!((fault.kind, fault.class()), (FaultKind::ForeignCeremony, Class::Blame));

    // Single fields of the one in the other's message.
    let fields: [fn(&mut Closing, &Closing); 7] = [
        |a, b| a.from_device.clone_from(&b.from_device),
        |a, b| a.from_recovery.clone_from(&b.from_recovery),
        |a, b| a.between[0] = b.between[0],
        |a, b| a.between[1] = b.between[1],
        |a, b| a.package = b.package.clone(),
        |a, b| a.device_signature = b.device_signature,
        |a, b| a.recovery_signature = b.recovery_signature,
    ];
    for (n, mix) in fields.into_iter().enumerate() {
        let honest = parties.until_closing();
        let mut mixed = honest.closing.clone();
        mix(&mut mixed, &b.closing);
        let fault = honest
            .server
            .receive(&mixed, &honest.unlock, &REQUEST, &parties.server, &mut parties.rng)
            .unwrap_err();
        assert_eq!(fault.class(), Class::Blame, "field {n}");
    }
    let fields: [fn(&mut ServerRound, &ServerRound); 6] = [
        |a, b| a.run = b.run,
        |a, b| a.server_key = b.server_key,
        |a, b| a.round1 = b.round1.clone(),
        |a, b| a.to_device.clone_from(&b.to_device),
        |a, b| a.to_recovery.clone_from(&b.to_recovery),
        |a, b| a.signature = b.signature,
    ];
    for (n, mix) in fields.into_iter().enumerate() {
        parties.ceremony = CeremonyId([0xdd; 16]);
        let (_, r_opening) = parties.start_recovery();
        let (d, opening) = parties.start_device(r_opening);
        let unlock = Parties::copy_of(d.unlock());
        let (_, mut round) = parties.start_server(opening, &unlock).unwrap();
        mix(&mut round, &b.round);
        let fault = d.receive(round, &Sealer, &mut parties.rng).unwrap_err();
        assert_eq!(fault.class(), Class::Blame, "field {n}");
        assert_eq!(fault.culprits, [Party::Server], "field {n}");
    }
}
