//! One connection, from its first line to its last.

use std::sync::Arc;

use futures::{StreamExt as _, stream::FuturesUnordered};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, split},
    net::TcpStream,
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_rustls::TlsConnector;

use super::{
    Core, Pace, ScriptHash,
    book::Book,
    line,
    message::{self, Message, Subscription},
};
use crate::{electrum::Address, fault::Fault};

/// Scripts asked for at once after a connection was made.
const RESTORED_AT_ONCE: usize = 100;
/// Answers about a script or the best block.
const SMALL: usize = 64 << 10;
/// A server that sends this much between two heartbeats is alive, although its answer to the heartbeat waits behind a
/// long one.
const BUSY: u64 = 128 << 10;
/// Notices between two heartbeats that every link may get, and those for each script watched.
const NOTICES: u64 = 10_000;
const NOTICES_A_SCRIPT: u64 = 4;

/// Why a connection ended, in words.
pub(super) type Reason = String;

/// A stream to the server, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn connect(address: &Address, tls: Option<&Arc<rustls::ClientConfig>>) -> Result<Box<dyn Stream>, Reason> {
    let why = |error: std::io::Error| format!("can't connect: {error}");
    let stream = TcpStream::connect((address.host.as_str(), address.port))
        .await
        .map_err(why)?;
    stream.set_nodelay(true).map_err(why)?;
    let Some(config) = tls else {
        return Ok(Box::new(stream));
    };
    let name = address
        .host
        .clone()
        .try_into()
        .map_err(|_| format!("{:?} is no name for a certificate", address.host))?;
    let stream = TlsConnector::from(Arc::clone(config))
        .connect(name, stream)
        .await
        .map_err(|error| format!("TLS: {error}"))?;
    Ok(Box::new(stream))
}

/// Connects and keeps to it until it ends; `up` is called once the server has shown that it speaks the protocol.
pub(super) async fn run(core: &Core, up: impl Fn()) -> Reason {
    let (book, pace) = (&core.book, &core.config.pace);
    let stream = match timeout(pace.connect, connect(&core.config.address, core.tls.as_ref())).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(reason)) => return reason,
        Err(_) => return format!("no connection within {:?}", pace.connect),
    };
    let (reader, writer) = split(stream);
    let lines = book.begin();
    let living = async {
        if let Err(reason) = greet(book, pace).await {
            return reason;
        }
        up();
        tokio::select! {
            reason = beat(book, pace) => reason,
            reason = restore(book, pace) => reason,
        }
    };
    let reason = tokio::select! {
        reason = read(book, BufReader::new(reader)) => reason,
        reason = write(pace, writer, lines) => reason,
        reason = living => reason,
    };
    book.end();
    reason
}

/// Takes lines until one does not belong here.
async fn read(book: &Book, mut reader: BufReader<impl AsyncRead + Unpin>) -> Reason {
    loop {
        let line = match line::next(&mut reader, || book.bound(), |bytes| book.seen(bytes)).await {
            Ok(line) => line,
            Err(end) => return end.to_string(),
        };
        let taken = match message::read(&line) {
            Some(Message::Answer(id)) => book.answered(id, line, Instant::now()),
            Some(Message::Script(script, status)) => book.script_is(script, status),
            Some(Message::Tip(tip)) => {
                book.tip_is(tip);
                Ok(())
            }
            None => return "it sent a line that is no message of the protocol".to_owned(),
        };
        if taken.is_err() {
            return "it answers what nobody asked".to_owned();
        }
    }
}

/// Sends lines, each flushed, since an answer is waited for.
async fn write(
    pace: &Pace,
    mut writer: impl AsyncWrite + Unpin,
    mut lines: mpsc::UnboundedReceiver<Vec<u8>>,
) -> Reason {
    while let Some(line) = lines.recv().await {
        let sent = async {
            writer.write_all(&line).await?;
            writer.flush().await
        };
        match timeout(pace.heartbeat, sent).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return format!("can't send: {error}"),
            Err(_) => return format!("it took nothing for {:?}", pace.heartbeat),
        }
    }
    "nobody is left to send anything".to_owned()
}

/// A call on this connection and no other: the line that answers it.
async fn exchange(
    book: &Book,
    method: &'static str,
    params: Value,
    begins: Option<Subscription>,
) -> Result<Vec<u8>, Fault> {
    let gone = || Fault::Passing("the connection is gone".to_owned());
    let mut asked = book
        .ask(|id| message::call(id, method, &params), SMALL, begins)
        .ok_or_else(gone)?;
    (&mut asked.reply).await.map_err(|_| gone())
}

/// A call of which only matters that it is answered.
async fn call(book: &Book, method: &'static str, params: Value) -> Result<(), Fault> {
    let line = exchange(book, method, params, None).await?;
    message::answer::<Value>(method, &line).map(drop)
}

/// Asks to be told of something from now on. The book has noted what the answer says.
async fn subscribe(book: &Book, to: Subscription) -> Result<(), Fault> {
    let line = exchange(book, to.method(), to.params(), Some(to)).await?;
    message::begun(to, &line).map(drop)
}

/// Says hello, and asks to hear of new blocks.
async fn greet(book: &Book, pace: &Pace) -> Result<(), Reason> {
    let greeting = async {
        let name = concat!("twofold/", env!("CARGO_PKG_VERSION"));
        call(book, "server.version", json!([name, "1.4"])).await?;
        subscribe(book, Subscription::Tip).await
    };
    match timeout(pace.connect, greeting).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(fault)) => Err(format!("it does not speak the Electrum protocol: {fault}")),
        Err(_) => Err(format!("it said nothing for {:?}", pace.connect)),
    }
}

/// Asks whether it is still there. A connection that is open to nobody looks like one to a quiet server.
async fn beat(book: &Book, pace: &Pace) -> Reason {
    loop {
        let before = book.traffic();
        sleep(pace.heartbeat).await;
        let (bytes, _) = book.traffic();
        match timeout(pace.heartbeat, call(book, "server.ping", json!([]))).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => return format!("it does not answer a ping: {fault}"),
            Err(_) if book.traffic().0.saturating_sub(bytes) >= BUSY => {}
            Err(_) => return format!("it has not answered for {:?}", pace.heartbeat),
        }
        let (scripts, ..) = book.counts();
        let most = NOTICES + NOTICES_A_SCRIPT * scripts as u64;
        if book.traffic().1.saturating_sub(before.1) > most {
            return format!("it sent more than {most} notices between two pings");
        }
    }
}

/// Has everything watched that is to be watched, now and whenever there is more.
async fn restore(book: &Book, pace: &Pace) -> Reason {
    let mut asked = FuturesUnordered::new();
    loop {
        while asked.len() < RESTORED_AT_ONCE
            && let Some(script) = book.next_missing()
        {
            asked.push(watch(book, pace, script));
        }
        if asked.is_empty() {
            book.more.notified().await;
        } else if let Some(Err(reason)) = asked.next().await {
            return reason;
        }
    }
}

async fn watch(book: &Book, pace: &Pace, script: ScriptHash) -> Result<(), Reason> {
    match timeout(pace.restore, subscribe(book, Subscription::Script(script))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(fault)) => Err(format!("it does not watch a script: {fault}")),
        Err(_) => Err(format!("it did not watch a script within {:?}", pace.restore)),
    }
}
