//! The memory of this process is its own: it holds the KEK, and shares and unlock keys for moments.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

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

#[cfg(test)]
mod tests;
