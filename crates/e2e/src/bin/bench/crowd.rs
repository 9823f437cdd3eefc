//! Many devices that each ask once, so that whatever the server keeps by device, by wallet and by request is as full as
//! it gets.

use std::{
    sync::{Arc, Barrier},
    thread,
};

use anyhow::{Result, anyhow, ensure};
use twofold_api::{Reason, request::GetWallet};
use twofold_threshold::id::WalletId;
use twofold_wire::client::decode_error;

use crate::{
    SEATS,
    connection::Connection,
    device::{Device, random},
    server::Site,
};

/// A device with a wallet, both only rows in the server's database.
pub(crate) struct Member {
    pub(crate) wallet: WalletId,
    pub(crate) device: Device,
}

/// All of them.
pub(crate) struct Crowd(Vec<Member>);

impl Crowd {
    pub(crate) fn new(site: &Arc<Site>, many: u32) -> Result<Self> {
        let member = |_| {
            Ok(Member {
                wallet: WalletId(random()),
                device: Device::new(site)?,
            })
        };
        (0..many).map(member).collect::<Result<_>>().map(Self)
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.0
    }

    /// Each asks for its wallet. The wallets are copies, and a copied state record does not authenticate: that answer
    /// comes after everything that is counted and kept.
    pub(crate) fn ask(&self, site: &Site) -> Result<()> {
        let begin = Barrier::new(SEATS);
        let share = self.0.len().div_ceil(SEATS);
        thread::scope(|scope| {
            let mut threads = Vec::new();
            for seat in 0..SEATS {
                let members = self.0.iter().skip(seat * share).take(share);
                let begin = &begin;
                threads.push(scope.spawn(move || {
                    let messages: Result<Vec<_>> = members.map(Member::question).collect();
                    let line = Connection::open(site);
                    begin.wait();
                    let (messages, mut line) = (messages?, line?);
                    for message in messages {
                        let answer = line.exchange(&message)?;
                        let refusal = decode_error(answer.status, &answer.body)?;
                        ensure!(
                            refusal.reason == Reason::StateTampered,
                            "an unexpected answer: {refusal}"
                        );
                    }
                    Ok(())
                }));
            }
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().map_err(|_| anyhow!("a crowd's thread failed"))?)
        })
    }
}

impl Member {
    fn question(&self) -> Result<Vec<u8>> {
        let request = GetWallet {
            wallet: self.wallet,
            checkpoint: None,
        };
        Ok(self.device.message(&request, random())?.bytes)
    }
}
