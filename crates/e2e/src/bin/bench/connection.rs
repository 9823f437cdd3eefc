//! One kept connection: HTTP/1.1 over TLS 1.3, as thin as it can be, so that the server is what is measured.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use rustls::{ClientConnection, StreamOwned, pki_types::ServerName};

use crate::server::Site;

/// A server that does not answer within this time fails the run.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that is used for one request after the other.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    buffer: Vec<u8>,
}

/// A reply.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(site: &Site) -> Result<Self> {
        let tcp = TcpStream::connect((site.url.host(), site.url.port()))?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        let name = ServerName::try_from(site.url.host().to_owned())?;
        let tls = ClientConnection::new(Arc::clone(&site.tls), name)?;
        Ok(Self {
            stream: StreamOwned::new(tls, tcp),
            buffer: Vec::with_capacity(8192),
        })
    }

    /// Shakes hands, and says nothing more.
    pub(crate) fn greet(&mut self) -> Result<()> {
        while self.stream.conn.is_handshaking() {
            self.stream.conn.complete_io(&mut self.stream.sock)?;
        }
        Ok(())
    }

    /// Sends a whole HTTP message and reads the whole reply.
    pub(crate) fn exchange(&mut self, message: &[u8]) -> Result<Answer> {
        self.stream.write_all(message)?;
        self.stream.flush()?;
        self.buffer.clear();
        let head = self.until(b"\r\n\r\n", 0)?;
        let (status, length) = read_head(&self.buffer[..head])?;
        let (body, end) = match length {
            Some(length) => {
                self.fill(head + length)?;
                (self.buffer[head..head + length].to_vec(), head + length)
            }
            None => self.chunks(head)?,
        };
        ensure!(self.buffer.len() == end, "more came than was asked for");
        Ok(Answer { status, body })
    }

    /// Reads a chunked body (RFC 9112, section 7.1) from `at` on; also where it ends.
    fn chunks(&mut self, mut at: usize) -> Result<(Vec<u8>, usize)> {
        let mut body = Vec::new();
        loop {
            let start = self.until(b"\r\n", at)?;
            let size = std::str::from_utf8(&self.buffer[at..start - 2])?;
            let size = usize::from_str_radix(size, 16)?;
            at = start + size + 2;
            self.fill(at)?;
            body.extend_from_slice(&self.buffer[start..start + size]);
            if size == 0 {
                return Ok((body, at));
            }
        }
    }

    /// Reads until `mark` is there, from `at` on; where it ends.
    fn until(&mut self, mark: &[u8], at: usize) -> Result<usize> {
        loop {
            let found = self.buffer.get(at..).unwrap_or_default();
            if let Some(start) = found.windows(mark.len()).position(|window| window == mark) {
                return Ok(at + start + mark.len());
            }
            self.more()?;
        }
    }

    /// Reads until so many bytes are there.
    fn fill(&mut self, length: usize) -> Result<()> {
        while self.buffer.len() < length {
            self.more()?;
        }
        Ok(())
    }

    fn more(&mut self) -> Result<()> {
        let mut chunk = [0; 4096];
        let count = self.stream.read(&mut chunk)?;
        ensure!(count > 0, "the server closed the connection");
        self.buffer.extend_from_slice(&chunk[..count]);
        Ok(())
    }
}

/// Status and, where it is said, the length of the body; where it is not, the body comes in chunks.
fn read_head(head: &[u8]) -> Result<(u16, Option<usize>)> {
    let mut lines = std::str::from_utf8(head)?.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .context("a status")?
        .parse()?;
    let fields = lines.filter_map(|line| line.split_once(':'));
    for (name, value) in fields {
        if name.eq_ignore_ascii_case("content-length") {
            return Ok((status, Some(value.trim().parse()?)));
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Ok((status, None));
        }
    }
    bail!("a reply without its length")
}
