//! A device against a server in the same process: the cosigner itself over a store and a chain in memory, behind the
//! framework that serves it in production, reached by bytes alone.

mod away;
mod coins;
mod corpus;
mod crashes;
mod devices;
mod forward;
mod hostile;
mod kills;
mod lifecycle;
mod line;
mod lists;
mod model;
mod recovery;
mod refresh;
mod server;
mod wire_faults;
mod words;
mod world;
