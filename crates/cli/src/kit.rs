//! The kit: one page to print, for the bad day. It is HTML without scripts, and loads nothing.
//!
//! It holds what a person needs beside what they have, and the words only where the person asked for them. It never holds
//! the package: words and package together are recovery's share.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use qrcode::{Color, QrCode};
use sha2::{Digest as _, Sha256};
use twofold_threshold::words::{COUNT, RecoveryWords};
use zeroize::Zeroizing;

const STYLE: &str = include_str!("kit.css");
/// Room for the whole page, so that it never grows and leaves beginnings of itself in memory.
const ROOM: usize = 256 * 1024;

/// What is printed.
#[derive(Debug)]
pub(crate) struct Kit<'a> {
    /// What its device calls the wallet.
    pub name: &'a str,
    /// Its id.
    pub wallet: String,
    /// Its network.
    pub network: String,
    /// The group key's short fingerprint.
    pub fingerprint: String,
    /// Where its server is, if that is known.
    pub server: Option<String>,
    /// The server's identity.
    pub server_identity: String,
    /// Its descriptor.
    pub descriptor: String,
    /// The words, if the person wants them printed.
    pub words: Option<&'a RecoveryWords>,
}

impl Kit<'_> {
    /// The page, the same each time.
    pub(crate) fn page(&self) -> Zeroizing<String> {
        let mut page = Zeroizing::new(String::with_capacity(ROOM));
        self.head(&mut page);
        self.wallet(&mut page);
        self.words(&mut page);
        page.push_str(LOSSES);
        self.descriptor(&mut page);
        page.push_str(STRANGER);
        page.push_str("</body>\n</html>\n");
        page
    }

    fn head(&self, page: &mut String) {
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let name = escaped(self.name);
        page.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
        // Nothing runs, nothing is loaded, nothing is sent: whatever opens this page may only show it.
        append(
            page,
            format_args!(
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'; \
                 base-uri 'none'; form-action 'none'\"/>\n"
            ),
        );
        page.push_str(
            "<meta name=\"referrer\" content=\"no-referrer\"/>\n<meta name=\"robots\" content=\"noindex\"/>\n",
        );
        append(
            page,
            format_args!("<title>Recovery kit of {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"),
        );
        append(page, format_args!("<h1>Recovery kit of the wallet “{name}”</h1>\n"));
    }

    fn wallet(&self, page: &mut String) {
        let server = self
            .server
            .as_deref()
            .unwrap_or("____________________________ (write it here)");
        page.push_str(
            "<p>A Twofold wallet has three shares: of a device, of a server, and the one behind 25 recovery words. Any two \
             of them move its coins; one alone moves nothing.</p>\n<dl id=\"wallet\">\n",
        );
        for (term, value) in [
            ("wallet", self.wallet.as_str()),
            ("network", &self.network),
            ("fingerprint", &self.fingerprint),
            ("server", server),
            ("its identity", &self.server_identity),
        ] {
            append(page, format_args!("<dt>{term}</dt><dd>{}</dd>\n", escaped(value)));
        }
        page.push_str("</dl>\n");
    }

    fn words(&self, page: &mut String) {
        page.push_str(
            "<section>\n<h2>The 25 words</h2>\n<p>They are not a seed phrase: no other wallet takes them. With a device of \
             this wallet, or with its server, they are two shares of three. Keep this page where you would keep the coins, \
             and never with the recovery package or with a device.</p>\n<table id=\"words\">\n",
        );
        let mut words = self.words.map(RecoveryWords::expose);
        for row in 0..COUNT / 5 {
            page.push_str("<tr>");
            for column in 1..=5 {
                append(page, format_args!("<td><b>{}</b>", row * 5 + column));
                page.push_str(words.as_mut().and_then(Iterator::next).unwrap_or_default());
                page.push_str("</td>");
            }
            page.push_str("</tr>\n");
        }
        page.push_str("</table>\n");
        match self.words {
            Some(words) => figure(page, &words.expose_line(), "the same words, for a camera of your own"),
            None => page
                .push_str("<p>Write them in by hand, in order, and check: <code>twofold recovery check</code></p>\n"),
        }
        page.push_str("</section>\n");
    }

    fn descriptor(&self, page: &mut String) {
        append(
            page,
            format_args!(
                "<section>\n<h2>To watch the wallet</h2>\n<p>Bitcoin Core and Sparrow take this descriptor. It shows every \
                 address and moves nothing.</p>\n<p><code id=\"descriptor\">{}</code></p>\n",
                escaped(&self.descriptor)
            ),
        );
        figure(page, &self.descriptor, "the descriptor");
        page.push_str("</section>\n");
    }
}

