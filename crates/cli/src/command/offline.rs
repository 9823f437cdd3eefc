//! Reading without the server: what this machine's books say, and as of when.

use anyhow::Result;
use serde::Serialize;
use twofold_client::{Client, Fault, port::Clock as _, wallet::Wallet};

use super::Context;
use crate::platform::{Native, SystemClock};

/// As of which block the books are.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct AsOf {
    height: u32,
    /// The block's own time, in seconds since 1970.
    time: u32,
}

/// How new what was read is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read {
    /// The server still reads old blocks, and is at this height.
    pub(super) scanning: Option<u32>,
    /// The server did not answer: the books are as of this block.
    pub(super) as_of: Option<AsOf>,
}

impl Context<'_> {
    /// The wallet as the chain says now, or as this machine's books have it where the server does not answer.
    pub(super) async fn read(&self) -> Result<(Client<Native>, Wallet, Read)> {
        Box::pin(self.read_or_remember()).await
    }

    async fn read_or_remember(&self) -> Result<(Client<Native>, Wallet, Read)> {
        let (mut client, mut wallet) = self.wallet().await?;
        let fault = match self.sync(&mut client, &mut wallet).await {
            Ok(report) => {
                let scanning = report.scanning;
                return Ok((client, wallet, Read { scanning, as_of: None }));
            }
            Err(fault) => fault,
        };
        // As they are kept: not with half of what came before the line broke.
        let wallet = client.open_wallet(self.common.wallet.as_deref()).await?;
        let ledger = wallet.ledger();
        let (true, Some(height), Some(time)) = (is_silence(&fault), ledger.tip_height(), ledger.tip_time()) else {
            return Err(fault.into());
        };
        let as_of = AsOf { height, time };
        self.output.warn(&format!("note: {fault}\n{}", as_of.told()));
        let as_of = Some(as_of);
        Ok((client, wallet, Read { scanning: None, as_of }))
    }
}

/// Whether nobody answered.
pub(super) fn is_silence(fault: &Fault) -> bool {
    matches!(fault, Fault::Transport(fault) if fault.is_silence())
}

impl AsOf {
    fn told(self) -> String {
        let ago = SystemClock.now().saturating_sub(u64::from(self.time));
        format!(
            "as of block {}, {} ago (the server does not answer): what this machine's books say",
            self.height,
            span(ago)
        )
    }
}

/// A span in the largest unit that it fills, rounded up.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => "a minute or two".into(),
        120..=7_199 => format!("{} minutes", seconds.div_ceil(60)),
        7_200..=172_799 => format!("{} hours", seconds.div_ceil(3_600)),
        _ => format!("{} days", seconds.div_ceil(86_400)),
    }
}
