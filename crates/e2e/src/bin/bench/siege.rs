//! A device that signs while strangers only take: connections that stand idle, and requests that are signed wrongly as
//! fast as they are refused.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use twofold_api::request::Hello;

use crate::{
    Bench,
    connection::Connection,
    device::{Device, random},
    figure::{Figure, Goal},
    machine, millis,
};

/// Signatures one after the other, for each figure.
const SIGNED: u32 = 2_000;
/// Connections that stand idle; what a server allows of them is raised for this.
const IDLE: u32 = 5_000;
/// Threads that open them.
const OPENERS: u32 = 4;
/// Connections that bring wrong signatures, each on a thread of its own.
const FLOODERS: u32 = 4;
/// The kernel's lowest priority: whoever floods has machines of their own, and takes nothing from the device here.
const LOWEST: i32 = 19;

impl Bench {
    /// How long a device waits beside each, against how long it waits otherwise. All limits on rates are off.
    pub(crate) fn siege(&mut self) -> Result<()> {
        self.server.stop()?;
        self.fund(3 * SIGNED)?;
        let quiet = self.p99(SIGNED)?;
        let ratio = |beside: Duration| beside.as_secs_f64() / quiet.as_secs_f64();
        self.tell(Figure::plain("sign_p99_alone", millis(quiet), "ms"));

        let idle = self.crowd_in()?;
        let memory = self.server.process().resident()?;
        let beside = self.p99(SIGNED)?;
        drop(idle);
        self.tell(Figure::plain("idle_connections", f64::from(IDLE), ""));
        self.tell(Figure::plain("memory_with_idle_connections", memory, "MiB"));
        let goal = Goal::AtMost(2.0);
        self.tell(Figure::with_goal("sign_p99_beside_idle", ratio(beside), "x", goal));
        self.note("a device signed beside idle connections");

        let (beside, refused) = self.flooded()?;
        self.tell(Figure::plain("bad_signatures_rate", refused, "/s"));
        self.tell(Figure::with_goal("sign_p99_in_flood", ratio(beside), "x", goal));
        self.note("a device signed in a flood of bad signatures");
        Ok(())
    }

    fn crowd_in(&self) -> Result<Vec<Connection>> {
        let site = self.server.site();
        let open = || {
            let greeted = || {
                let mut line = Connection::open(site)?;
                line.greet()?;
                Ok(line)
            };
            (0..IDLE / OPENERS).map(|_| greeted()).collect::<Result<Vec<_>>>()
        };
        thread::scope(|scope| {
            let openers: Vec<_> = (0..OPENERS).map(|_| scope.spawn(open)).collect();
            let mut all = Vec::new();
            for opener in openers {
                all.extend(opener.join().map_err(|_| anyhow!("an opening thread failed"))??);
            }
            Ok(all)
        })
    }

    /// What 99 of 100 signatures take less than, and how many requests were refused in a second meanwhile.
    fn flooded(&mut self) -> Result<(Duration, f64)> {
        let site = Arc::clone(self.server.site());
        let wrong = {
            let seat = self.seats.last().context("a seat")?;
            let forger = Device::claiming(&site, seat.device.key())?;
            forger.message(&Hello, random())?.bytes
        };
        let (over, refused) = (AtomicBool::new(false), AtomicU32::new(0));
        let flood = || {
            // For this thread alone.
            rustix::process::setpriority_process(None, LOWEST)?;
            let mut line = Connection::open(&site)?;
            while !over.load(Ordering::Relaxed) {
                let answer = line.exchange(&wrong)?;
                ensure!(answer.status == 401, "a wrong signature was answered {}", answer.status);
                refused.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        thread::scope(|scope| {
            let flooders: Vec<_> = (0..FLOODERS).map(|_| scope.spawn(flood)).collect();
            let began = machine::now();
            let beside = self.p99(SIGNED);
            let rate = f64::from(refused.load(Ordering::Relaxed)) / began.elapsed().as_secs_f64();
            over.store(true, Ordering::Relaxed);
            for flooder in flooders {
                flooder.join().map_err(|_| anyhow!("a flooding thread failed"))??;
            }
            Ok((beside?, rate))
        })
    }
}
