//! The anchor: what a server that was restored from a backup can't have forgotten.
//!
//! Each refresh and each change of a device list is appended there, and durable, before the commit that it describes. A
//! line too many therefore only says that a wallet may have gone on; a line too few can't be. After a restore a wallet
//! goes on by itself where the anchor's last word of it is what the backup has ([`restored`]).
//!
//! The anchor also names the server that runs: each start draws a token, and only who has the last one may start. Of two
//! servers from one backup the second finds another's token there.

mod line;
mod restored;

use std::collections::HashMap;

use async_lock::Mutex;
use rand_core::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};
use twofold_api::Refusal;
use twofold_threshold::{id::WalletId, identity::IdentitySecret};

pub(crate) use restored::timeline;
pub use restored::{RESTORED, Settled};

use crate::{
    Cosigner,
    identity::StartFault,
    keys::{RecordKey, Subkeys},
    port::{
        Clock,
        anchor::{Anchor, AnchorFault, Mark},
        chain::Chain,
        store::{Batch, Store, StoreFault, Write},
    },
    wallet::Owned,
};
use line::{Body, Line, Token};

/// Names in the store: the server's word on its anchor, and whose token a restored server may follow.
const INSTANCE: &str = "instance";
/// Named by the store, which writes it into a database that it restores.
pub const TAKES_OVER: &str = "takes-over";
/// How many lines there surely are, those of anchors that were lost before this one included, and how many those had.
const LINES: &str = "anchor-lines";
const LOST: &str = "anchor-lines-lost";
const BOUND: &[u8] = b"twofold/server-secret/instance/1";

/// What the database says of its anchor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Instance {
    anchor: [u8; 16],
    /// The token of this start; none until the first is surely in the anchor.
    token: Option<[u8; 16]>,
    /// One that may be in the anchor already.
    next: Option<[u8; 16]>,
}

impl Instance {
    async fn load<S: Store>(store: &S, key: &RecordKey) -> Result<Option<Self>, StartFault> {
        let Some(sealed) = store.server_secret(INSTANCE).await? else {
            return Ok(None);
        };
        let bytes = key.open(BOUND, &sealed).map_err(|_| StartFault::Sealed)?;
        postcard::from_bytes(&bytes).map(Some).map_err(|_| StartFault::Sealed)
    }

    fn write(&self, key: &RecordKey, rng: &mut (impl RngCore + CryptoRng)) -> Result<Write, StartFault> {
        let bytes = postcard::to_allocvec(self)
            .map_err(|_| StoreFault::Damaged("the word on the anchor does not encode".into()))?;
        Ok(Write::ServerSecret(INSTANCE, key.seal(BOUND, &bytes, rng)))
    }
}

/// The anchor of a server that runs.
#[derive(Debug)]
pub(crate) struct Anchored {
    anchor: Box<dyn Anchor>,
    name: Token,
    /// How many lines there are.
    lines: Mutex<u64>,
    /// How many the anchors before it had.
    lost: u64,
}

impl Anchored {
    /// Appends a line; its number.
    async fn append(&self, body: Body, server: &IdentitySecret) -> Result<u64, AnchorFault> {
        let mut lines = self.lines.lock().await;
        let number = lines.saturating_add(1);
        let line = Line::sign(self.name, number, body, server);
        self.anchor.append(line.to_string()).await?;
        *lines = number;
        Ok(number)
    }
}

/// The last token that an anchor's lines name, for a server that is restored beside it and may follow that one.
pub fn last_token(lines: &[String]) -> Result<Option<[u8; 16]>, AnchorFault> {
    Ok(read(lines)?.last.map(|token| token.0))
}

/// What lines say, their signatures not looked at.
struct Told {
    name: Option<Token>,
    last: Option<Token>,
    lines: Vec<Line>,
}

