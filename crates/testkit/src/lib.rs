//! What tests need beside the code they test: a real Bitcoin node of their own ([`Regtest`], [`Signet`]) and an Electrum server on it ([`Electrs`]), a wire that misbehaves
//! on command ([`ToxicProxy`]), an Electrum server that lies ([`FalseElectrum`]). Never part of production.

mod descriptor_wallet;
mod electrs;
mod false_electrum;
mod node_process;
mod regtest;
mod signet;
mod toxic_proxy;

pub use bitcoincore_rpc;
pub use descriptor_wallet::DescriptorWallet;
pub use electrs::Electrs;
pub use false_electrum::{Asked, FalseElectrum, Say};
pub use node_process::node_binary;
pub use regtest::{Options, Regtest, Reorg};
pub use signet::Signet;
pub use toxic_proxy::{Chaos, Toxic, ToxicProxy, Traffic};
