//! A collector that takes traces by OTLP over HTTP, and shows what came.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
};
use prost::Message as _;

/// Most bytes of one request.
const MOST: usize = 16 << 20;

/// A collector on a port of its own. It takes what comes until the process ends.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    spans: Receiver<SpanSeen>,
}

/// A span that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanSeen {
    /// Whose it is, by its resource's `service.name`.
    pub service: String,
    /// What it is called.
    pub name: String,
    /// The trace that it belongs to.
    pub trace: Vec<u8>,
    /// The span above it; empty for the first of a trace.
    pub parent: Vec<u8>,
    /// Its own number.
    pub span: Vec<u8>,
    /// What it says, a text each.
    pub attributes: Vec<(String, String)>,
    /// How many events came with it.
    pub events: usize,
    /// How long it took, in nanoseconds.
    pub took: u64,
}

impl Collector {
    /// Starts one.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (tell, spans) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tell = tell.clone();
                // A connection that breaks off, or speaks something else, ends; the test finds out by what is missing.
                thread::spawn(move || serve(&stream, &tell));
            }
        });
        Ok(Self { address, spans })
    }

    /// Where it takes traces.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/v1/traces", self.address)
    }

    /// The next span, if one comes in time.
    #[must_use]
    pub fn next(&self, patience: Duration) -> Option<SpanSeen> {
        self.spans.recv_timeout(patience).ok()
    }
}

fn serve(stream: &TcpStream, tell: &Sender<SpanSeen>) -> Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        ensure!(first.starts_with("POST /v1/traces HTTP/1.1"), "{first}");
        let (mut length, mut protobuf) = (0, false);
        loop {
            let mut line = String::new();
            ensure!(reader.read_line(&mut line)? > 0, "it ends within its headers");
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(digits) = line.strip_prefix("content-length:") {
                length = digits.trim().parse()?;
            }
            protobuf |= line == "content-type: application/x-protobuf";
        }
        ensure!(protobuf && length <= MOST, "{length} bytes");
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let request = ExportTraceServiceRequest::decode(body.as_slice()).context("a request of OTLP")?;
        for span in seen(request) {
            tell.send(span)?;
        }
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")?;
    }
}

fn seen(request: ExportTraceServiceRequest) -> impl Iterator<Item = SpanSeen> {
    request.resource_spans.into_iter().flat_map(|of_resource| {
        let attributes = of_resource.resource.map(|resource| resource.attributes);
        let service = texts(attributes.unwrap_or_default())
            .into_iter()
            .find(|(name, _)| name == "service.name");
        let service = service.map(|(_, name)| name).unwrap_or_default();
        let spans = of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
        spans.map(move |span| SpanSeen {
            service: service.clone(),
            name: span.name,
            trace: span.trace_id,
            parent: span.parent_span_id,
            span: span.span_id,
            attributes: texts(span.attributes),
            events: span.events.len(),
            took: span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano),
        })
    })
}

fn texts(attributes: Vec<KeyValue>) -> Vec<(String, String)> {
    let text = |value: Option<Value>| match value {
        Some(Value::StringValue(text)) => text,
        other => format!("{other:?}"),
    };
    attributes
        .into_iter()
        .map(|attribute| (attribute.key, text(attribute.value.and_then(|value| value.value))))
        .collect()
}
