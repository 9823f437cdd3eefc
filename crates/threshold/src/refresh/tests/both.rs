//! Both keys of a wallet roll over together, and neither without the other.

use std::sync::LazyLock;

use proptest::{prelude::*, sample::Index};

use super::*;
use crate::{
    codec::Kind,
    ecdsa::{EcdsaChain, fixture::has_one_encoding},
    id::KeyKind,
    identity::Domain,
    refresh::both::{self, Grounds, check},
    share::PublicShares,
};

/// A wallet that has gained a second key.
struct Both {
    house: House,
    second: PublicShares,
    server: Share,
    device: Share,
    chain: EcdsaChain,
}

/// What the parties had.
struct Old {
    shares: [Share; 4],
    unlock: [u8; 32],
}

impl Both {
    fn new(seed: u64) -> Self {
        let mut house = House::new(seed);
        let run = house.gained(|_| {});
        Self {
            second: run.device.public,
            server: run.server.share,
            device: run.device.share,
            chain: EcdsaChain::new(
                run.device.transcript,
                run.device.package,
                house.list.clone(),
                Vec::new(),
            ),
            house,
        }
    }

    fn grounds(&self) -> Grounds {
        Grounds::new(self.house.ground.clone(), self.second.clone())
    }

    fn open(&mut self) -> (both::device::AwaitServer, both::Opening) {
        let device::Start {
            ground,
            ceremony,
            number,
            device,
            server_key,
            unlock,
        } = self.house.start();
        let start = both::device::Start {
            grounds: Grounds::new(ground, self.second.clone()),
            ceremony,
            number,
            device,
            server_key,
            unlock,
        };
        start.begin(self.house.rng()).unwrap()
    }

    fn answer(
        &mut self,
        opening: both::Opening,
    ) -> Result<(both::server::AwaitClosing, both::ServerRound, UnlockKey), Fault> {
        let grounds = self.grounds();
        let start = both::server::Start {
            grounds: &grounds,
            shares: (&self.house.server, &self.server),
            seal_key: &self.house.seal_key,
            backup: None,
        };
        start.begin(opening, &Sealer, &mut self.house.parties.rng)
    }

    fn check(
        &mut self,
        waiting: both::device::AwaitServer,
        round: both::ServerRound,
    ) -> Result<both::device::ToSign, Fault> {
        let next = Some(self.house.next_key());
        let shares = (&self.house.device, &self.device);
        waiting.receive(round, shares, next, &Sealer, &mut self.house.parties.rng)
    }

    fn until_pending(&mut self) -> (both::device::Pending, both::server::AwaitClosing) {
        let (waiting, opening) = self.open();
        let (state, round, _) = self.answer(opening).unwrap();
        let to_sign = self.check(waiting, round).unwrap();
        let signature = self.house.parties.device.sign_raw(&to_sign.signing_bytes());
        (to_sign.signed(signature).unwrap(), state)
    }

    fn close(
        &self,
        state: both::server::AwaitClosing,
        closing: &both::Closing,
    ) -> Result<(server::Refreshed, server::Refreshed, Completion), Fault> {
        state.receive(&self.grounds(), closing, &self.house.parties.server)
    }

    fn take(
        &mut self,
        (new, second): (server::Refreshed, server::Refreshed),
        (refreshed, of_second): (device::Refreshed, device::Refreshed),
    ) -> Old {
        assert_eq!((&second.reseal, of_second.sealing.is_none()), (&None, true));
        assert_eq!((&new.public, &second.public), (&refreshed.public, &of_second.public));
        assert_eq!((&new.link, &second.link), (&refreshed.link, &of_second.link));
        self.chain.push(self.house.list.clone(), of_second.link).unwrap();
        self.second = of_second.public;
        let unlock = self.house.unlock.digest();
        let before = self.house.take(new, refreshed);
        let server = core::mem::replace(&mut self.server, second.share);
        let device = core::mem::replace(&mut self.device, of_second.share);
        Old {
            shares: [before.server, before.device, server, device],
            unlock,
        }
    }

    fn refresh(&mut self) -> Old {
        let (pending, state) = self.until_pending();
        let (new, second, completion) = self.close(state, &pending.closing().unwrap()).unwrap();
        let refreshed = pending.finish(&completion).unwrap();
        self.take((new, second), refreshed)
    }