const LOSSES: &str = "\
<section>
<h2>If the server is gone</h2>
<ol>
<li>Have a device of this wallet at hand, these words, and an address of <b>another</b> wallet.</li>
<li>On the device: <code>twofold recovery sweep --to ADDRESS --node URL --node-auth FILE</code>. Without a node:
<code>--fee-rate N --out sweep.hex</code>. It asks for the words; to keep them off the device, see <code>--request</code>.</li>
<li>Everything has moved. The old wallet is not used again.</li>
</ol>
</section>
<section>
<h2>If the device is lost</h2>
<ol>
<li>Is another device of this wallet there? On it: <code>twofold freeze</code>, then <code>twofold device revoke</code>.</li>
<li>If not: ask whoever runs the server for an invitation to recover, by the wallet's long name above.</li>
<li>On a new machine: <code>twofold recover INVITATION --wallet LONG-NAME</code>. It asks for the words, and the wallet is frozen.</li>
<li>After the wait, two days if nobody has said otherwise: <code>twofold recover --wallet LONG-NAME</code>.</li>
</ol>
<p>To keep the words off that machine: <code>--ask FILE</code> in both, take the file to the machine where they may be typed, run
<code>twofold recovery continue FILE --out ANSWER</code> there, and <code>twofold recovery continue ANSWER</code> on the new one.</p>
</section>
<section>
<h2>If this page was seen by somebody, or is lost</h2>
<p>Lost: make new words, on a device: <code>twofold recovery replace</code>. It waits seven days and takes the operator's yes; with
the old words, <code>--with-words</code>, it is done at once. Seen by somebody: move the coins to a new wallet, with device and
server: <code>twofold wallet move NEW-NAME</code>. These words stay good for packages and machines of their day.</p>
</section>
<section>
<h2>To practise</h2>
<p><code>twofold recovery check</code> proves words and package. <code>twofold recovery rehearse</code> signs, with the
device and these words, a transaction that cannot be sent.</p>
</section>
";

const STRANGER: &str = "\
<section class=\"stop\">
<h2>If you have found this page</h2>
<p>It belongs to somebody's Bitcoin wallet. Alone it moves no coins, so it is worth nothing to you; its owner may not be able to
do without it. Please give it back, or to the police. Do not photograph it, do not type it into anything, and trust nobody who
offers to turn it into money.</p>
</section>
";

/// Text as HTML shows it.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

/// A QR code as a drawing in the page itself: one square for each dark module, four light ones around.
fn figure(page: &mut String, text: &str, caption: &str) {
    // Nothing here is too long for one.
    let Ok(code) = QrCode::new(text.as_bytes()) else { return };
    let width = code.width();
    let size = width + 8;
    append(
        page,
        format_args!("<figure><svg viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\"><path d=\""),
    );
    for (at, _) in code
        .to_colors()
        .iter()
        .enumerate()
        .filter(|(_, color)| **color == Color::Dark)
    {
        append(page, format_args!("M{} {}h1v1h-1z", at % width + 4, at / width + 4));
    }
    append(
        page,
        format_args!("\"/></svg><figcaption>{caption}</figcaption></figure>\n"),
    );
}

fn append(page: &mut String, text: std::fmt::Arguments<'_>) {
    // A string takes all that is written to it.
    let _ = page.write_fmt(text);
}

#[cfg(test)]
mod tests;
