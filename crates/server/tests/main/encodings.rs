//! Connect as JSON and as protobuf, gRPC and gRPC-Web, each signed over the body as it is sent: the same answers, the
//! same refusals, of streams as of single calls. What each message says in each encoding is the wire crate's to show.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;
use twofold_api::{procedure::Kind, request::Hello};
use twofold_cosigner::testing::SetClock;
use twofold_threshold::id::WalletId;
use twofold_wire::{METHODS, client::decode, stream::envelope};

use crate::{
    backends::{for_backends, house_with_backend},
    house::{Connection, Device, House, START, Signed, authority, secure_as},
    requests::{body, json},
};

const WALLET: WalletId = WalletId([0x11; 16]);

/// How a call is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    ConnectProto,
    ConnectJson,
    Grpc,
    GrpcWeb,
}

use Encoding::{ConnectJson, ConnectProto, Grpc, GrpcWeb};

/// What was heard: the reply's bytes, or the refusal's code and its detail, which holds the reason.
type Heard = Result<Vec<u8>, (String, Vec<u8>)>;

impl Encoding {
    const ALL: [Self; 4] = [ConnectProto, ConnectJson, Grpc, GrpcWeb];

    fn content_type(self, path: &str) -> &'static str {
        match self {
            ConnectProto if is_stream(path) => "application/connect+proto",
            ConnectJson if is_stream(path) => "application/connect+json",
            ConnectProto => "application/proto",
            ConnectJson => "application/json",
            Grpc => "application/grpc+proto",
            GrpcWeb => "application/grpc-web+proto",
        }
    }

    /// The body of a call as it is sent, envelope included.
    fn body(self, path: &str) -> Vec<u8> {
        // What opens a stream comes with its envelope.
        match self {
            ConnectJson if is_stream(path) => envelope(json(path, WALLET).to_string().as_bytes()),
            ConnectJson => json(path, WALLET).to_string().into_bytes(),
            Grpc | GrpcWeb if !is_stream(path) => envelope(&body(path, WALLET)),
            _ => body(path, WALLET),
        }
    }
}

fn is_stream(path: &str) -> bool {
    let stream = |method: &&twofold_wire::Method| method.path == path && method.kind == Kind::Stream;
    METHODS.iter().find(stream).is_some()
}

/// A way for each encoding: gRPC has HTTP/2, the others get by with HTTP/1.1.
struct Ways {
    plain: Connection,
    grpc: SendRequest<Full<Bytes>>,
    host: String,
}

impl Ways {
    async fn open(house: &House) -> Self {
        let host = house.running.address().to_string();
        let stream = TcpStream::connect(house.running.address()).await.unwrap();
        let stream = secure_as(stream, &authority(house.folder.path()), &["h2"])
            .await
            .unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (grpc, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self {
            plain: house.connect().await,
            grpc,
            host,
        }
    }

    async fn ask(&mut self, encoding: Encoding, signed: &Signed) -> Heard {
        if encoding == Grpc {
            return self.ask_grpc(signed).await;
        }
        let answer = self.plain.send(signed).await.unwrap();
        if encoding == GrpcWeb {
            let (data, trailers) = frames(&answer.body);
            return grpc(&lines(&trailers.unwrap()), &data);
        }
        if answer.status == 200 {
            return Ok(answer.body.to_vec());
        }
        let error: Value = serde_json::from_slice(&answer.body).unwrap();
        let detail = error["details"][0]["value"].as_str().unwrap();
        Err((
            error["code"].as_str().unwrap().to_owned(),
            STANDARD_NO_PAD.decode(detail.trim_end_matches('=')).unwrap(),
        ))
    }

    async fn ask_grpc(&mut self, signed: &Signed) -> Heard {
        let mut request = Request::post(format!("https://{}{}", self.host, signed.path)).header("te", "trailers");
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        self.grpc.ready().await.unwrap();
        let request = request.body(Full::from(signed.body.clone())).unwrap();
        let (parts, body) = self.grpc.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap();
        let told = body.trailers().cloned().unwrap_or(parts.headers);
        grpc(&told, &frames(&body.to_bytes()).0)
    }
}

/// A body's messages and, where it holds them, its trailers.
fn frames(mut bytes: &[u8]) -> (Vec<Vec<u8>>, Option<Vec<u8>>) {
    let (mut data, mut trailers) = (Vec::new(), None);
    while let Some((head, rest)) = bytes.split_first_chunk::<5>() {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let (message, rest) = rest.split_at(length);
        if head[0] & 0x80 == 0 {
            data.push(message.to_vec());
        } else {
            trailers = Some(message.to_vec());
        }
        bytes = rest;
    }
    (data, trailers)
}

fn lines(text: &[u8]) -> HeaderMap {
    let pairs = core::str::from_utf8(text).unwrap().lines();
    pairs
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| {
            let name: http::HeaderName = name.trim().parse().unwrap();
            (name, value.trim().parse().unwrap())
        })
        .collect()
}

fn grpc(told: &HeaderMap, data: &[Vec<u8>]) -> Heard {
    const NAMES: [&str; 17] = [
        "ok",
        "canceled",
        "unknown",
        "invalid_argument",
        "deadline_exceeded",
        "not_found",
        "already_exists",
        "permission_denied",
        "resource_exhausted",
        "failed_precondition",
        "aborted",
        "out_of_range",
        "unimplemented",
        "internal",
        "unavailable",
        "data_loss",
        "unauthenticated",
    ];
    let status: usize = told["grpc-status"].to_str().unwrap().parse().unwrap();
    if status == 0 {
        return Ok(data.concat());
    }
    let details = told["grpc-status-details-bin"].to_str().unwrap();
    Err((
        NAMES[status].to_owned(),
        STANDARD_NO_PAD.decode(details.trim_end_matches('=')).unwrap(),
    ))
}

