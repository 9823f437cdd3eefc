use std::io::ErrorKind;

use super::*;

const SOON: Duration = Duration::from_secs(20);
/// Long enough to notice that nothing comes.
const A_MOMENT: Duration = Duration::from_millis(150);

/// Answers every piece with the same bytes.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut piece = [0; 1024];
                while let Ok(length @ 1..) = stream.read(&mut piece) {
                    if stream.write_all(&piece[..length]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

fn proxied() -> (ToxicProxy, TcpStream) {
    let proxy = ToxicProxy::start(echo()).unwrap();
    let client = client(&proxy);
    (proxy, client)
}

fn client(proxy: &ToxicProxy) -> TcpStream {
    let client = TcpStream::connect(proxy.address()).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    client
}

fn echoed(client: &mut TcpStream, sent: &[u8]) -> std::io::Result<Vec<u8>> {
    client.write_all(sent)?;
    let mut got = vec![0; sent.len()];
    client.read_exact(&mut got)?;
    Ok(got)
}

fn silent(client: &mut TcpStream) -> bool {
    client.set_read_timeout(Some(A_MOMENT)).unwrap();
    let nothing = matches!(client.read(&mut [0]), Err(why) if why.kind() == ErrorKind::WouldBlock);
    client.set_read_timeout(Some(SOON)).unwrap();
    nothing
}

#[test]
fn what_goes_in_comes_out_and_is_counted() {
    let (proxy, mut client) = proxied();
    assert_eq!(echoed(&mut client, b"hello").unwrap(), b"hello");
    assert_eq!(
        proxy.traffic(),
        Traffic {
            connections: 1,
            open: 1,
            request_bytes: 5,
            reply_bytes: 5
        }
    );
    drop(client);
    assert!(proxy.wait_until(SOON, |traffic| traffic.open == 0));
}

#[test]
fn a_reply_is_cut_at_the_very_byte() {
    let (proxy, mut client) = proxied();
    assert_eq!(echoed(&mut client, b"before").unwrap(), b"before");
    proxy.set(Toxic::CutReplyAfter(3));
    client.write_all(b"hello").unwrap();
    let mut got = Vec::new();
    let _ = client.read_to_end(&mut got);
    assert_eq!(got, b"hello"[..3]);
    assert_eq!(proxy.traffic().request_bytes, 11);
}

#[test]
fn a_request_is_cut_before_the_server_sees_it() {
    let (proxy, mut client) = proxied();
    proxy.set(Toxic::CutRequestAfter(0));
    assert!(echoed(&mut client, b"hello").is_err());
    assert_eq!(proxy.traffic().request_bytes, 0);
}

#[test]
fn a_stalled_connection_stays_open_and_goes_on_later() {
    let (proxy, mut client) = proxied();
    proxy.set(Toxic::Stall);
    client.write_all(b"hello").unwrap();
    assert!(silent(&mut client));
    proxy.set(Toxic::Pass);
    let mut got = [0; 5];
    client.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"hello");
}

#[test]
fn in_a_stall_the_other_end_does_not_learn_of_a_hang_up() {
    let (proxy, client) = proxied();
    assert!(proxy.wait_until(SOON, |traffic| traffic.open == 1));
    proxy.set(Toxic::Stall);
    drop(client);
    assert!(!proxy.wait_until(A_MOMENT, |traffic| traffic.open == 0));
    proxy.set(Toxic::Pass);
    assert!(proxy.wait_until(SOON, |traffic| traffic.open == 0));
}

#[test]
fn a_trickle_gives_one_byte_at_a_time() {
    let (proxy, mut client) = proxied();
    proxy.set(Toxic::Trickle(Duration::from_secs(3600)));
    client.write_all(b"hello").unwrap();
    assert!(proxy.wait_until(SOON, |traffic| traffic.reply_bytes == 1));
    let mut got = [0; 5];
    assert_eq!(client.read(&mut got).unwrap(), 1);
    assert!(silent(&mut client));
    // A new command ends the wait of the old.
    proxy.set(Toxic::Pass);
    client.read_exact(&mut got[1..]).unwrap();
    assert_eq!(&got, b"hello");
}

#[test]
fn a_delay_holds_a_piece_back_and_then_lets_it_pass() {
    let (proxy, mut client) = proxied();
    proxy.set(Toxic::Delay(A_MOMENT * 3));
    client.write_all(b"hello").unwrap();
    assert!(silent(&mut client));
    let mut got = [0; 5];
    client.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"hello");
}

#[test]
fn a_refusing_proxy_closes_old_and_new_connections() {
    let (proxy, mut old) = proxied();
    assert_eq!(echoed(&mut old, b"hello").unwrap(), b"hello");
    proxy.set(Toxic::Refuse);
    assert!(echoed(&mut old, b"hello").is_err());
    assert!(echoed(&mut client(&proxy), b"hello").is_err());
    proxy.set(Toxic::Pass);
    assert_eq!(echoed(&mut client(&proxy), b"hello").unwrap(), b"hello");
}

#[test]
fn cutting_all_spares_the_connections_after_it() {
    let (proxy, mut old) = proxied();
    assert_eq!(echoed(&mut old, b"hello").unwrap(), b"hello");
    proxy.cut_all();
    assert!(echoed(&mut old, b"hello").is_err());
    assert_eq!(echoed(&mut client(&proxy), b"hello").unwrap(), b"hello");
}

#[test]
fn a_server_that_is_away_closes_the_connection() {
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let proxy = ToxicProxy::start(gone).unwrap();
    assert!(echoed(&mut client(&proxy), b"hello").is_err());
}

#[test]
fn chaos_is_the_same_for_the_same_seed_and_has_every_fate() {
    let fates = |seed| {
        let proxy = ToxicProxy::start(echo()).unwrap();
        proxy.set(Toxic::Chaos(Chaos {
            seed,
            lost_requests: 200,
            cut_replies: 200,
            delayed: 200,
            delay: Duration::from_millis(2),
        }));
        (0..60)
            .map(|_| {
                let before = proxy.traffic();
                let well = echoed(&mut client(&proxy), b"hello").is_ok();
                let after = proxy.traffic();
                (
                    well,
                    after.request_bytes - before.request_bytes,
                    after.reply_bytes - before.reply_bytes,
                )
            })
            .collect::<Vec<_>>()
    };
    let first = fates(1);
    assert_eq!(first, fates(1));
    assert_ne!(first, fates(2));
    assert!(first.contains(&(true, 5, 5)), "some pass");
    assert!(first.contains(&(false, 0, 0)), "some requests are lost");
    assert!(
        first
            .iter()
            .any(|(well, there, back)| !well && *there == 5 && *back < 5),
        "some replies are cut"
    );
}