fn read(lines: &[String]) -> Result<Told, AnchorFault> {
    let mut told = Told {
        name: None,
        last: None,
        lines: Vec::new(),
    };
    for (text, number) in lines.iter().zip(1..) {
        let line: Line = text.parse()?;
        if line.number != number {
            return Err(AnchorFault::Damaged(format!("line {number} is missing")));
        }
        match line.body {
            Body::Begun(name) if number == 1 => told.name = Some(name),
            Body::Begun(_) => return Err(AnchorFault::Damaged(format!("line {number} begins another anchor"))),
            _ if number == 1 => return Err(AnchorFault::Damaged("its beginning is missing".into())),
            Body::Instance(token) => told.last = Some(token),
            Body::Mark(_) => {}
        }
        told.lines.push(line);
    }
    Ok(told)
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Takes an anchor, if it is this database's and no other server has it. An empty one is begun where the database has
    /// none yet; `anew` is the operator's word that the one it had is lost.
    pub async fn anchored(mut self, anchor: impl Anchor, anew: bool) -> Result<Self, StartFault> {
        let lines = anchor.lines()?;
        let told = read(&lines)?;
        let keys = self.keys.get();
        let key = &keys.now.secrets;
        let known = Instance::load(&self.store, key).await?;
        let begun = match (&known, told.name) {
            (Some(known), Some(name)) if known.anchor == name.0 => known.clone(),
            (_, Some(_)) => return Err(StartFault::AnchorForeign),
            // Its first line never got there.
            (Some(known), None) if known.token.is_none() => known.clone(),
            (Some(_), None) if !anew => return Err(StartFault::AnchorMissing),
            (_, None) => Instance {
                anchor: self.token().0,
                token: None,
                next: None,
            },
        };
        let name = Token(begun.anchor);
        let server = self.identity.public();
        for line in told.lines.iter().filter(|line| !matches!(line.body, Body::Mark(_))) {
            line.verify(name, &server)?;
        }
        let count = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let counted = self.store.counter(LINES).await?;
        // What the database counted before is no measure for an anchor that was begun since.
        let lost = if told.name.is_none() {
            counted
        } else {
            self.lost_lines().await?
        };
        if told.name.is_some() && count.saturating_add(lost) < counted {
            return Err(StartFault::AnchorCut);
        }
        self.follows(&begun, told.last).await?;

        let next = self.token();
        // What is there already stays this server's, should it get no further.
        let intent = Instance {
            token: told.last.map(|token| token.0),
            next: Some(next.0),
            ..begun
        };
        let mut writes = vec![intent.write(key, &mut self.rng())?];
        if told.name.is_none() {
            // What it was not there for, it can't vouch for.
            writes.extend(self.without_anchor().await?);
            writes.push(Write::ServerSecret(LOST, lost.to_be_bytes().to_vec()));
        }
        self.write(writes).await?;
        let anchored = Anchored {
            anchor: Box::new(anchor),
            name,
            lines: Mutex::new(count),
            lost,
        };
        if told.name.is_none() {
            anchored.append(Body::Begun(name), &self.identity).await?;
        }
        let count = anchored.append(Body::Instance(next), &self.identity).await?;
        let settled = Instance {
            anchor: name.0,
            token: Some(next.0),
            next: None,
        };
        let writes = vec![
            settled.write(key, &mut self.rng())?,
            Write::ServerSecret(TAKES_OVER, Vec::new()),
            Write::RaiseCounter(LINES, count.saturating_add(lost)),
        ];
        self.write(writes).await?;
        self.anchor = Some(anchored);
        Ok(self)
    }

    /// How many lines the anchors had that were lost.
    async fn lost_lines(&self) -> Result<u64, StartFault> {
        let stored = self.store.server_secret(LOST).await?;
        Ok(stored
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, u64::from_be_bytes))
    }

    /// Whether the server whose token is the last in the anchor is this one, or one that it was restored to follow.
    async fn follows(&self, known: &Instance, last: Option<Token>) -> Result<(), StartFault> {
        let last = last.map(|token| token.0);
        if last == known.token || (last.is_some() && last == known.next) {
            return Ok(());
        }
        let follows = self.store.server_secret(TAKES_OVER).await?;
        match (last, follows) {
            (Some(last), Some(follows)) if follows == last && self.is_restored().await? => Ok(()),
            _ => Err(StartFault::AnchorTaken),
        }
    }

    fn token(&self) -> Token {
        let mut token = [0; 16];
        self.rng().fill_bytes(&mut token);
        Token(token)
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), StartFault> {
        let expect = Vec::new();
        Ok(self.store.commit(Batch { expect, writes }).await?)
    }

    /// Commits a batch, the anchor first: what it says of epochs and device lists is durable there before.
    pub(crate) async fn commit(&self, mut batch: Batch) -> Result<(), StoreFault> {
        let mut marks = Vec::new();
        batch.writes.retain(|write| match write {
            Write::Mark(mark) => {
                marks.push(*mark);
                false
            }
            _ => true,
        });
        if let Some(anchored) = &self.anchor {
            for mark in marks {
                let appended = anchored.append(Body::Mark(mark), &self.identity).await;
                let lines = appended.map_err(|fault| StoreFault::Unavailable(fault.to_string()))?;
                let lines = lines.saturating_add(anchored.lost);
                batch.writes.push(Write::RaiseCounter(LINES, lines));
            }
        }
        self.store.commit(batch).await
    }

    /// Has the anchor hear that a wallet's fence is lifted where it stands; the line's number, where there is an anchor.
    pub(crate) async fn anchor_lift(&self, owned: &Owned) -> Result<Option<u64>, Refusal> {
        let Some(anchored) = &self.anchor else { return Ok(None) };
        let body = Body::Mark(Mark::of(owned.id(), owned.state()));
        let line = anchored.append(body, &self.identity).await;
        line.map(Some)
            .map_err(|fault| StoreFault::Unavailable(fault.to_string()).into())
    }

    /// How many lines the anchor has.
    async fn lines(&self) -> Option<u64> {
        match &self.anchor {
            Some(anchored) => Some(*anchored.lines.lock().await),
            None => None,
        }
    }

    /// The anchor's last word of each wallet, every line verified.
    fn marks(&self) -> Result<Option<HashMap<WalletId, Mark>>, AnchorFault> {
        let Some(anchored) = &self.anchor else {
            return Ok(None);
        };
        let server = self.identity.public();
        let mut marks = HashMap::new();
        for line in read(&anchored.anchor.lines()?)?.lines {
            line.verify(anchored.name, &server)?;
            if let Body::Mark(mark) = line.body {
                marks.insert(mark.wallet, mark);
            }
        }
        Ok(Some(marks))
    }
}

/// The server's word on its anchor, sealed under another KEK.
pub(crate) async fn rewrap<S: Store>(
    store: &S,
    old: &Subkeys,
    new: &Subkeys,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Option<Write>, StartFault> {
    match Instance::load(store, &old.secrets).await? {
        Some(instance) => instance.write(&new.secrets, rng).map(Some),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests;
