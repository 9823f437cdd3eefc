use std::collections::BTreeMap;

use qrcode::{Color, QrCode};
use twofold_threshold::{
    secret::Secret32,
    words::{RecoverySecret, RecoveryWords},
};

use sha2::Digest as _;

use super::{COUNT, Kit, STANDARD, Sha256, Zeroizing};
use base64::Engine as _;

const DESCRIPTOR: &str = "tr([b4e3c1a2]xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8/<0;1>/*)#abcdefgh";

fn page(name: &str, words: Option<&RecoveryWords>) -> Zeroizing<String> {
    Kit {
        name,
        wallet: "00112233445566778899aabbccddeeff".into(),
        network: "regtest".into(),
        fingerprint: "0a1b 2c3d 4e5f 6071".into(),
        server: Some("https://wallet.example.org:8443".into()),
        server_identity: "01ab".into(),
        descriptor: DESCRIPTOR.into(),
        words,
    }
    .page()
}

fn words() -> RecoveryWords {
    RecoverySecret::new(Secret32::new([9; 32])).words()
}

/// An element with its attributes and everything in it.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn all(&self) -> Vec<&Element> {
        let mut all = vec![self];
        all.extend(self.children.iter().flat_map(Element::all));
        all
    }

    fn whole_text(&self) -> String {
        let children: String = self.children.iter().map(Element::whole_text).collect();
        format!("{}{children}", self.text)
    }

    fn named(&self, name: &str) -> Vec<&Element> {
        self.all().into_iter().filter(|element| element.name == name).collect()
    }

    fn by_id(&self, id: &str) -> &Element {
        let found = self
            .all()
            .into_iter()
            .find(|element| element.attributes.get("id").is_some_and(|it| it == id));
        found.unwrap_or_else(|| panic!("nothing is called {id}"))
    }
}

/// Reads the page as the strictest reader would: every element is closed, every attribute quoted, every mark escaped.
fn parse(page: &str) -> Element {
    let mut rest = page
        .strip_prefix("<!DOCTYPE html>\n")
        .expect("HTML, and no quirks")
        .trim();
    let mut open: Vec<Element> = vec![Element::default()];
    while !rest.is_empty() {
        let Some((text, tag)) = rest.split_once('<') else { break };
        let top = open.last_mut().expect("something is open");
        top.text.push_str(&unescaped(text));
        let (tag, after) = tag.split_once('>').expect("a tag ends");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            let done = open.pop().expect("something is open");
            assert_eq!(done.name, name, "closed in order");
            open.last_mut().expect("something is open").children.push(done);
            continue;
        }
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, mut more) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut element = Element {
            name: name.into(),
            ..Element::default()
        };
        while !more.trim().is_empty() {
            let (key, value) = more.trim_start().split_once("=\"").expect("a quoted value");
            let (value, after) = value.split_once('"').expect("a quote that ends");
            assert!(element.attributes.insert(key.into(), unescaped(value)).is_none());
            more = after;
        }
        if empty {
            open.last_mut().expect("something is open").children.push(element);
        } else {
            open.push(element);
        }
    }
    assert_eq!(open.len(), 1, "everything is closed");
    open.pop().expect("the whole page")
}

fn unescaped(text: &str) -> String {
    for part in text.split('&').skip(1) {
        let (entity, _) = part.split_once(';').expect("an entity ends");
        assert!(["amp", "lt", "gt", "quot", "#39"].contains(&entity), "{entity}");
    }
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    plain.replace("&#39;", "'").replace("&amp;", "&")
}

/// The modules that a drawing has dark, read back from its path, and its width without the light border.
fn drawn(figure: &Element) -> (usize, Vec<(usize, usize)>) {
    let svg = figure.named("svg")[0];
    let size: usize = svg.attributes["viewBox"]
        .rsplit(' ')
        .next()
        .expect("four numbers")
        .parse()
        .expect("a number");
    let path = &figure.named("path")[0].attributes["d"];
    let dark = path.split('M').skip(1).map(|square| {
        let (x, y) = square
            .strip_suffix("h1v1h-1z")
            .expect("a square")
            .split_once(' ')
            .expect("two numbers");
        (x.parse::<usize>().expect("x") - 4, y.parse::<usize>().expect("y") - 4)
    });
    (size - 8, dark.collect())
}

