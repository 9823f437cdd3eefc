//! Clocks that are wrong.

use futures::executor::block_on;

use crate::model::house::House;

/// Seconds of so many hours.
fn seconds(hours: i16) -> i64 {
    i64::from(hours) * 3600
}

impl House {
    /// The server's clock jumps. What counts goes on from what is surely over.
    pub(super) fn server_clock(&mut self, hours: i16) {
        let shows = twofold_cosigner::port::Clock::now(&self.server.clock);
        self.server.clock.set(shows.saturating_add_signed(seconds(hours)));
        block_on(self.server.cosigner.purge()).expect("purges");
    }

    /// A machine's clock is off by so many hours from here on.
    pub(super) fn machine_clock(&mut self, who: u8, hours: i16) {
        let machine = self.owner(who);
        self.machines[machine].skew = seconds(hours);
    }
}
