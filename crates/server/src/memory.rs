//! The memory of this process is its own: it holds the KEK, and shares and unlock keys for moments.

use rustix::{
    mm::{MlockAllFlags, mlockall},
    process::{DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior, setrlimit},
};

use crate::fault::Fault;

/// No core dump, and nobody of the same user attaches. To be called before anything is read.
///
/// The limit alone would not do: where the system hands core dumps to a program, it asks for no limit.
pub fn keep_private() -> Result<(), Fault> {
    let refused = |error| {
        Fault::System(format!(
            "this system does not let a process keep its memory to itself: {error}"
        ))
    };
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).map_err(refused)?;
    // Tests look into a server that was built for them.
    if !cfg!(feature = "failpoints") {
        set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(refused)?;
    }
    Ok(())
}

/// Whether this process could leave a core dump, or another of the same user could read its memory.
pub(crate) fn is_open() -> bool {
    getrlimit(Resource::Core).maximum != Some(0) || !matches!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable))
}

/// Why the memory of this process can't all be kept out of swap; none: it can.
pub(crate) fn obstacle_to_locking() -> Option<String> {
    let most = getrlimit(Resource::Memlock).maximum?;
    // A process that can't read its own status has no capability worth the name.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if may_lock_all(&status) {
        return None;
    }
    Some(format!("the limit of locked memory is {} KiB", most / 1024))
}

/// Whether a status as the kernel writes it shows `CAP_IPC_LOCK` in effect.
fn may_lock_all(status: &str) -> bool {
    const CAP_IPC_LOCK: u32 = 14;
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective.is_some_and(|digits| u64::from_str_radix(digits.trim(), 16).is_ok_and(|set| set >> CAP_IPC_LOCK & 1 == 1))
}

/// Keeps all of it out of swap, what is to come included. A page is locked once it is used, so that what is only set
/// aside costs nothing.
pub(crate) fn lock() -> Result<(), Fault> {
    let refused = |error| Fault::System(format!("the memory can't be locked: {error}"));
    let most = getrlimit(Resource::Memlock).maximum;
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    setrlimit(Resource::Memlock, limit).map_err(refused)?;
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT).map_err(refused)
}

#[cfg(test)]
mod tests;
