//! Places where a test may stop the world; without the feature `failpoints` nothing at all.

/// A place by name, such as `backup::copied`.
macro_rules! failpoint {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        fail::fail_point!($name);
    };
}

pub(crate) use failpoint;

/// Takes the failpoints that the environment names (`FAILPOINTS`).
#[cfg(feature = "failpoints")]
pub(crate) fn scenario() -> fail::FailScenario<'static> {
    tracing::warn!("this binary was built with failpoints, for tests: never use it for money");
    let scenario = fail::FailScenario::setup();
    if let Ok(place) = std::env::var("TWOFOLD_KILL_AT") {
        kill_at(&place);
    }
    if let Ok(place) = std::env::var("TWOFOLD_FAIL_AT") {
        fail_at(&place);
    }
    scenario
}

/// Makes the failpoint `PLACE` of `FIRST>PLACE` fail, once, after `FIRST` has been passed for the first time.
#[cfg(feature = "failpoints")]
fn fail_at(places: &str) {
    let set = places.split_once('>').map(|(first, place)| {
        let (place, armed) = (place.to_owned(), std::sync::Once::new());
        fail::cfg_callback(first, move || {
            armed.call_once(|| {
                if let Err(error) = fail::cfg(place.as_str(), "1*return") {
                    tracing::error!(error, place, "no failpoint can be set there");
                }
            });
        })
    });
    if !matches!(set, Some(Ok(()))) {
        tracing::error!(places, "TWOFOLD_FAIL_AT wants FIRST>PLACE");
    }
}

/// Kills this process, as kill -9 does, at the failpoint `PLACE`; with `FIRST>PLACE`, once it has passed `FIRST`.
#[cfg(feature = "failpoints")]
fn kill_at(place: &str) {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };
    let (first, place) = place
        .split_once('>')
        .map_or((None, place), |(first, place)| (Some(first), place));
    let armed = Arc::new(AtomicBool::new(first.is_none()));
    let arming = Arc::clone(&armed);
    let set = first.map_or(Ok(()), |first| {
        fail::cfg_callback(first, move || arming.store(true, Ordering::SeqCst))
    });
    let set = set.and_then(|()| {
        fail::cfg_callback(place, move || {
            if armed.load(Ordering::SeqCst) {
                // The signal may take a moment, and nothing may happen past this place meanwhile.
                if rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).is_ok() {
                    loop {
                        std::thread::park();
                    }
                }
            }
        })
    });
    if let Err(error) = set {
        tracing::error!(error, place, "no failpoint can be set there");
    }
}
