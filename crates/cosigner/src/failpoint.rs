//! Places where a test may stop the world. Without the feature `failpoints` they are nothing at all.

/// A place by name, such as `sign::before_commit`.
#[cfg(feature = "failpoints")]
macro_rules! failpoint {
    ($name:literal) => {
        fail::fail_point!($name)
    };
    ($name:literal, $with:expr) => {
        fail::fail_point!($name, |_| $with)
    };
}

#[cfg(not(feature = "failpoints"))]
macro_rules! failpoint {
    ($name:literal $(, $with:expr)?) => {};
}

pub(crate) use failpoint;
