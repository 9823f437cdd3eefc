//! The server's own process, found over its admin socket: what its user's shell is allowed says nothing of it.

use std::{fs, os::unix::net::UnixStream};

use crate::{config::Config, production::Surroundings};

/// Puts what is known of the running server in the place of what is true of this process.
pub(super) fn look_at(config: &Config, around: &mut Surroundings) {
    let Some(pid) = pid(config) else {
        return;
    };
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    if let Some(seen) = Seen::of(&read("status"), &read("limits")) {
        around.user = seen.user;
        around.memory_open = !seen.no_core;
        around.lock_obstacle = (!seen.locked).then(|| "the running server has not locked its memory".to_owned());
    }
}

fn pid(config: &Config) -> Option<i32> {
    let stream = UnixStream::connect(config.admin_socket()).ok()?;
    let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
    Some(peer.pid.as_raw_nonzero().get())
}

/// What the kernel tells of a process.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    user: u32,
    locked: bool,
    no_core: bool,
}

impl Seen {
    fn of(status: &str, limits: &str) -> Option<Self> {
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next().map(str::to_owned)
        };
        let core = limits
            .lines()
            .find_map(|line| line.strip_prefix("Max core file size"))?;
        Some(Self {
            user: of("Uid:")?.parse().ok()?,
            locked: of("VmLck:")?.parse::<u64>().is_ok_and(|kib| kib > 0),
            no_core: core.split_whitespace().nth(1) == Some("0"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn o05_what_the_kernel_tells_of_a_server_is_read() {
        let status = "Name:\ttwofold-server\nUid:\t990\t990\t990\t990\nVmLck:\t   41236 kB\n";
        let limits = "Max cpu time  unlimited  unlimited seconds\nMax core file size        0       0       bytes\n";
        let seen = |status: &str, limits: &str| Seen::of(status, limits);
        let well = Seen {
            user: 990,
            locked: true,
            no_core: true,
        };
        assert_eq!(seen(status, limits), Some(well));
        let bad = seen(
            &status.replace("41236", "0"),
            &limits.replace("0       0", "0       unlimited"),
        )
        .unwrap();
        assert!(!bad.locked && !bad.no_core);
        assert_eq!(seen("", ""), None);
    }
}
