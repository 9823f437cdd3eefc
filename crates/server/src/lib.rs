//! The cosigner server: HTTP, TLS, limits, telemetry, wiring.
//!
//! A request is bounded and rated, its signature is checked (`gate`), and only then is its body read as something
//! (`rpc`, one file each). What it means and whether it may be is the cosigner's to say.

#![forbid(unsafe_code)]

mod acme;
mod admin;
mod background;
mod backup;
pub mod certificate;
mod clock;
pub mod command;
pub mod config;
mod copies;
mod database;
pub mod development;
mod doctor;
mod door;
mod drain;
mod failpoint;
pub mod fault;
mod gate;
mod health;
mod kek;
pub mod links;
mod listen;
pub mod log;
mod mark;
pub mod memory;
mod metric;
mod node;
mod office;
mod pace;
mod private_file;
mod production;
mod rate;
mod recovery_seal;
mod rotation;
mod rpc;
pub mod serve;
mod tls;
pub mod trace;
mod watchers;
