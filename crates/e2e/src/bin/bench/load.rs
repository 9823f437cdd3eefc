//! Many devices at once.

use std::{
    collections::BTreeMap,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow};

use crate::{
    connection::Connection,
    device::Device,
    machine::{self, Process},
    purse::Purse,
    server::Server,
};

/// A device with a wallet and an open connection.
pub(crate) struct Seat {
    pub(crate) device: Device,
    pub(crate) line: Connection,
    pub(crate) purse: Purse,
}

/// How much the devices do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generator {
    /// Everything: nonces, commitments, seals, aggregation, verification.
    Whole,
    /// Nonces, commitments and seals are made beforehand; the reply is only read.
    Thin,
}

/// What a load came to.
#[derive(Debug)]
pub(crate) struct Run {
    /// Signatures a second.
    pub(crate) rate: f64,
    /// The server's CPU time for one, in microseconds.
    pub(crate) server: f64,
    /// The generator's CPU time for one, in microseconds.
    pub(crate) generator: f64,
    /// Cores that other processes left to these two.
    pub(crate) cores: f64,
    /// The server's CPU time for one by thread, in microseconds.
    pub(crate) threads: BTreeMap<String, f64>,
}

impl Seat {
    /// A new user with a new wallet.
    pub(crate) fn take(server: &Server) -> Result<(Self, Duration)> {
        let mut line = Connection::open(server.site())?;
        let device = Device::join(server.site(), &mut line, server.invitation()?.code)?;
        let (purse, took) = Purse::create(&device, &mut line)?;
        Ok((Self { device, line, purse }, took))
    }

    /// After the server was restarted.
    pub(crate) fn reconnect(&mut self, server: &Server) -> Result<()> {
        self.line = Connection::open(server.site())?;
        self.purse.refresh(&self.device, &mut self.line)
    }
}

/// What has been used up so far.
struct Snapshot {
    at: std::time::Instant,
    server: Duration,
    own: Duration,
    busy: Duration,
    threads: BTreeMap<String, Duration>,
}

impl Snapshot {
    fn take(server: Process) -> Result<Self> {
        Ok(Self {
            at: machine::now(),
            server: server.cpu()?,
            own: Process::own().cpu()?,
            busy: machine::busy(machine::cores())?,
            threads: server.threads()?,
        })
    }
}

/// Has every seat sign `each` times, all at once, and measures until the first has done so: until then all are busy.
pub(crate) fn run(server: Process, seats: &mut [Seat], each: u32, generator: Generator) -> Result<Run> {
    let begin = Barrier::new(seats.len() + 1);
    let (done, over) = (AtomicU32::new(0), AtomicBool::new(false));
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for seat in seats.iter_mut() {
            let (begin, done, over, tell) = (&begin, &done, &over, tell.clone());
            threads.push(scope.spawn(move || {
                let result = drive(seat, each, generator, begin, done, over);
                // The receiver is gone once the first has finished.
                let _ = tell.send(());
                result
            }));
        }
        begin.wait();
        let before = Snapshot::take(server)?;
        told.recv().context("a seat that finishes")?;
        let after = Snapshot::take(server)?;
        let signatures = done.load(Ordering::Relaxed);
        over.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().map_err(|_| anyhow!("a device failed"))??;
        }
        Ok(summary(&before, &after, signatures))
    })
}

fn drive(
    seat: &mut Seat,
    each: u32,
    generator: Generator,
    begin: &Barrier,
    done: &AtomicU32,
    over: &AtomicBool,
) -> Result<()> {
    let Seat { device, line, purse } = seat;
    let mut prepare = || {
        let psbts = (0..each).map(|_| purse.fresh_psbt()).collect::<Result<Vec<_>>>()?;
        let ready = match generator {
            Generator::Whole => Vec::new(),
            Generator::Thin => psbts
                .iter()
                .map(|psbt| purse.ready(device, psbt))
                .collect::<Result<_>>()?,
        };
        Ok::<_, anyhow::Error>((psbts, ready))
    };
    // What fails here is told after the barrier, or the others would wait for ever.
    let prepared = prepare();
    begin.wait();
    let (psbts, ready) = prepared?;
    let mut ready = ready.into_iter();
    for psbt in &psbts {
        if over.load(Ordering::Relaxed) {
            break;
        }
        match ready.next() {
            Some(ready) => purse.cosign(device, line, ready)?,
            None => purse.sign(device, line, psbt)?,
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn summary(before: &Snapshot, after: &Snapshot, signatures: u32) -> Run {
    let wall = (after.at - before.at).as_secs_f64();
    let count = f64::from(signatures);
    let per = |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64() * 1e6 / count;
    let (server, generator) = (per(before.server, after.server), per(before.own, after.own));
    let all = after.busy.saturating_sub(before.busy).as_secs_f64();
    let others = (all - (server + generator) * count / 1e6).max(0.0);
    let threads = after
        .threads
        .iter()
        .map(|(name, time)| {
            let earlier = before.threads.get(name).copied().unwrap_or_default();
            (name.clone(), per(earlier, *time))
        })
        .collect();
    Run {
        rate: count / wall,
        server,
        generator,
        cores: f64::from(machine::cores()) - others / wall,
        threads,
    }
}
