//! Places where a test may stop, kill or fail the writer; nothing at all without the feature `failpoints`.

/// Marks a place. With an expression, a test may make the surrounding function return it.
macro_rules! failpoint {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        ::fail::fail_point!($name);
    };
    ($name:literal, $returned:expr) => {
        #[cfg(feature = "failpoints")]
        ::fail::fail_point!($name, |_| $returned);
    };
}

pub(crate) use failpoint;
