//! After a refresh every pair signs, and nobody who kept an old share does.

use super::*;
use crate::{
    envelope::Purpose,
    fixture::libsecp,
    identity::IdentitySecret,
    sign::{InputToSign, pair::sign_together},
};

const INPUTS: [InputToSign; 1] = [InputToSign {
    path: [0, 3],
    message: [0x4d; 32],
}];

impl House {
    fn identity(&self, party: Party) -> IdentitySecret {
        let seed = match party {
            Party::Server => self.parties.server.expose_seed(),
            Party::Device => self.parties.device.expose_seed(),
            Party::Recovery => self.parties.recovery.identity().expose_seed(),
        };
        IdentitySecret::from_seed(&seed)
    }

    /// Whether these two shares make a signature for an address of the wallet, by the public shares of `ground`.
    pub(super) fn signs(&self, ground: &Ground, asker: &Share, answerer: &Share) -> bool {
        let (asking, answering) = (self.identity(asker.party()), self.identity(answerer.party()));
        let made = sign_together(&ground.public, &INPUTS, (asker, &asking), (answerer, &answering));
        made.is_ok_and(|signatures| {
            let tweak = ground.public.child(INPUTS[0].path).unwrap();
            libsecp(tweak.output_key(), &INPUTS[0].message, &signatures[0])
        })
    }

    pub(super) fn every_pair_signs(&self) {
        let recovery = self.recovery().unwrap().contents.share;
        let shares = [&self.server, &self.device, &recovery];
        for asker in shares {
            for answerer in shares {
                let two = asker.party() != answerer.party();
                assert_eq!(self.signs(&self.ground, asker, answerer), two);
            }
        }
    }
}

/// A share that says it is of an epoch that it is not of: what a thief would do.
pub(super) fn relabelled(share: &Share, ground: &Ground) -> Share {
    let bytes = share.secret_bytes();
    Share::new(
        share.wallet(),
        share.party(),
        share.kind(),
        ground.public.epoch(),
        &bytes,
    )
    .unwrap()
}

#[test]
fn p35_recovery_signs_with_the_server_and_with_the_device_after_a_refresh_it_knew_nothing_of() {
    let mut house = House::new(1);
    house.every_pair_signs();
    for _ in 0..2 {
        let _ = house.refresh();
        house.every_pair_signs();
    }
}

#[test]
fn p41_a_server_s_share_read_before_a_refresh_signs_with_no_device_stolen_after_it() {
    let mut house = House::new(2);
    let before = house.refresh();
    assert!(house.signs(&before.ground, &before.device, &before.server));
    // By the old epoch's numbers, by the new one's, or calling the old share new.
    let (new, old) = (&house.device, &before.server);
    for ground in [&before.ground, &house.ground] {
        for old in [relabelled(old, ground), relabelled(old, &house.ground)] {
            let new = relabelled(new, ground);
            assert!(!house.signs(ground, &new, &old) && !house.signs(ground, &old, &new));
        }
    }
    // Nor does what the device still has open what was sealed for it at the refresh, recorded by the thief.
    let identity = house.parties.device.public();
    let recorded = before.link.clone().for_device(&identity);
    let open = |key| recorded.open_as_device(&before.ground, &before.device, &identity, &[key]);
    assert_eq!(open(&house.sealing).unwrap_err().kind, FaultKind::SealedPackage);
    // The key that the device erased would have.
    assert!(open(&before.sealing).is_ok());
}

#[test]
fn p44_recorded_messages_of_a_refresh_open_with_no_key_that_outlives_it() {
    let mut house = House::new(3);
    let (waiting, opening) = house.open();
    let (state, round, _) = house.answer(opening.clone()).unwrap();
    let to_sign = house.check(waiting, round.clone()).unwrap();
    let pending = house.sign(to_sign);
    let closing = pending.closing();
    let (new, completion) = house.close(state, &closing).unwrap();
    let refreshed = pending.finish(&completion).unwrap();
    let _ = house.take(new, refreshed);

    // What S has for long is its identity's seed; what D has, its identity's and its new sealing key.
    let kept = [
        SealSecret::new(house.parties.server.expose_seed()),
        SealSecret::new(house.parties.device.expose_seed()),
        SealSecret::new(crate::secret::Secret32::new(*house.sealing.expose().expose())),
    ];
    let terms = opening.terms;
    let (to_server, to_device) = (
        terms.binding(Party::Device, Party::Server),
        terms.binding(Party::Server, Party::Device),
    );
    for key in &kept {
        assert!(key.open(&to_server, Purpose::Dealt, &opening.to_server).is_err());
        assert!(key.open(&to_device, Purpose::Dealt, &round.to_device).is_err());
        for (dealer, envelopes) in [(Party::Server, &round.envelopes), (Party::Device, &closing.envelopes)] {
            let binding = terms.binding(dealer, Party::Device);
            let sealed = envelopes.to_device(0);
            assert!(key.open(&binding, Purpose::Increment, sealed).is_err());
        }
    }
    // The short-lived key opens it while it lives.
    assert!(
        house
            .seal_key
            .open(&to_server, Purpose::Dealt, &opening.to_server)
            .is_ok()
    );
}

#[test]
fn p29_a_device_takes_one_of_three_answers_and_the_others_make_no_share() {
    let mut house = House::new(4);
    let (waiting, opening) = house.open();
    let answers: Vec<_> = (0..3).map(|_| house.answer(opening.clone()).unwrap()).collect();
    let mut answers = answers.into_iter();
    let (state, round, _) = answers.next().unwrap();
    // The first one consumes what waits: there is nothing left to give the second to.
    let to_sign = house.check(waiting, round).unwrap();
    let pending = house.sign(to_sign);
    let closing = pending.closing();
    for (other, ..) in answers {
        let fault = house.close(other, &closing).unwrap_err();
        assert_eq!(
            (fault.kind, fault.culprits),
            (FaultKind::Equivocation, [Party::Device].into())
        );
    }
    let (new, completion) = house.close(state, &closing).unwrap();
    let refreshed = pending.finish(&completion).unwrap();
    let _ = house.take(new, refreshed);
    house.every_pair_signs();
}
