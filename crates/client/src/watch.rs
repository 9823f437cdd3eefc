//! Waiting until the server says that something of a wallet changed.
//!
//! What it says is a hint: a sync follows, and proves what there is. A server that cries wolf costs a sync a second; one that
//! says nothing is asked anew when its stream ends, and a stream that falls silent is given up.

use core::time::Duration;

use bitcoin::hashes::Hash as _;
use twofold_api::procedure::Request as _;
use twofold_api::reply::Pulse;
use twofold_api::request::Watch;
use twofold_wire::client::{decode, encode};
use twofold_wire::stream::{CONTENT_TYPE, Frame, Frames, envelope};

use crate::client::Client;
use crate::deadline;
use crate::fault::{Breach, Fault};
use crate::port::{Clock, Platform, Streamed, Streams};
use crate::session::{refusal, request_nonce, within};
use crate::wallet::Wallet;

/// Longest silence that is borne: three times what a server keeps to.
const SILENCE: Duration = Duration::from_secs(60);

/// Where this machine's books of a wallet stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known(Pulse);

impl Known {
    /// How many entries of the server's log are known.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.0.seq
    }

    /// Whether the server says that there is something which the books do not have.
    #[must_use]
    pub fn is_behind(&self, pulse: &Pulse) -> bool {
        self.0 != *pulse
    }
}

/// A stream of hints. It needs no keystore: other commands may run meanwhile.
#[derive(Debug)]
pub struct Watching<B> {
    body: B,
    frames: Frames,
    first: Option<Pulse>,
}

impl<P: Platform> Client<P> {
    /// Where the books of a wallet stand; sync first.
    pub fn known(&self, wallet: &Wallet) -> Result<Known, Fault> {
        let seq = match &wallet.checkpoint {
            Some(checkpoint) => {
                checkpoint
                    .verify(&self.session.server)
                    .map_err(|_| Breach::Checkpoint)?
                    .seq
            }
            None => 0,
        };
        let tip = wallet.ledger().tip();
        Ok(Known(Pulse {
            cursor: wallet.ledger().cursor(),
            timeline: wallet.ledger().timeline(),
            tip: tip.map(|(height, hash)| (height, hash.to_byte_array())),
            seq,
        }))
    }

    /// Opens a stream of hints about a wallet.
    pub async fn watch(&mut self, wallet: &Wallet) -> Result<Watching<<P::Transport as Streams>::Body>, Fault>
    where
        P::Transport: Streams,
    {
        let request = Watch {
            wallet: wallet.id(),
            checkpoint: wallet.checkpoint,
        };
        let mut again = true;
        loop {
            let (path, message) = encode(&request);
            let nonce = request_nonce(&mut self.random);
            let prepared = self.session.sign(
                path,
                CONTENT_TYPE,
                envelope(&message),
                request.wallet(),
                nonce,
                self.clock.now(),
                deadline::READ,
            )?;
            let limit = deadline::READ + deadline::GRACE;
            let (reply, body) = within(limit, &self.clock, self.transport.open(prepared.call())).await?;
            if reply.status != 200 {
                let fault = self.session.heed(&prepared, refusal(&reply)?, self.clock.now())?;
                if !core::mem::take(&mut again) {
                    return Err(fault);
                }
                self.settle_clock().await?;
                continue;
            }
            if reply.header("content-type") != Some(CONTENT_TYPE) {
                return Err(Breach::Foreign { status: reply.status }.into());
            }
            let mut watching = Watching {
                body,
                frames: Frames::default(),
                first: None,
            };
            // The first word is where a refusal would be.
            match watching.frame(&self.clock).await? {
                Some(Frame::End(Err(refused))) => {
                    let fault = self.session.heed(&prepared, refused, self.clock.now())?;
                    if !core::mem::take(&mut again) {
                        return Err(fault);
                    }
                    self.settle_clock().await?;
                }
                Some(Frame::Message(bytes)) => {
                    watching.first = Some(decode::<Watch>(&bytes).map_err(Breach::from)?);
                    return Ok(watching);
                }
                _ => return Err(Breach::Foreign { status: 200 }.into()),
            }
        }
    }
}

impl<B: Streamed> Watching<B> {
    /// The next hint; none where the server ended the stream in good order.
    pub async fn next(&mut self, clock: &impl Clock) -> Result<Option<Pulse>, Fault> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        match self.frame(clock).await? {
            Some(Frame::Message(bytes)) => Ok(Some(decode::<Watch>(&bytes).map_err(Breach::from)?)),
            Some(Frame::End(Err(refusal))) => Err(refusal.into()),
            Some(Frame::End(Ok(()))) | None => Ok(None),
        }
    }

    async fn frame(&mut self, clock: &impl Clock) -> Result<Option<Frame>, Fault> {
        loop {
            if let Some(frame) = self.frames.pop().map_err(Breach::from)? {
                return Ok(Some(frame));
            }
            match within(SILENCE, clock, self.body.more()).await? {
                Some(bytes) => self.frames.push(&bytes).map_err(Breach::from)?,
                None => return Ok(None),
            }
        }
    }
}
