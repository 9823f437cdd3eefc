//! What a person sees beside the answer: questions, progress, QR codes. All of it goes to standard error or is left
//! away where nobody watches, so that standard output stays the answer alone.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};

use crate::exit::Wrong;

/// Asks a yes-or-no question; no answer is no.
pub(crate) fn confirm(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!(Wrong(format!(
            "no terminal to ask \"{question}\": give --yes to go on without asking"
        )));
    }
    let answer = ask(&format!("{question} [y/N] "))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}

/// Asks for a line that is no secret.
pub(crate) fn ask(question: &str) -> anyhow::Result<String> {
    eprint!("{question}");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer)
}

/// Whether somebody is there to be asked at the terminal itself: standard input may bring a file meanwhile.
pub(crate) fn is_watched() -> bool {
    std::io::stdin().is_terminal() || std::io::stderr().is_terminal()
}

/// A spinner that says which step runs; silent where nobody watches.
pub(crate) fn spinner() -> ProgressBar {
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}

/// A QR code as text, dark on light by two rows a line; none where the text is too long for one. A screen is not
/// scratched or stained, so the code is as small as codes get.
pub(crate) fn qr(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L).ok()?;
    Some(
        code.render::<Dense1x2>()
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark)
            .quiet_zone(true)
            .build(),
    )
}
