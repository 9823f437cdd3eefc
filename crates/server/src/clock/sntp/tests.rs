use std::{net::UdpSocket, thread, time::Duration};

use super::{ERA, PACKET, judged, offset, time};
use crate::clock::SystemClock;

fn answer(received: u64, sent: u64) -> [u8; PACKET] {
    let mut answer = [0; PACKET];
    answer[..2].copy_from_slice(&[0b00_100_100, 2]);
    let word = |at: u64| u32::try_from((at + ERA) & 0xffff_ffff).unwrap().to_be_bytes();
    answer[32..36].copy_from_slice(&word(received));
    answer[40..44].copy_from_slice(&word(sent));
    answer
}

#[test]
fn an_answer_tells_how_far_the_clock_is_off() {
    let at = |seconds| Duration::from_secs(seconds);
    let told = |received, sent| judged(&answer(received, sent), at(1_790_000_000), at(1_790_000_002)).unwrap();
    // The way there and back takes a second each.
    assert!(told(1_790_000_001, 1_790_000_001).abs() < 1e-6);
    assert!((told(1_790_000_006, 1_790_000_006) - 5.0).abs() < 1e-6);
    assert!((told(1_789_999_991, 1_789_999_991) + 10.0).abs() < 1e-6);
    // Past 2036, where the count of seconds begins anew.
    let late = 2_100_000_000;
    assert!((time(&answer(late, late)[32..40]) - 2_100_000_000.0).abs() < 1e-6);
}

#[test]
fn a_server_that_does_not_know_the_time_is_not_believed() {
    let spoilt = |spoil: fn(&mut [u8; PACKET])| {
        let mut answer = answer(1, 1);
        spoil(&mut answer);
        judged(&answer, Duration::ZERO, Duration::ZERO)
    };
    assert!(spoilt(|_| ()).is_ok());
    assert!(spoilt(|answer| answer[0] |= 0b1100_0000).is_err());
    assert!(spoilt(|answer| answer[0] = 0b00_100_011).is_err());
    assert!(spoilt(|answer| answer[1] = 0).is_err());
    assert!(spoilt(|answer| answer[1] = 16).is_err());
}

#[test]
fn an_answer_to_another_question_is_passed_over() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    let serving = thread::spawn(move || {
        let mut question = [0; PACKET];
        let (_, from) = server.recv_from(&mut question).unwrap();
        let now = SystemClock::fine().as_secs();
        let mut forged = answer(now + 3600, now + 3600);
        forged[24..32].copy_from_slice(&[7; 8]);
        server.send_to(&forged, from).unwrap();
        let mut true_one = answer(now + 60, now + 60);
        true_one[24..32].copy_from_slice(&question[40..48]);
        server.send_to(&true_one, from).unwrap();
    });
    let told = offset(&address, Duration::from_secs(20)).unwrap();
    serving.join().unwrap();
    assert!((50.0..70.0).contains(&told), "{told}");
}
