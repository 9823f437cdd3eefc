//! One request and its reply.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;

use rand_core::{CryptoRng, RngCore};
use twofold_api::Refusal;
use twofold_api::limits::{LIFETIME_SECONDS, NONCE_BYTES, REPLY_BYTES};
use twofold_api::procedure::takes_token;
use twofold_api::reason::Reason;
use twofold_api::seal_key::SealTo;
use twofold_api::signature::{Draft, Unsigned, Window};
use twofold_threshold::id::{RequestDigest, WalletId};
use twofold_wire::client::{CONTENT_TYPE, decode, decode_error, encode};

use super::{Reply, Rpc, Session, internal};
use crate::deadline;
use crate::fault::{Breach, Fault};
use crate::port::{Clock, HttpCall, HttpReply, Platform, Transport, TransportFault};

/// A signed request, ready to be sent any number of times.
#[derive(Debug)]
pub(crate) struct Prepared {
    call: HttpCall,
    digest: RequestDigest,
    expires: u64,
}

impl Prepared {
    /// The request as it goes out.
    pub(crate) const fn call(&self) -> &HttpCall {
        &self.call
    }

    /// What names the request.
    pub(crate) const fn digest(&self) -> RequestDigest {
        self.digest
    }
}

/// What came back, not yet understood.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// The reply.
    Reply(T),
    /// The server wants the request signed anew: our clock was off, or the seal key old. Both are set right now.
    Anew(Fault),
}

/// 16 random bytes for one request.
pub(crate) fn request_nonce(random: &mut (impl RngCore + CryptoRng)) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    random.fill_bytes(&mut nonce);
    nonce
}

impl Session {
    /// Signs a body for a procedure.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a different thing that the signature covers"
    )]
    pub(crate) fn sign(
        &self,
        path: &str,
        content_type: &'static str,
        body: Vec<u8>,
        wallet: Option<WalletId>,
        nonce: [u8; NONCE_BYTES],
        now: u64,
        deadline: Duration,
    ) -> Result<Prepared, Fault> {
        let created = self.server_time(now);
        let target = self.url.target(path);
        let window = Window {
            created,
            expires: created.saturating_add(LIFETIME_SECONDS),
        };
        let draft = Draft {
            method: "POST",
            target_uri: &target,
            content_type,
            body: &body,
            wallet,
            protocol: &self.protocol,
            key: &self.public,
            window,
            nonce,
        };
        let unsigned = match &self.authorization {
            Some(authorization) if path.rsplit('/').next().is_some_and(takes_token) => {
                Unsigned::authorized(&draft, authorization)
            }
            _ => Unsigned::new(&draft),
        };
        let unsigned = unsigned.map_err(|_| internal())?;
        let digest = unsigned.digest();
        let signature = self.device.sign_raw(unsigned.base());
        let headers = unsigned
            .attach(&signature.0)
            .into_iter()
            .map(|(name, value)| (name.into(), value));
        let call = HttpCall {
            method: "POST",
            path: format!("{}{path}", self.url.base_path()),
            headers: headers.collect(),
            body,
            deadline,
            reply_bytes: REPLY_BYTES,
        };
        Ok(Prepared {
            call,
            digest,
            expires: now.saturating_add(LIFETIME_SECONDS),
        })
    }

    /// Signs a request of a known kind.
    pub(crate) fn prepare<R: Rpc>(&self, request: &R, nonce: [u8; NONCE_BYTES], now: u64) -> Result<Prepared, Fault> {
        let (path, body) = encode(request);
        self.sign(path, CONTENT_TYPE, body, request.wallet(), nonce, now, R::DEADLINE)
    }

    /// Sends a request until a reply comes, the same bytes each time, at most a few times and only while it is valid.
    pub(crate) async fn deliver<P: Platform>(
        transport: &P::Transport,
        clock: &P::Clock,
        prepared: &Prepared,
    ) -> Result<HttpReply, Fault> {
        let mut pause = deadline::PAUSE;
        let mut attempt = 1;
        loop {
            let limit = prepared.call.deadline + deadline::GRACE;
            let sent = within(limit, clock, transport.send(&prepared.call)).await;
            let fault = match sent {
                Ok(reply) => return Ok(reply),
                Err(fault) => fault,
            };
            let next = clock.now().saturating_add(pause.as_secs() + 1);
            if !fault.is_passing() || attempt >= deadline::ATTEMPTS || next >= prepared.expires {
                return Err(fault.into());
            }
            clock.sleep(pause).await;
            attempt += 1;
            pause *= 2;
        }
    }

    /// Understands a reply. Where the server says how to set things right, they are set right and the caller may sign
    /// anew.
    pub(crate) fn understand<R: Rpc>(
        &mut self,
        prepared: &Prepared,
        reply: &HttpReply,
        now: u64,
    ) -> Result<Answer<Reply<R>>, Fault> {
        if reply.status == 200 {
            if reply.header("content-type") != Some(CONTENT_TYPE) {
                return Err(Breach::Foreign { status: reply.status }.into());
            }
            return Ok(Answer::Reply(decode::<R>(&reply.body).map_err(Breach::from)?));
        }
        self.heed(prepared, refusal(reply)?, now).map(Answer::Anew)
    }

    /// Takes from a refusal what sets things right; the refusals that nothing is learnt from come back as errors.
    pub(crate) fn heed(&mut self, prepared: &Prepared, refusal: Refusal, now: u64) -> Result<Fault, Fault> {
        match (refusal.reason, &refusal.server_time, &refusal.seal_key) {
            (Reason::ClockSkew, Some(time), _) => {
                let time = time
                    .verify(&self.server, prepared.digest)
                    .map_err(|_| Breach::FalseTime)?;
                self.offset = i64::try_from(i128::from(time) - i128::from(now)).map_err(|_| Breach::FalseTime)?;
                Ok(refusal.into())
            }
            (Reason::StaleSealKey, _, offer) => {
                // Where no new key comes along, the next request asks for it.
                self.seal_to = None;
                if let Some(offer) = offer {
                    self.take_offer(offer)?;
                }
                Ok(refusal.into())
            }
            _ => Err(refusal.into()),
        }
    }

    /// The key to seal unlock keys to, if it is known and still good.
    pub(crate) fn seal_key(&self, now: u64) -> Option<SealTo> {
        self.seal_to
            .filter(|key| key.not_after() > self.server_time(now).saturating_add(LIFETIME_SECONDS))
    }

    /// Notes a seal key that the server has offered.
    pub(crate) fn note_seal_key(&mut self, key: SealTo) {
        self.seal_to = Some(key);
    }
}

/// The refusal in a reply that is no success.
pub(crate) fn refusal(reply: &HttpReply) -> Result<Refusal, Breach> {
    decode_error(reply.status, &reply.body).map_err(|foreign| Breach::Foreign { status: foreign.status })
}

/// Awaits a transport, but no longer than `limit`: a transport that does not keep its deadline can't hold us.
pub(crate) async fn within<T>(
    limit: Duration,
    clock: &impl Clock,
    work: impl Future<Output = Result<T, TransportFault>>,
) -> Result<T, TransportFault> {
    let mut work = pin!(work);
    let mut alarm = pin!(clock.sleep(limit));
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(done);
        }
        let late = alarm.as_mut().poll(context);
        late.map(|()| Err(TransportFault::TimedOut { after: limit }))
    })
    .await
}
