//! Bodies that are too large, in every way that a body can be: refused, and no memory taken.

use std::{process::Command, sync::Arc};

use http::StatusCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};
use twofold_api::limits::BODY_BYTES;
use twofold_cosigner::testing::SetClock;

use crate::{
    house::{Device, House, START, Signed, authority, secure},
    replay::resident,
};

const HELLO: &str = "/twofold.v1.CosignerService/Hello";
/// Senders at once, and how many mebibytes each sends.
const SENDERS: usize = 32;
const MEBIBYTES: usize = 16;

/// Sends a body in chunks, far past every limit, until the server has had enough; the status line it answered with,
/// where it could still be read.
async fn stream(house: &House, signed: &Signed) -> String {
    let tcp = TcpStream::connect(house.running.address()).await.unwrap();
    let mut stream = secure(tcp, &authority(house.folder.path())).await.unwrap();
    let head = signed.head().replace("content-length: 0", "transfer-encoding: chunked");
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = [b"4000\r\n".as_slice(), &[0; 16 * 1024], b"\r\n"].concat();
    for _ in 0..MEBIBYTES * 64 {
        if stream.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let mut said = [0; 12];
    match stream.read_exact(&mut said).await {
        Ok(_) => String::from_utf8_lossy(&said).into_owned(),
        Err(_) => String::new(),
    }
}

/// 200 MB of zeros, packed into less than a body may have.
fn bomb() -> Vec<u8> {
    let packed = Command::new("sh")
        .args(["-c", "head -c 200000000 /dev/zero | gzip -9"])
        .output()
        .unwrap();
    assert!(packed.status.success());
    assert!(
        (1..=BODY_BYTES).contains(&packed.stdout.len()),
        "{}",
        packed.stdout.len()
    );
    packed.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_oversized_bodies_and_gzip_bombs_are_refused_and_take_no_memory() {
    let house = Arc::new(House::open(&SetClock::at(START)).await);
    let device = house.enrolled(START).await;
    let bomb = bomb();
    house.ready().await;
    let before = resident();

    let mut senders = JoinSet::new();
    for number in 0..SENDERS {
        let house = Arc::clone(&house);
        // Half of them are strangers.
        let signed = if number % 2 == 0 {
            device.sign_bytes(&house, HELLO, Vec::new(), None, START)
        } else {
            Device::new().sign_bytes(&house, HELLO, Vec::new(), None, START)
        };
        senders.spawn(async move {
            let said = stream(&house, &signed).await;
            let expected = if number % 2 == 0 {
                "HTTP/1.1 429"
            } else {
                "HTTP/1.1 401"
            };
            assert!(said.is_empty() || said == expected, "{said}");
        });
    }
    // Announced, and never sent.
    for _ in 0..SENDERS {
        let mut announced = device.sign_bytes(&house, HELLO, Vec::new(), None, START);
        announced.headers.push(("expect".into(), "100-continue".into()));
        let tcp = TcpStream::connect(house.running.address()).await.unwrap();
        let mut stream = secure(tcp, &authority(house.folder.path())).await.unwrap();
        let head = announced
            .head()
            .replace("content-length: 0", "content-length: 1000000000");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut said = [0; 12];
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"HTTP/1.1 429");
    }
    // Bombs, each in the way that one of the protocols has for packed bodies. They are refused for their signature and not
    // for their size: it covers the bytes as they are sent, nothing is ever unpacked, and packed they are no larger than a
    // body may be.
    for _ in 0..SENDERS {
        let mut http = device.sign_bytes(&house, HELLO, bomb.clone(), None, START);
        http.headers.push(("content-encoding".into(), "gzip".into()));
        let refused = house.send(&http).await;
        assert_eq!(
            refused.status,
            StatusCode::UNAUTHORIZED,
            "no signature covers what it unpacks to"
        );

        let length = u32::try_from(bomb.len()).unwrap().to_be_bytes();
        let packed = [&[1], &length[..], &bomb].concat();
        let mut web = device.sign_as(&house, HELLO, "application/grpc-web+proto", packed, None, START);
        web.headers.push(("grpc-encoding".into(), "gzip".into()));
        let refused = house.send(&web).await;
        let said = String::from_utf8_lossy(&refused.body).into_owned();
        assert!(
            said.contains("grpc-status") && !said.contains("grpc-status: 0"),
            "{said}"
        );
    }
    while let Some(sent) = senders.join_next().await {
        sent.unwrap();
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 50, "{grown} MiB more than before");
    let house = Arc::into_inner(house).unwrap();
    assert_eq!(
        house
            .send(&device.sign_bytes(&house, HELLO, Vec::new(), None, START))
            .await
            .status,
        StatusCode::OK
    );
    house.close().await;
}
