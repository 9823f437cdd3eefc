//! `./dev bench`: the real server under load from real devices, each figure against the bare cryptography of the same
//! run. Every request is a whole one: TLS 1.3, a signature over it, a transaction nobody has seen before.

mod backups;
mod bare;
mod ceremony;
mod connection;
mod crowd;
mod device;
mod doctor;
mod electrum;
mod figure;
mod floor;
mod load;
mod machine;
mod parts;
mod postgres;
mod purse;
mod renewal;
mod rotation;
mod seed;
mod server;
mod siege;
mod spend;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use bare::{Bare, Costs};
use crowd::Crowd;
use figure::{Figure, Goal, Report};
use load::{Generator, Run, Seat};
use purse::Purse;
use server::Server;

/// Devices at once, each with a connection and a wallet of its own.
const SEATS: usize = 16;
/// Signatures of each device in a load.
const EACH: u32 = 150;
/// Signatures of each device before anything is measured, so that what a server keeps at hand is there.
const WARM: u32 = 10;
/// Coins that this takes of each wallet: five loads, six warm-ups.
const COINS: u32 = 5 * EACH + 6 * WARM;
/// Signatures one after the other, for the latency.
const ALONE: u32 = 600;
/// Wallets made to measure the making.
const MADE: u32 = 24;
/// Wallets copied for growth, memory and restart.
const WALLETS: u32 = 100_000;
/// How many of their devices speak, at most.
const CROWD: u32 = 100_000;
/// Spends of one wallet for the growth, and over how many of them a figure is taken.
const SPENDS: u32 = 10_000;
const WINDOW: u32 = 1_000;

type Part = fn(&mut Bench) -> Result<()>;

/// What is measured, in this order; each stands on nothing that another did.
const PARTS: [(&str, Part); 12] = [
    ("creation", Bench::creation),
    ("renewals", Bench::renewals),
    ("throughput", Bench::throughput),
    ("latency", Bench::latency),
    ("postgres", Bench::postgres),
    ("siege", Bench::siege),
    ("doctor", Bench::doctor),
    ("spends", Bench::spends),
    ("wallets", Bench::wallets),
    ("rotations", Bench::rotations),
    ("backups", Bench::backups),
    ("electrum", Bench::electrum),
];

fn main() -> Result<()> {
    let mut json = false;
    let mut wallets = WALLETS;
    let mut only = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => json = true,
            "--wallets" => wallets = arguments.next().context("--wallets wants a number")?.parse()?,
            "--only" => {
                let name = arguments.next().context("--only wants a part")?;
                let names = || PARTS.map(|(name, _)| name).join(", ");
                let part = PARTS.iter().position(|(part, _)| *part == name);
                only = Some(part.with_context(|| format!("there is no part '{name}'; there are {}", names()))?);
            }
            other => bail!("the benchmark knows --json, --wallets NUMBER and --only PART, not '{other}'"),
        }
    }
    let mut bench = Bench::start(wallets)?;
    for (number, (_, part)) in PARTS.iter().enumerate() {
        if only.is_none_or(|only| only == number) {
            part(&mut bench)?;
        }
    }
    bench.report.print(json);
    Ok(())
}

struct Bench {
    wallets: u32,
    bare: Bare,
    server: Server,
    seats: Vec<Seat>,
    /// The devices of the many wallets, once those are there.
    crowd: Option<Crowd>,
    report: Report,
    began: Instant,
}

impl Bench {
    fn start(wallets: u32) -> Result<Self> {
        let began = machine::now();
        let bare = Bare::new()?;
        let server = Server::start()?;
        let mut bench = Self {
            wallets,
            bare,
            server,
            seats: Vec::new(),
            crowd: None,
            report: Report::default(),
            began,
        };
        bench.note("a node and a server run");
        let idle = bench.server.process().resident()?;
        bench.tell(Figure::plain("memory_idle", idle, "MiB"));
        for _ in 0..SEATS {
            let (seat, _) = Seat::take(&bench.server)?;
            bench.seats.push(seat);
        }
        bench.server.stop()?;
        for (number, seat) in bench.seats.iter_mut().enumerate() {
            let coins = if number == 0 { COINS + ALONE } else { COINS };
            seed::fund(&bench.server.database(), &mut seat.purse, coins)?;
        }
        bench.restart()?;
        bench.note("devices have joined and made wallets");
        Ok(bench)
    }

