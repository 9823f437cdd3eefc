use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing_subscriber::{Layer as _, Registry, fmt, layer::SubscriberExt as _};

use super::parse_level;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged at this level while something speaks.
fn heard(level: &str, speak: impl FnOnce()) -> String {
    let lines = Lines::default();
    let to = lines.clone();
    let layer = fmt::layer().with_ansi(false).with_writer(move || to.clone());
    let subscriber = Registry::default().with(layer.with_filter(parse_level(level).unwrap()));
    tracing::subscriber::with_default(subscriber, speak);
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn a13_a_stranger_writes_no_line_of_the_log_by_each_frame() {
    let frame = || tracing::warn!(target: "h2::proto::ping_pong", "recv PING ack that we never sent");
    for level in ["error", "warn", "info", "debug", "info,twofold_store=debug"] {
        assert_eq!(heard(level, frame), "", "{level}");
    }
    // Whoever looks for just that says so.
    assert!(heard("warn,h2=warn", frame).contains("PING ack"));
    let of_another = || tracing::warn!(target: "tokio_postgres", "a warning");
    assert!(heard("info", of_another).contains("a warning"), "other warnings stay");
}