    /// Recovery opens both chains, and holds them to each other.
    fn recovery(&self) -> Result<(Opened, Opened), Fault> {
        check(&self.house.chain, &self.chain)?;
        let identity = self.house.parties.recovery.identity().public();
        let second = self.chain.open(&identity, &self.house.parties.age)?;
        Ok((self.house.recovery()?, second))
    }

    /// Every party's shares are of the same epochs, which have one number and one unlock key.
    fn stands(&self) {
        let (first, second) = self.recovery().unwrap();
        let House { ground, unlock, .. } = &self.house;
        assert_eq!((&first.public, &second.public), (&ground.public, &self.second));
        assert_eq!(first.public.epoch().number, second.public.epoch().number);
        for share in [&self.house.server, &self.house.device, &first.contents.share] {
            share.check(&ground.public).unwrap();
        }
        for share in [&self.server, &self.device, &second.contents.share] {
            share.check(&self.second).unwrap();
        }
        for opened in [first, second] {
            assert_eq!(opened.contents.unlock.digest(), unlock.digest());
        }
    }
}

#[test]
fn p35_ecdsa_both_keys_roll_over_in_one_run_under_one_unlock_key_recovery_absent() {
    let mut both = Both::new(1);
    let keys = [*both.house.ground.public.extended_key(), *both.second.extended_key()];
    both.stands();
    for _ in 0..2 {
        let old = both.refresh();
        both.stands();
        assert_ne!(old.unlock, both.house.unlock.digest());
        let publics = [&both.house.ground.public, &both.second];
        assert_eq!(publics.map(|public| *public.extended_key()), keys);
        assert_eq!(publics.map(PublicShares::kind), [KeyKind::Taproot, KeyKind::Ecdsa]);
        for share in old.shares {
            for public in publics {
                assert_eq!(share.check(public).unwrap_err().kind, FaultKind::StaleEpoch);
            }
        }
    }
    let bytes = both.chain.to_bytes();
    assert_eq!(EcdsaChain::try_from(bytes.as_slice()).unwrap(), both.chain);
    let bytes = both.house.chain.to_bytes();
    assert_eq!(Chain::try_from(bytes.as_slice()).unwrap(), both.house.chain);
}

#[test]
fn p21_ecdsa_a_refresh_of_both_whose_parties_are_killed_ends_with_both_or_with_neither() {
    let mut both = Both::new(2);
    let (pending, state) = both.until_pending();
    let (record, kept) = (pending.to_secret_bytes(), state.to_secret_bytes());
    drop((pending, state));
    // Before the server has taken the closing nothing has changed.
    both.stands();
    let aad = |state: &both::server::AwaitClosing| both::server::AwaitClosing::aad(&state.opening().unwrap());
    let state = both::server::AwaitClosing::from_secret_bytes(&kept).unwrap();
    let one = AwaitClosing::aad(state.opening().unwrap().first());
    assert_ne!(aad(&state), one, "nor is it the state of one key's refresh");
    let pending = both::device::Pending::from_secret_bytes(&record).unwrap();
    let (new, second, _lost) = both.close(state, &pending.closing().unwrap()).unwrap();
    drop(pending);
    // Afterwards the device finishes with the stored signature, which either link gives.
    let (first_again, second_again) = (server::complete(&new.link), server::complete(&second.link));
    assert_eq!(first_again, second_again);
    let pending = both::device::Pending::from_secret_bytes(&record).unwrap();
    let refreshed = pending.finish(&first_again).unwrap();
    let _ = both.take((new, second), refreshed);
    both.stands();
    // And what the device keeps is both, whole.
    for at in (2..record.len()).step_by(97) {
        let mut bad = record.to_vec();
        bad[at] ^= 0x40;
        if let Ok(pending) = both::device::Pending::from_secret_bytes(&bad) {
            // The bits of a sealing key that X25519 clamps.
            assert_eq!(pending.closing().unwrap().run.wallet, both.house.parties.wallet);
        }
    }
    // One half of it is no refresh of one key.
    let len = usize::try_from(u32::from_be_bytes(record[2..6].try_into().unwrap())).unwrap();
    let fault = Pending::from_secret_bytes(&record[6..6 + len]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Equivocation);
}

