//! End-to-end tests on real processes: a bitcoind, a server, the command line.

mod architecture;
mod spine;
