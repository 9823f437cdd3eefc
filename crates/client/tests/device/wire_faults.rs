//! A line that fails, and a clock that is wrong.