#[test]
fn p34_ecdsa_neither_key_s_refresh_stands_without_the_other_s() {
    let mut both = Both::new(3);
    let before = (both.house.chain.clone(), both.chain.clone());
    let _ = both.refresh();
    let dealers = [Party::Server, Party::Device];
    let refused = |first: &Chain, second: &EcdsaChain| {
        let fault = check(first, second).unwrap_err();
        assert_eq!(
            (fault.kind, fault.culprits.as_slice()),
            (FaultKind::ForeignCeremony, &dealers[..])
        );
    };
    check(&both.house.chain, &both.chain).unwrap();
    check(&before.0, &before.1).unwrap();
    refused(&both.house.chain, &before.1);
    refused(&before.0, &both.chain);
    // The same links as if each had been signed alone: the signatures are over both.
    for link in [&both.house.chain.links()[0], &both.chain.links()[0]] {
        let mut alone = link.to_bytes();
        assert_eq!(alone[1], Kind::RefreshLinkBeside as u8);
        alone.drain(2..34);
        alone[1] = Kind::RefreshLink as u8;
        let fault = Link::try_from(alone.as_slice()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Equivocation);
        // Or beside something else.
        let mut other = link.to_bytes();
        other[2] ^= 1;
        assert_eq!(
            Link::try_from(other.as_slice()).unwrap_err().kind,
            FaultKind::Equivocation
        );
    }
    // A key of another wallet's.
    refused(&Both::new(1).house.chain, &before.1);
    // One key refreshed alone afterwards is followed by nobody.
    let (pending, state) = both.house.until_pending();
    let (alone, _) = both.house.close(state, &pending.closing()).unwrap();
    let mut longer = both.house.chain.clone();
    let fault = longer.push(both.house.list.clone(), alone.link).unwrap_err();
    assert_eq!(
        (fault.kind, fault.culprits.as_slice()),
        (FaultKind::ForeignCeremony, &dealers[..])
    );
    assert_eq!(longer, both.house.chain);
    // Nor is one that was refreshed alone when the other was there already, where somebody looks at both.
    let mut alone = Both::new(3);
    let _ = alone.house.refresh();
    refused(&alone.house.chain, &alone.chain);
    // Two runs of both do not stand for each other either.
    let mut again = Both::new(3);
    let _ = again.refresh();
    refused(&again.house.chain, &both.chain);
}

#[test]
fn p34_ecdsa_a_closing_signs_for_both_keys_or_for_none() {
    let mut both = Both::new(4);
    let (waiting, opening) = both.open();
    let (state, round, _) = both.answer(opening).unwrap();
    let record = state.to_secret_bytes();
    let to_sign = both.check(waiting, round).unwrap();
    let bytes = to_sign.signing_bytes();
    let signature = both.house.parties.device.sign_raw(&bytes);
    let pending = to_sign.signed(signature).unwrap();
    let good = pending.closing().unwrap();
    let state = || both::server::AwaitClosing::from_secret_bytes(&record).unwrap();
    let (of_first, of_second) = pending.each();
    // Each transcript signed by itself, as in the refresh of one key.
    for transcript in [of_first.transcript(), of_second.transcript()] {
        let alone = both.house.parties.device.sign(Domain::TRANSCRIPT, &transcript.hash());
        for place in 0..2 {
            let mut closing = good.clone();
            *[&mut closing.first, &mut closing.second][place] = Closing {
                signature: alone,
                ..[&good.first, &good.second][place].clone()
            };
            let fault = both.close(state(), &closing).unwrap_err();
            assert_eq!(fault, Fault::of(FaultKind::Equivocation, Party::Device));
        }
    }
    // The list goes on by one entry at most.
    let mut closing = good.clone();
    closing.second.reseal.clone_from(&good.first.reseal);
    let fault = both.close(state(), &closing).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::Count, Party::Device));
    // One half of another run's.
    let (other, _) = both.until_pending();
    let mut closing = good.clone();
    closing.second = other.closing().unwrap().second;
    let fault = both.close(state(), &closing).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::ForeignCeremony, Party::Device));
    let _new = both.close(state(), &good).unwrap();
}

#[test]
fn p34_ecdsa_of_two_refreshes_of_both_at_once_one_wins() {
    let mut both = Both::new(5);
    let (first, of_first) = both.until_pending();
    let (second, of_second) = both.until_pending();
    let (new, new_second, completion) = both.close(of_second, &second.closing().unwrap()).unwrap();
    let refreshed = second.finish(&completion).unwrap();
    let _ = both.take((new, new_second), refreshed);
    let fault = both.close(of_first, &first.closing().unwrap()).unwrap_err();
    assert_eq!(fault, FaultKind::StaleEpoch.into());
    assert_eq!(first.finish(&completion).unwrap_err().kind, FaultKind::ForeignCeremony);
    both.stands();
}