/// Fails unless every encoding heard the refusal that the first one heard.
fn alike(path: &str, heard: &[(Encoding, Heard)]) -> String {
    let (_, first) = &heard[0];
    let (code, detail) = first.as_ref().expect_err("a refusal");
    for (encoding, other) in heard {
        let (other_code, other_detail) = other.as_ref().expect_err("a refusal");
        assert_eq!(other_code, code, "{path}, {encoding:?}");
        // gRPC wraps the detail in a status message.
        assert!(
            other_detail.windows(detail.len()).any(|window| window == detail),
            "{path}, {encoding:?}: {} instead of {}",
            String::from_utf8_lossy(other_detail),
            String::from_utf8_lossy(detail)
        );
    }
    String::from_utf8_lossy(detail).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a27_every_procedure_refuses_the_same_for_the_same_reason_in_every_encoding() {
    let (house, device, backend) = house_with_backend().await;
    let mut ways = Ways::open(&house).await;
    for method in METHODS {
        let path = method.path;
        let device = if for_backends(path) { &backend } else { &device };
        let named = method.needs_wallet.then_some(WALLET);
        let other = if method.needs_wallet { None } else { Some(WALLET) };
        let stranger = Device::new();
        let sign = |who: &Device, encoding: Encoding, wallet| {
            who.sign_as(
                &house,
                path,
                encoding.content_type(path),
                encoding.body(path),
                wallet,
                START,
            )
        };
        let mut heard: [Vec<(Encoding, Heard)>; 4] = Default::default();
        for encoding in Encoding::ALL {
            let mut bare = sign(device, encoding, named);
            bare.headers.retain(|(name, _)| name == "content-type");
            let mut altered = sign(device, encoding, named);
            altered.body.push(0);
            let asked = [
                bare,
                altered,
                sign(&stranger, encoding, named),
                sign(device, encoding, other),
            ];
            for (place, signed) in heard.iter_mut().zip(&asked) {
                place.push((encoding, ways.ask(encoding, signed).await));
            }
        }
        assert!(alike(path, &heard[0]).contains("SIGNATURE_MISSING"), "{path}");
        assert!(alike(path, &heard[1]).contains("SIGNATURE_INVALID"), "{path}");
        alike(path, &heard[2]);
        assert!(alike(path, &heard[3]).contains("PARTY_MISMATCH"), "{path}");

        // Well signed, about a wallet that nobody has: it is the procedure itself that answers.
        let mut last = Vec::new();
        for encoding in Encoding::ALL {
            last.push((encoding, ways.ask(encoding, &sign(device, encoding, named)).await));
        }
        if method.needs_wallet || path.ends_with("/Join") {
            alike(path, &last);
        } else {
            assert!(last.iter().all(|(_, heard)| heard.is_ok()), "{path}: {last:?}");
        }
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a27_hello_says_the_same_in_every_encoding() {
    let house = House::open(&SetClock::at(START)).await;
    let device = house.enrolled(START).await;
    let mut ways = Ways::open(&house).await;
    let path = device.sign(&house, &Hello, START).path;
    let mut replies = Vec::new();
    for encoding in Encoding::ALL {
        let signed = device.sign_as(
            &house,
            &path,
            encoding.content_type(&path),
            encoding.body(&path),
            None,
            START,
        );
        replies.push(ways.ask(encoding, &signed).await.unwrap());
    }
    let [proto, json, grpc, web] = <[Vec<u8>; 4]>::try_from(replies).unwrap();
    assert_eq!((&proto, &proto), (&grpc, &web));
    let greeting = decode::<Hello>(&proto).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    let text = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    assert_eq!(json["identity"], text(&greeting.identity));
    assert_eq!(json["head"]["sealKey"], text(&greeting.head.seal_key));
    assert_eq!(json["head"]["time"], START.to_string());
    assert_eq!(json["version"], greeting.version.as_str());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f13_grpc_health_is_told_unsigned_in_every_encoding() {
    let house = House::open(&SetClock::at(START)).await;
    house.ready().await;
    let mut ways = Ways::open(&house).await;
    for encoding in Encoding::ALL {
        let path = "/grpc.health.v1.Health/Check";
        let mut ask = Signed::unsigned(path, Vec::new());
        encoding.content_type(path).clone_into(ask.header("content-type"));
        ask.body = match encoding {
            ConnectProto => Vec::new(),
            ConnectJson => b"{}".to_vec(),
            Grpc | GrpcWeb => vec![0; 5],
        };
        let heard = ways.ask(encoding, &ask).await.unwrap();
        let serving: &[u8] = match encoding {
            ConnectJson => b"{\"status\":\"SERVING\"}",
            _ => &[0x08, 1],
        };
        assert_eq!(heard, serving, "{encoding:?}");
        // What is too long for a question is refused, and nothing but health is told to the unsigned.
        ask.body = vec![0; 2000];
        assert!(ways.ask(encoding, &ask).await.is_err(), "{encoding:?}");
    }
    house.close().await;
}
