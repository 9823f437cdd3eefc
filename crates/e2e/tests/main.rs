//! End-to-end tests on real processes: a bitcoind, a server, the command line.

mod architecture;
mod backups;
mod coins;
mod copies;
mod device;
mod devices;
mod disk;
mod faults;
mod fees;
mod house;
mod interruptions;
mod kills;
mod line;
mod losses;
mod memory;
mod networks;
mod oracle;
mod races;
mod recovery;
mod secrets;
mod spine;
mod stopping;
mod texts;
mod unlocked;
mod watching;
mod wiretap;