#[test]
fn p33_ecdsa_rubbish_for_either_key_is_passed_over_by_recovery() {
    let mut both = Both::new(6);
    let (pending, state) = both.until_pending();
    let (new, second, completion) = both.close(state, &pending.closing().unwrap()).unwrap();
    let links = (new.link.clone(), second.link.clone());
    let (before, chain) = (both.house.chain.clone(), both.chain.clone());
    let refreshed = pending.finish(&completion).unwrap();
    let _ = both.take((new, second), refreshed);
    let identity = both.house.parties.recovery.identity().public();
    for liar in 0..2 {
        let (mut first, mut second) = links.clone();
        first.envelopes_of(liar).spoil();
        second.envelopes_of(1 - liar).spoil();
        let list = both.house.list[..1].to_vec();
        let (mut wallet, mut gained) = (before.clone(), chain.clone());
        wallet.push(list.clone(), first).unwrap();
        gained.push(list, second).unwrap();
        let first = wallet.open(&identity, &both.house.parties.age).unwrap();
        let second = gained.open(&identity, &both.house.parties.age).unwrap();
        first.contents.share.check(&both.house.ground.public).unwrap();
        second.contents.share.check(&both.second).unwrap();
    }
}

#[test]
fn p11_ecdsa_two_openings_that_are_not_of_one_refresh_are_refused() {
    let mut both = Both::new(7);
    let (_, opening) = both.open();
    let changes: [fn(&mut both::Opening); 6] = [
        |opening| opening.second.terms.number += 1,
        |opening| opening.second.unlock_digest[0] ^= 1,
        |opening| opening.second.list_head[0] ^= 1,
        |opening| {
            (opening.second.run, opening.second.terms.run) = {
                let mut run = opening.run;
                run.ceremony.0[0] ^= 1;
                (run, run)
            }
        },
        |opening| opening.second = opening.first.clone(),
        |opening| core::mem::swap(&mut opening.first, &mut opening.second),
    ];
    for change in changes {
        let mut opening = opening.clone();
        change(&mut opening);
        let fault = both::Opening::try_from(opening.to_bytes().as_slice()).unwrap_err();
        assert_eq!(fault, Fault::of(FaultKind::ForeignCeremony, Party::Device));
    }
    // And each is held to where its own key stands.
    let mut stale = opening;
    stale.second.terms.previous.number -= 1;
    assert_eq!(both.answer(stale).unwrap_err(), FaultKind::StaleEpoch.into());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn p34_ecdsa_a_link_of_both_that_was_altered_is_none_or_names_the_same_two_transcripts(
        nth in 0..2_usize,
        edits in prop::collection::vec((any::<Index>(), 1..=u8::MAX), 1..4),
    ) {
        static LINKS: LazyLock<[Link; 2]> = LazyLock::new(|| {
            let mut both = Both::new(9);
            let _ = both.refresh();
            [both.house.chain.links()[0].clone(), both.chain.links()[0].clone()]
        });
        let mut bytes = LINKS[nth].to_bytes();
        for (at, bits) in &edits {
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
        }
        if let Ok(link) = Link::try_from(bytes.as_slice()) {
            // Envelopes are held to the transcript when they are opened.
            prop_assert_eq!(link.signed(), LINKS[nth].signed());
        }
    }
}

#[test]
fn every_message_of_both_has_one_encoding() {
    let mut both = Both::new(8);
    let (waiting, opening) = both.open();
    let (_, round, _) = both.answer(opening.clone()).unwrap();
    let to_sign = both.check(waiting, round.clone()).unwrap();
    let signature = both.house.parties.device.sign_raw(&to_sign.signing_bytes());
    let closing = to_sign.signed(signature).unwrap().closing().unwrap();
    macro_rules! check {
        ($name:literal, $message:expr, $type:ty) => {
            has_one_encoding(
                $name,
                $message.to_bytes(),
                crate::ecdsa::fixture::again!($type),
                31,
            );
        };
    }
    check!("opening", opening, both::Opening);
    check!("round", round, both::ServerRound);
    check!("closing", closing, both::Closing);
}
