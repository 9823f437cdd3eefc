//! What tests need beside the code they test: a real Bitcoin node of their own ([`Regtest`], [`Signet`]) and an Electrum server
//! on it ([`Electrs`]), a real database ([`Postgres`]), a wire that misbehaves on command ([`ToxicProxy`]), an Electrum server
//! that lies ([`FalseElectrum`]), a collector of traces ([`Collector`]); a PKCS#11 token in software ([`SoftToken`]), an authority
//! that gives certificates out ([`Pebble`]); and for sign-in a web site that answers as it is told ([`Site`]), keys that sign
//! tokens ([`SigningKey`]) and a real provider ([`OidcProvider`]). Never part of production.

mod collector;
mod daemon;
mod descriptor_wallet;
mod electrs;
mod false_electrum;
mod node_process;
mod oidc_provider;
mod open_folder;
mod pebble;
mod postgres;
mod regtest;
mod signet;
mod signing_key;
mod site;
mod soft_token;
mod toxic_proxy;

pub use bitcoincore_rpc;
pub use collector::{Collector, SpanSeen};
pub use descriptor_wallet::DescriptorWallet;
pub use electrs::Electrs;
pub use false_electrum::{Asked, FalseElectrum, Say};
pub use node_process::{node_binary, promtool};
pub use oidc_provider::OidcProvider;
pub use open_folder::open_folder;
pub use pebble::Pebble;
pub use postgres::Postgres;
pub use regtest::{Options, Regtest, Reorg};
pub use signet::Signet;
pub use signing_key::{SigningKey, token};
pub use site::{Answer, Authority, Site, Visit};
pub use soft_token::SoftToken;
pub use toxic_proxy::{Chaos, Toxic, ToxicProxy, Traffic};
