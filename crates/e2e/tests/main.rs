//! End-to-end tests on real processes: a bitcoind, a server, the command line.

mod architecture;
mod coins;
mod device;
mod fees;
mod house;
mod interruptions;
mod kills;
mod line;
mod networks;
mod oracle;
mod races;
mod secrets;
mod spine;
mod texts;
mod unlocked;
mod watching;