    /// Says on standard error how far it is.
    fn note(&self, what: &str) {
        eprintln!("{:>5.0} s  {what}", self.began.elapsed().as_secs_f64());
    }

    fn tell(&mut self, figure: Figure) {
        self.report.figures.push(figure);
    }

    fn load(&mut self, generator: Generator) -> Result<(Run, Costs)> {
        let before = self.bare.costs()?;
        let run = load::run(self.server.process(), &mut self.seats, EACH, generator)?;
        Ok((run, before.around(self.bare.costs()?)))
    }

    /// A wallet's making, against three parties' bare key generation; one after the other, so that both see the same
    /// machine.
    fn creation(&mut self) -> Result<()> {
        let (mut bare, mut made) = (Vec::new(), Vec::new());
        let seat = self.seats.first_mut().context("a seat")?;
        for _ in 0..MADE {
            let began = machine::now();
            bare::key_generation()?;
            bare.push(began.elapsed());
            let (_, took) = Purse::create(&seat.device, &mut seat.line)?;
            made.push(took);
        }
        let (bare, made) = (quantile(&mut bare, 50)?, quantile(&mut made, 50)?);
        self.tell(Figure::plain("bare_key_generation", millis(bare), "ms"));
        self.tell(Figure::plain("create", millis(made), "ms"));
        let ratio = made.as_secs_f64() / bare.as_secs_f64();
        self.tell(Figure::with_goal("create_to_bare", ratio, "x", Goal::AtMost(4.0)));
        self.note("wallets were made");
        Ok(())
    }

    fn throughput(&mut self) -> Result<()> {
        let (thin, costs) = self.load(Generator::Thin)?;
        self.tell(Figure::plain("bare_commit_sign", costs.half, "us"));
        self.tell(Figure::plain("bare_both_sides", costs.both, "us"));
        self.tell(Figure::plain("cosign_server_cpu", thin.server, "us"));
        let ratio = thin.server / costs.half;
        self.tell(Figure::with_goal("cosign_cpu_to_bare", ratio, "x", Goal::AtMost(2.0)));
        self.tell(Figure::plain("cores_left_by_others", thin.cores, ""));
        self.tell(Figure::plain("thin_rate", thin.rate, "/s"));
        let ratio = thin.rate * thin.server / 1e6 / thin.cores;
        let goal = Goal::AtLeast(0.85);
        self.tell(Figure::with_goal("thin_rate_to_server", ratio, "x", goal));
        let share = parts::own_signature()? / thin.server;
        self.tell(Figure::with_goal("checkpoint_of_cosign", share, "", Goal::AtMost(0.05)));
        let seat = self.seats.first().context("a seat")?;
        self.report.parts = parts::explain(seat, &costs, &thin)?;
        self.report.floor = floor::figures()?;

        let (whole, costs) = self.load(Generator::Whole)?;
        self.tell(Figure::plain("whole_rate", whole.rate, "/s"));
        self.tell(Figure::plain("whole_server_cpu", whole.server, "us"));
        self.tell(Figure::plain("whole_device_cpu", whole.generator, "us"));
        let ratio = whole.rate * costs.both / 1e6 / whole.cores;
        let goal = Goal::AtLeast(0.75);
        self.tell(Figure::with_goal("whole_rate_to_bare", ratio, "x", goal));
        self.note("all devices signed at once");
        Ok(())
    }

    /// One device alone, in turns with the bare operations of both sides.
    fn latency(&mut self) -> Result<()> {
        let seat = self.seats.first_mut().context("a seat")?;
        let (mut bare, mut signed) = (Vec::new(), Vec::new());
        for _ in 0..ALONE {
            let began = machine::now();
            self.bare.both()?;
            bare.push(began.elapsed());
            let psbt = seat.purse.fresh_psbt()?;
            let began = machine::now();
            seat.purse.sign(&seat.device, &mut seat.line, &psbt)?;
            signed.push(began.elapsed());
        }
        let bare = quantile(&mut bare, 50)?;
        let ratio = |time: Duration| time.as_secs_f64() / bare.as_secs_f64();
        let (half, most) = (quantile(&mut signed, 50)?, quantile(&mut signed, 99)?);
        self.tell(Figure::plain("bare_both_sides_p50", millis(bare), "ms"));
        self.tell(Figure::plain("sign_p50", millis(half), "ms"));
        self.tell(Figure::plain("sign_p99", millis(most), "ms"));
        self.tell(Figure::with_goal(
            "sign_p50_to_bare",
            ratio(half),
            "x",
            Goal::AtMost(2.5),
        ));
        self.tell(Figure::with_goal(
            "sign_p99_to_bare",
            ratio(most),
            "x",
            Goal::AtMost(5.0),
        ));
        self.note("one device signed alone");
        Ok(())
    }

