use alloc::{format, string::ToString};

use proptest::prelude::*;
use rstest::rstest;

use super::{PublicUrl, PublicUrlFault};

#[rstest]
#[case("https://cosigner.example", "cosigner.example", "cosigner.example", 443, "")]
#[case(
    "https://cosigner.example:8443",
    "cosigner.example:8443",
    "cosigner.example",
    8443,
    ""
)]
#[case("https://a.example/twofold", "a.example", "a.example", 443, "/twofold")]
#[case("https://a.example:1/x/y-1_2.3~", "a.example:1", "a.example", 1, "/x/y-1_2.3~")]
#[case("https://localhost:65535", "localhost:65535", "localhost", 65535, "")]
#[case("https://127.0.0.1:9000", "127.0.0.1:9000", "127.0.0.1", 9000, "")]
#[case("https://[::1]:9000/a", "[::1]:9000", "::1", 9000, "/a")]
#[case("https://[2001:db8::1]", "[2001:db8::1]", "2001:db8::1", 443, "")]
fn parts_of_a_url(
    #[case] text: &str,
    #[case] authority: &str,
    #[case] host: &str,
    #[case] port: u16,
    #[case] path: &str,
) {
    let url = text.parse::<PublicUrl>().unwrap();
    assert_eq!(url.to_string(), text);
    assert_eq!(
        (url.authority(), url.host(), url.port(), url.base_path()),
        (authority, host, port, path)
    );
    assert_eq!(
        url.target("/twofold.v1.CosignerService/Sign"),
        format!("{text}/twofold.v1.CosignerService/Sign")
    );
}

#[rstest]
#[case("http://a.example", PublicUrlFault::Scheme)]
#[case("HTTPS://a.example", PublicUrlFault::Scheme)]
#[case("a.example", PublicUrlFault::Scheme)]
#[case("", PublicUrlFault::Scheme)]
#[case(" https://a.example", PublicUrlFault::Scheme)]
#[case("https://", PublicUrlFault::Host)]
#[case("https:///x", PublicUrlFault::Host)]
#[case("https://A.example", PublicUrlFault::Host)]
#[case("https://user@a.example", PublicUrlFault::Host)]
#[case("https://a..example", PublicUrlFault::Host)]
#[case("https://-a.example", PublicUrlFault::Host)]
#[case("https://a.example.", PublicUrlFault::Host)]
#[case("https://\u{e4}.example", PublicUrlFault::Host)]
#[case("https://a b.example", PublicUrlFault::Host)]
#[case("https://::1", PublicUrlFault::Host)]
#[case("https://[::1", PublicUrlFault::Host)]
#[case("https://[::1]x", PublicUrlFault::Host)]
#[case("https://[0:0::1]", PublicUrlFault::Host)]
#[case("https://[FE80::1]", PublicUrlFault::Host)]
#[case("https://a.example:", PublicUrlFault::Port)]
#[case("https://a.example:0", PublicUrlFault::Port)]
#[case("https://a.example:443", PublicUrlFault::Port)]
#[case("https://a.example:0443", PublicUrlFault::Port)]
#[case("https://a.example:+80", PublicUrlFault::Port)]
#[case("https://a.example:65536", PublicUrlFault::Port)]
#[case("https://a.example:80:80", PublicUrlFault::Port)]
#[case("https://a.example/", PublicUrlFault::Path)]
#[case("https://a.example/x/", PublicUrlFault::Path)]
#[case("https://a.example//x", PublicUrlFault::Path)]
#[case("https://a.example/../x", PublicUrlFault::Path)]
#[case("https://a.example/x?y", PublicUrlFault::Path)]
#[case("https://a.example?y", PublicUrlFault::Path)]
#[case("https://a.example#y", PublicUrlFault::Path)]
#[case("https://a.example/%41", PublicUrlFault::Path)]
#[case("https://a.example/\u{202e}", PublicUrlFault::Path)]
fn a31_another_spelling_is_no_url(#[case] text: &str, #[case] fault: PublicUrlFault) {
    assert_eq!(text.parse::<PublicUrl>(), Err(fault));
}

#[test]
fn a_url_is_bounded() {
    let of = |length: usize| format!("https://a.example/{}", "x".repeat(length - "https://a.example/".len()));
    assert!(of(200).parse::<PublicUrl>().is_ok());
    assert_eq!(of(201).parse::<PublicUrl>(), Err(PublicUrlFault::TooLong));
    let label = "a".repeat(64);
    assert_eq!(
        format!("https://{label}").parse::<PublicUrl>(),
        Err(PublicUrlFault::Host)
    );
}

proptest! {
    #[test]
    fn a17_parsing_a_url_never_panics(text in "(https://)?[\\[\\]a-z0-9:/.?#@-]{0,40}|.{0,60}") {
        if let Ok(url) = text.parse::<PublicUrl>() {
            prop_assert_eq!(url.as_str(), text.as_str());
            prop_assert!(!url.host().is_empty());
            prop_assert_eq!(format!("https://{}{}", url.authority(), url.base_path()), text);
        }
    }
}