fn shows(figure: &Element, text: &str) {
    let code = QrCode::new(text).expect("a code");
    let (width, dark) = drawn(figure);
    assert_eq!(width, code.width());
    let colors = code.to_colors();
    let expected = (0..width * width).filter(|at| colors[*at] == Color::Dark);
    let expected: Vec<_> = expected.map(|at| (at % width, at / width)).collect();
    assert_eq!(dark, expected);
}

#[test]
fn the_page_is_sound_loads_nothing_runs_nothing_and_says_so_to_the_browser() {
    let words = words();
    for page in [page("savings", None), page("savings", Some(&words))] {
        let root = parse(&page);
        let style = root.named("style")[0];
        let policy = root
            .named("meta")
            .into_iter()
            .find(|meta| {
                meta.attributes
                    .get("http-equiv")
                    .is_some_and(|it| it == "Content-Security-Policy")
            })
            .expect("a policy");
        let hash = STANDARD.encode(Sha256::digest(&style.text));
        assert_eq!(
            policy.attributes["content"],
            format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
        );
        let allowed = [
            "",
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "h1",
            "h2",
            "p",
            "b",
            "code",
            "dl",
            "dt",
            "dd",
            "section",
            "ol",
            "li",
            "table",
            "tr",
            "td",
            "figure",
            "figcaption",
            "svg",
            "path",
        ];
        let attributes = [
            "lang",
            "charset",
            "http-equiv",
            "content",
            "name",
            "id",
            "class",
            "viewBox",
            "shape-rendering",
            "d",
        ];
        for element in root.all() {
            assert!(allowed.contains(&element.name.as_str()), "{}", element.name);
            for attribute in element.attributes.keys() {
                assert!(attributes.contains(&attribute.as_str()), "{attribute}");
            }
        }
        // No place on the network is named but the server's, as text.
        assert!(!style.text.contains("url(") && !style.text.contains("@import"));
        assert_eq!(page.matches("://").count(), 1);
    }
}

#[test]
fn the_words_are_on_the_page_in_order_only_where_they_were_asked_for() {
    let words = words();
    let spoken: Vec<&str> = words.expose().collect();
    let with = parse(&page("savings", Some(&words)));
    let without = page("savings", None);
    let cells = |root: &Element| -> Vec<(String, String)> {
        let cells = root.by_id("words").named("td").into_iter();
        cells
            .map(|cell| (cell.children[0].text.clone(), cell.text.clone()))
            .collect()
    };
    let expected: Vec<_> = spoken
        .iter()
        .enumerate()
        .map(|(n, word)| ((n + 1).to_string(), (*word).to_owned()))
        .collect();
    assert_eq!(cells(&with), expected);
    shows(with.named("figure")[0], &words.expose_line());

    let blank = parse(&without);
    assert!(
        cells(&blank)
            .iter()
            .enumerate()
            .all(|(n, (number, word))| *number == (n + 1).to_string() && word.is_empty())
    );
    assert_eq!(cells(&blank).len(), COUNT);
    assert_eq!(blank.named("figure").len(), 1, "of the descriptor alone");
    assert!(!without.contains(&*words.expose_line()));
}

#[test]
fn the_page_names_the_wallet_and_draws_its_descriptor() {
    let root = parse(&page("savings", None));
    assert_eq!(root.by_id("descriptor").text, DESCRIPTOR);
    shows(root.named("figure")[0], DESCRIPTOR);
    let facts = root.by_id("wallet").whole_text();
    for fact in [
        "00112233445566778899aabbccddeeff",
        "regtest",
        "0a1b 2c3d 4e5f 6071",
        "https://wallet.example.org:8443",
        "01ab",
    ] {
        assert!(facts.contains(fact), "{fact}");
    }
    let text = root.named("body")[0].whole_text();
    for heading in [
        "If the server is gone",
        "If the device is lost",
        "If you have found this page",
    ] {
        assert!(text.contains(heading), "{heading}");
    }
}

#[test]
fn a_name_that_is_markup_stays_a_name() {
    let name = "<script>alert('1')</script> & \"co\"";
    let root = parse(&page(name, None));
    assert!(root.named("script").is_empty());
    assert_eq!(root.named("title")[0].text, format!("Recovery kit of {name}"));
}

#[test]
fn the_page_never_grows_past_the_room_that_it_was_given() {
    let words = words();
    let page = page(&"&".repeat(64), Some(&words));
    assert_eq!(
        page.capacity(),
        super::ROOM,
        "a page that grew left the words behind in memory"
    );
    assert!(page.len() < super::ROOM / 2, "{}", page.len());
}
