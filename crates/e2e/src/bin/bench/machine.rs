//! Clocks, and what the kernel says of processes, threads and cores.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};

/// `/proc` counts in hundredths of a second on every Linux with glibc.
const TICK: Duration = Duration::from_millis(10);

#[expect(clippy::disallowed_methods, reason = "measuring time is what this program is for")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "requests are signed with the time of day")]
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Cores that this process may use.
pub(crate) fn cores() -> u32 {
    std::thread::available_parallelism()
        .ok()
        .and_then(|cores| u32::try_from(cores.get()).ok())
        .unwrap_or(1)
}

/// CPU time that the calling thread has had.
pub(crate) fn thread_cpu() -> Result<Duration> {
    // The kernel brings the account up to date when a thread yields, and otherwise only once a tick.
    std::thread::yield_now();
    schedstat("/proc/thread-self/schedstat")
}

fn schedstat(path: &str) -> Result<Duration> {
    let text = fs::read_to_string(path)?;
    let nanoseconds = text.split(' ').next().context("schedstat is empty")?.parse()?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// Time that the first `cores` cores were busy, whoever used them, since the machine started.
pub(crate) fn busy(cores: u32) -> Result<Duration> {
    let text = fs::read_to_string("/proc/stat")?;
    let mut ticks = 0;
    for core in 0..cores {
        let name = format!("cpu{core} ");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&name))
            .context("a line for each core")?;
        // user, nice, system, idle, iowait, irq, softirq, steal
        let columns = line.split(' ').take(8).enumerate();
        for (_, column) in columns.filter(|(column, _)| !matches!(column, 3 | 4)) {
            ticks += column.parse::<u32>()?;
        }
    }
    Ok(TICK * ticks)
}

/// A process, by its number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// This one.
    pub(crate) fn own() -> Self {
        Self(std::process::id())
    }

    /// User and system time of all its threads.
    pub(crate) fn cpu(self) -> Result<Duration> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // The name, in parentheses, may hold anything; fields 14 and 15 are the 12th and 13th behind it.
        let (_, rest) = text.rsplit_once(") ").context("a process name")?;
        let ticks = rest
            .split(' ')
            .skip(11)
            .take(2)
            .map(str::parse::<u32>)
            .sum::<Result<u32, _>>()?;
        Ok(TICK * ticks)
    }

    /// Memory that is resident, in MiB.
    pub(crate) fn resident(self) -> Result<f64> {
        self.memory("VmRSS:")
    }

    /// The most memory that was ever resident, in MiB.
    pub(crate) fn most_resident(self) -> Result<f64> {
        self.memory("VmHWM:")
    }

    fn memory(self, name: &'static str) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)).context(name)?;
        let kib: u32 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(f64::from(kib) / 1024.0)
    }

    /// CPU time by name of thread.
    pub(crate) fn threads(self) -> Result<BTreeMap<String, Duration>> {
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{}/task", self.0))? {
            let path = entry?.path();
            let path = path.display();
            // A thread may end while we look.
            let (Ok(name), Ok(time)) = (
                fs::read_to_string(format!("{path}/comm")),
                schedstat(&format!("{path}/schedstat")),
            ) else {
                continue;
            };
            *threads.entry(name.trim().to_owned()).or_default() += time;
        }
        Ok(threads)
    }
}
