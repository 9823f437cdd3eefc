use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};
use rstest::rstest;

use super::{Addresses, Ingress, Turned};

fn addresses(text: &str) -> Addresses {
    text.parse().unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[rstest]
#[case("10.0.0.0/8", "10.255.1.2", true)]
#[case("10.0.0.0/8", "11.0.0.1", false)]
#[case("192.0.2.128/25", "192.0.2.127", false)]
#[case("192.0.2.128/25", "192.0.2.200", true)]
#[case("192.0.2.7", "192.0.2.7", true)]
#[case("192.0.2.7", "192.0.2.6", false)]
#[case("192.0.2.7", "::ffff:192.0.2.7", true)]
#[case("0.0.0.0/0", "8.8.8.8", true)]
#[case("0.0.0.0/0", "2001:db8::1", false)]
#[case("2001:db8::/33", "2001:db8:7fff::1", true)]
#[case("2001:db8::/33", "2001:db8:8000::1", false)]
fn a_network_holds_its_addresses_and_no_others(#[case] network: &str, #[case] other: &str, #[case] holds: bool) {
    assert_eq!(addresses(network).hold(address(other)), holds);
}

#[test]
fn what_is_no_network_is_refused_and_what_is_is_written_as_it_is_read() {
    for wrong in [
        "",
        "10.0.0.0/33",
        "::/129",
        "10.0.0/8",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "everywhere",
    ] {
        assert!(wrong.parse::<Addresses>().is_err(), "{wrong}");
    }
    for right in ["10.0.0.0/8", "2001:db8::/33", "192.0.2.7/32"] {
        assert_eq!(addresses(right).to_string(), right);
    }
}

/// What a proxy at 10.0.0.1 is believed that passes these headers on.
fn asked(ingress: &Ingress, headers: &[(&'static str, &'static str)]) -> Result<IpAddr, Turned> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_static(value));
    }
    ingress.asker(&map, address("10.0.0.1"))
}

const TLS: (&str, &str) = ("x-forwarded-proto", "https");

#[rstest]
#[case::nothing(&[], Err(Turned::Plaintext))]
#[case::plaintext(&[("x-forwarded-proto", "http")], Err(Turned::Plaintext))]
#[case::plaintext_to_the_proxy_before(&[("x-forwarded-proto", "http, https")], Err(Turned::Plaintext))]
#[case::plaintext_in_a_second_line(&[TLS, ("x-forwarded-proto", "http")], Err(Turned::Plaintext))]
#[case::tls(&[TLS], Ok("10.0.0.1"))]
#[case::one_hop(&[TLS, ("x-forwarded-for", "198.51.100.7")], Ok("198.51.100.7"))]
#[case::with_a_port(&[TLS, ("x-forwarded-for", "198.51.100.7:4711")], Ok("198.51.100.7"))]
#[case::six(&[TLS, ("x-forwarded-for", "[2001:db8::7]:4711")], Ok("2001:db8::7"))]
#[case::what_the_stranger_wrote(&[TLS, ("x-forwarded-for", "192.0.2.1, 198.51.100.7")], Ok("198.51.100.7"))]
#[case::over_two_proxies(&[TLS, ("x-forwarded-for", "192.0.2.1, 198.51.100.7, 10.0.0.2")], Ok("198.51.100.7"))]
#[case::over_two_lines(&[TLS, ("x-forwarded-for", "198.51.100.7"), ("x-forwarded-for", "10.0.0.2")], Ok("198.51.100.7"))]
#[case::rubbish(&[TLS, ("x-forwarded-for", "192.0.2.1, unknown")], Ok("10.0.0.1"))]
#[case::rubbish_before_a_proxy(&[TLS, ("x-forwarded-for", "unknown, 10.0.0.2")], Ok("10.0.0.2"))]
fn who_asks_through_a_proxy_is_whom_the_last_believed_one_heard(
    #[case] headers: &[(&'static str, &'static str)],
    #[case] who: Result<&str, Turned>,
) {
    let ingress = Ingress {
        proxies: vec![addresses("10.0.0.0/8")],
        ..Ingress::default()
    };
    assert_eq!(asked(&ingress, headers), who.map(address));
}

#[test]
fn who_asks_through_a_proxy_must_come_from_where_devices_may() {
    let ingress = Ingress {
        proxies: vec![addresses("10.0.0.1")],
        allow_from: vec![addresses("198.51.100.0/24")],
        ..Ingress::default()
    };
    assert!(asked(&ingress, &[TLS, ("x-forwarded-for", "198.51.100.7")]).is_ok());
    let elsewhere = asked(&ingress, &[TLS, ("x-forwarded-for", "203.0.113.7")]);
    assert_eq!(elsewhere, Err(Turned::Elsewhere));
    assert!(!ingress.lets_in(address("10.0.0.1")) && ingress.believes(address("10.0.0.1")));
}

#[rstest]
#[case::who_asks_is_not_told(&[TLS])]
#[case::who_asks_is_not_known(&[TLS, ("x-forwarded-for", "unknown")])]
#[case::who_asked_a_proxy_is_not_known(&[TLS, ("x-forwarded-for", "unknown, 10.0.0.2")])]
#[case::nothing_stands_there(&[TLS, ("x-forwarded-for", "")])]
#[case::the_other_header_is_not_read(&[TLS, ("forwarded", "for=10.0.0.9;proto=https")])]
fn who_is_not_named_does_not_come_from_where_the_proxy_is(#[case] headers: &[(&'static str, &'static str)]) {
    let ingress = Ingress {
        proxies: vec![addresses("10.0.0.0/30")],
        allow_from: vec![addresses("10.0.0.0/8")],
        ..Ingress::default()
    };
    assert_eq!(asked(&ingress, headers), Err(Turned::Elsewhere));
    assert!(asked(&ingress, &[TLS, ("x-forwarded-for", "10.0.0.9")]).is_ok());
}

#[test]
fn a_mapped_address_is_the_one_that_it_maps() {
    let ingress = Ingress {
        allow_from: vec![addresses("192.0.2.0/24")],
        proxies: vec![addresses("192.0.2.1")],
        ..Ingress::default()
    };
    assert!(ingress.lets_in(address("::ffff:192.0.2.9")) && !ingress.lets_in(address("::ffff:203.0.113.9")));
    assert!(
        !ingress.lets_in(address("::192.0.2.9")),
        "the older, compatible form maps nothing"
    );
    assert!(ingress.believes(address("::ffff:192.0.2.1")));
    let hop = |text: &'static str| asked(&ingress, &[TLS, ("x-forwarded-for", text)]);
    assert_eq!(hop("::ffff:203.0.113.9"), Err(Turned::Elsewhere));
    assert_eq!(hop("[::ffff:192.0.2.9]:4711"), Ok(address("192.0.2.9")));
}
