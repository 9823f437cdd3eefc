//! What recovery asks for while a server is brought forward.

use twofold_api::reply::{Operator, Waiting};

use super::*;
use crate::tests::{devices::cancel, recovery::Newcomer};

impl Scene {
    /// The phone hears how far the server is.
    fn hears(&self) {
        let state = self.house.state(&self.purse);
        let newest = self.house.mind.newest(self.purse.id, &state);
        self.purse.newest.set(newest);
    }

    fn waits(&self) -> Vec<Waiting> {
        self.house.state(&self.purse).shape.waiting.tell()
    }

    fn is_frozen(&self) -> bool {
        self.house.state(&self.purse).shape.freeze.is_some()
    }
}

#[test]
fn a24_a_device_that_brings_a_restored_server_forward_ends_nothing_that_recovery_asks_for() {
    let mut scene = scene();
    scene.phone.refresh(&scene.house, &mut scene.purse);
    let mut what = scene.brings();
    // The server's log is another by now: what recovery asks for stands there.
    what.entries.clear();
    scene.restore();
    let new = Newcomer::joined(&scene.house, &scene.purse, None);
    let asked = new.ask(&scene.house, &scene.purse).unwrap().waiting.unwrap();
    scene.brought(what).unwrap();
    assert_eq!(scene.house.state(&scene.purse).epoch().number, 2);
    assert_eq!(scene.waits(), [asked]);
    assert!(scene.is_frozen());
}

#[test]
fn s23_the_log_that_comes_back_says_what_became_of_what_recovery_had_asked_for() {
    for became in ["objected", "refused", "done"] {
        let mut scene = scene();
        let wait = (became == "done").then_some(0);
        let new = Newcomer::joined(&scene.house, &scene.purse, wait);
        let asked = new.ask(&scene.house, &scene.purse).unwrap().waiting.unwrap();
        scene.hears();
        scene.backup = scene.house.rows();
        if became == "done" {
            new.recover(&scene.house, &scene.purse).unwrap();
        } else {
            cancel(&scene.house, &scene.purse, &scene.phone, asked.change).unwrap();
        }
        if became == "refused" {
            block_on(scene.house.mind.refuse_change(scene.purse.id, asked.change)).unwrap();
        }
        scene.hears();
        let what = scene.brings();
        scene.restore();
        assert_eq!(scene.waits().len(), 1);
        scene.brought(what).unwrap();
        let waits: Vec<_> = scene.waits().iter().map(|now| (now.change, now.operator)).collect();
        if became == "objected" {
            assert_eq!(waits, [(asked.change, Operator::Needed)]);
        } else {
            assert_eq!(waits, [], "{became}");
        }
        assert_eq!(scene.is_frozen(), became != "refused", "{became}");
    }
}