    /// The server's time for a signature of a wallet with few past spends and with many, each against the bare
    /// operation of the same moment.
    fn spends(&mut self) -> Result<()> {
        let (mut seat, _) = Seat::take(&self.server)?;
        self.server.stop()?;
        seed::fund(&self.server.database(), &mut seat.purse, WARM + SPENDS + WINDOW)?;
        self.server.resume()?;
        seat.reconnect(&self.server)?;
        let mut alone = [seat];
        let process = self.server.process();
        load::run(process, &mut alone, WARM, Generator::Thin)?;
        let mut windows = Vec::new();
        for _ in 0..=SPENDS / WINDOW {
            let before = self.bare.costs()?;
            let run = load::run(process, &mut alone, WINDOW, Generator::Thin)?;
            windows.push(run.server / before.around(self.bare.costs()?).half);
        }
        let (few, many) = (
            windows.first().context("a window")?,
            windows.last().context("a window")?,
        );
        let goal = Goal::AtMost(1.1);
        self.tell(Figure::with_goal("growth_10_to_10000_spends", many / few, "x", goal));
        self.note("one wallet has spent over and over");
        Ok(())
    }

    /// The same with few wallets in the store and with many; the time to start, and memory when every device has asked.
    fn wallets(&mut self) -> Result<()> {
        self.server.stop()?;
        self.restart()?;
        let (run, costs) = self.load(Generator::Thin)?;
        let few = run.server / costs.half;
        self.server.stop()?;
        self.fill()?;
        let ready = self.restart()?;
        let started = self.server.process().resident()?;
        let (run, costs) = self.load(Generator::Thin)?;
        let many = run.server / costs.half;
        let crowd = self.crowd.as_ref().context("a crowd")?;
        crowd.ask(self.server.site())?;
        let process = self.server.process();
        let (loaded, most) = (process.resident()?, process.most_resident()?);
        self.note("many wallets were in the way");
        let goal = Goal::AtMost(1.1);
        self.tell(Figure::with_goal("growth_1_to_many_wallets", many / few, "x", goal));
        self.tell(Figure::plain("wallets", f64::from(self.wallets), ""));
        self.tell(Figure::plain(
            "devices_that_asked",
            f64::from(self.wallets.min(CROWD)),
            "",
        ));
        self.tell(Figure::plain("memory_started", started, "MiB"));
        self.tell(Figure::plain("memory_loaded", loaded, "MiB"));
        self.tell(Figure::with_goal("memory_at_most", most, "MiB", Goal::AtMost(200.0)));
        let goal = Goal::AtMost(1.0);
        self.tell(Figure::with_goal("restart_to_ready", ready.as_secs_f64(), "s", goal));
        Ok(())
    }

    /// Puts many wallets into the stopped server's store, once.
    fn fill(&mut self) -> Result<()> {
        if self.crowd.is_none() {
            let sample = self.seats.last().context("a seat")?.purse.id;
            let crowd = Crowd::new(self.server.site(), self.wallets.min(CROWD))?;
            seed::copies(&self.server.database(), sample, &crowd, self.wallets)?;
            self.crowd = Some(crowd);
            self.note("wallets were copied");
        }
        Ok(())
    }

    /// Starts the stopped server; afterwards it has at hand what a server has that has run for a while. How long it took
    /// until it answered.
    fn restart(&mut self) -> Result<Duration> {
        let ready = self.server.resume()?;
        for seat in &mut self.seats {
            seat.reconnect(&self.server)?;
        }
        load::run(self.server.process(), &mut self.seats, WARM, Generator::Thin)?;
        Ok(ready)
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The value that so many percent are below.
fn quantile(times: &mut [Duration], percent: usize) -> Result<Duration> {
    times.sort_unstable();
    times.get(times.len() * percent / 100).copied().context("a measurement")
}
