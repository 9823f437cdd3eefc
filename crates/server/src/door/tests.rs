use std::net::IpAddr;

use super::Door;
use crate::config::Limits;

fn door(connections: u32, connections_per_address: u32) -> Door {
    Door::new(&Limits {
        connections,
        connections_per_address,
        ..Limits::default()
    })
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a12_an_address_has_so_many_places_and_an_ipv6_block_is_one_address() {
    let door = door(100, 2);
    let first = door.enter(ip("192.0.2.1")).unwrap();
    let _second = door.enter(ip("::ffff:192.0.2.1")).unwrap();
    assert!(door.enter(ip("192.0.2.1")).is_none());
    let _other = door.enter(ip("192.0.2.2")).unwrap();
    let _block = [ip("2001:db8::1"), ip("2001:db8::2")].map(|address| door.enter(address).unwrap());
    assert!(door.enter(ip("2001:db8::3")).is_none());
    assert!(door.enter(ip("2001:db8:0:1::1")).is_some());
    drop(first);
    assert!(door.enter(ip("192.0.2.1")).is_some());
}

#[test]
fn a11_handshakes_take_at_most_a_quarter_of_the_places() {
    let door = door(40, 40);
    let mut open: Vec<_> = (0..10).map(|_| door.enter(ip("192.0.2.1")).unwrap()).collect();
    assert!(door.enter(ip("192.0.2.2")).is_none());
    let (_place, handshake) = open.pop().unwrap();
    drop(handshake);
    assert!(door.enter(ip("192.0.2.2")).is_some());
}

#[test]
fn a08_an_address_without_a_connection_is_forgotten_and_one_turned_away_never_kept() {
    let door = door(10, 2);
    let open: Vec<_> = (0..200_u8).map(|n| door.enter(IpAddr::from([192, 0, 2, n]))).collect();
    assert!(door.guests.table().len() <= 10);
    drop(open);
    assert!(door.guests.table().is_empty());
}
