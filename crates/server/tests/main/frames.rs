//! HTTP/2 frame by frame, as a client writes it that heeds no limit.

use std::{collections::BTreeSet, time::Duration};

use http::StatusCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::client::TlsStream;
use twofold_api::request::Hello;
use twofold_cosigner::testing::SetClock;

use crate::house::{House, START, authority, secure_as};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];
const ENHANCE_YOUR_CALM: u32 = 11;

/// Streams that are opened, and how many of them a connection has.
const ASKED: u32 = 1_000;
const HAD: u32 = 100;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The number of a client's stream, counted from 0.
fn stream(place: u32) -> u32 {
    2 * place + 1
}

/// An unsigned call of Hello, by names of HPACK's static table and values as they are.
fn hello(flags: u8, stream: u32) -> Vec<u8> {
    let text = |name: u8, value: &str| [&[name, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
    let (post, https) = (0x83, 0x87);
    let path = text(0x04, "/twofold.v1.CosignerService/Hello");
    let block = [&[post, https][..], &path, &text(0x01, "localhost")].concat();
    frame(HEADERS, END_HEADERS | flags, stream, &block)
}

struct Line(TlsStream<TcpStream>);

impl Line {
    async fn open(house: &House) -> Self {
        let tcp = TcpStream::connect(house.running.address()).await.unwrap();
        let mut tls = secure_as(tcp, &authority(house.folder.path()), &["h2"]).await.unwrap();
        tls.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat())
            .await
            .unwrap();
        Self(tls)
    }

    async fn send(&mut self, frames: &[u8]) {
        self.0.write_all(frames).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// The next frame: its kind, its stream and what is in it.
    async fn next(&mut self) -> (u8, u32, Vec<u8>) {
        let read = async {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await.unwrap();
            let [a, b, c, kind, _, stream @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            self.0.read_exact(&mut payload).await.unwrap();
            (kind, u32::from_be_bytes(stream), payload)
        };
        timeout(Duration::from_secs(20), read)
            .await
            .expect("the server says something")
    }

    /// Writes until the server has said that it is enough, or hung up. What it says is read meanwhile; the code of the
    /// GOAWAY, if one came.
    async fn flood(self, frames: Vec<u8>) -> Option<u32> {
        let (mut from, mut to) = tokio::io::split(self.0);
        let writing = tokio::spawn(async move { while to.write_all(&frames).await.is_ok() {} });
        let mut code = None;
        let read = async {
            loop {
                let mut head = [0; 9];
                if from.read_exact(&mut head).await.is_err() {
                    return;
                }
                let [a, b, c, kind, ..] = head;
                let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
                if from.read_exact(&mut payload).await.is_err() {
                    return;
                }
                if kind == GOAWAY {
                    code = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
                }
            }
        };
        timeout(Duration::from_secs(20), read)
            .await
            .expect("the server hangs up");
        writing.abort();
        code
    }

    /// Waits until a stream is answered.
    async fn answered(&mut self, stream: u32) {
        loop {
            let (kind, of, payload) = self.next().await;
            assert_ne!(kind, GOAWAY, "{payload:?}");
            assert!(kind != RST_STREAM || of != stream, "refused: {payload:?}");
            if kind == HEADERS && of == stream {
                return;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_of_a_thousand_streams_all_past_a_hundred_are_refused_and_the_connection_goes_on() {
    let house = House::open(&SetClock::at(START)).await;
    let mut line = Line::open(&house).await;
    // Their bodies never come, so none ends by itself.
    let opened: Vec<u8> = (0..ASKED).flat_map(|place| hello(0, stream(place))).collect();
    line.send(&opened).await;
    let mut refused = BTreeSet::new();
    while refused.len() < (ASKED - HAD) as usize {
        let (kind, stream, payload) = line.next().await;
        assert!(
            ![HEADERS, DATA, GOAWAY].contains(&kind),
            "{kind} on {stream}: {payload:?}"
        );
        if kind == RST_STREAM {
            assert_eq!(payload, REFUSED_STREAM, "{stream}");
            refused.insert(stream);
        }
    }
    assert!(refused.iter().copied().eq((HAD..ASKED).map(stream)), "{refused:?}");
    // One that ends makes room for one.
    line.send(&frame(DATA, END_STREAM, stream(0), &[])).await;
    line.answered(stream(0)).await;
    line.send(&hello(END_STREAM, stream(ASKED))).await;
    line.answered(stream(ASKED)).await;
    drop(line);
    house.close().await;
}

/// Floods a server with these frames, over and over, while a device goes on asking.
async fn flooded(house: &House, frames: Vec<u8>) -> Option<u32> {
    let device = house.enrolled(START).await;
    let mut honest = house.connect().await;
    let line = Line::open(house).await;
    let mut flood = tokio::spawn(line.flood(frames));
    let (mut asked, mut answered) = (0_u32, 0_u32);
    let code = loop {
        let asking = device.sign(house, &Hello, START);
        tokio::select! {
            code = &mut flood => break code.unwrap(),
            answer = honest.send(&asking) => {
                asked += 1;
                answered += u32::from(answer.is_ok_and(|answer| answer.status == StatusCode::OK));
            }
        }
    };
    assert_eq!(answered, asked, "of what others ask nothing is lost");
    let after = house.send(&device.sign(house, &Hello, START)).await;
    assert_eq!(after.status, StatusCode::OK);
    code
}

#[tokio::test(flavor = "multi_thread")]
async fn a13_streams_that_are_reset_as_fast_as_they_are_opened_end_the_connection() {
    let house = House::open(&SetClock::at(START)).await;
    let cancel = [0, 0, 0, 8];
    let reset = |place| [hello(0, stream(place)), frame(RST_STREAM, 0, stream(place), &cancel)].concat();
    let burst: Vec<u8> = (0..20_000).flat_map(reset).collect();
    // The last streams are asked for again and again, which is an error of its own: the first burst must do.
    assert_eq!(flooded(&house, burst).await, Some(ENHANCE_YOUR_CALM));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a13_headers_that_never_end_end_the_connection() {
    let house = House::open(&SetClock::at(START)).await;
    let mut open = hello(0, 1);
    // Not the end of the headers.
    open[4] = 0;
    let line = |value: &str| [&[0x00, 1, b'x', u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
    let more = frame(CONTINUATION, 0, 1, &line(&"y".repeat(100)));
    let flood = [open, more.repeat(10_000)].concat();
    assert_eq!(flooded(&house, flood).await, Some(ENHANCE_YOUR_CALM));
    // Empty ones as well.
    let mut open = hello(0, 1);
    open[4] = 0;
    let flood = [open, frame(CONTINUATION, 0, 1, &[]).repeat(10_000)].concat();
    assert_eq!(flooded(&house, flood).await, Some(ENHANCE_YOUR_CALM));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a13_frames_that_ask_for_nothing_end_the_connection() {
    let house = House::open(&SetClock::at(START)).await;
    for nothing in [
        frame(PING, 0, 0, &[7; 8]),
        frame(PING, ACK, 0, &[7; 8]),
        frame(SETTINGS, 0, 0, &[]),
        frame(0xfe, 0, 0, &[]),
    ] {
        let kind = nothing[3];
        let code = flooded(&house, nothing.repeat(100)).await;
        assert!(code.is_some(), "{kind}: no GOAWAY");
    }
    house.close().await;
}
