//! Traces for an OpenTelemetry collector.

use serde::{Deserialize, Serialize};

use super::{check::within, source::stays_here};
use crate::fault::Fault;

/// Traces for an OpenTelemetry collector on this machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Traces {
    /// Where it takes them by OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`; none: no traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How many requests in a hundred are traced.
    pub percent: u8,
}

impl Default for Traces {
    fn default() -> Self {
        Self {
            url: None,
            percent: 100,
        }
    }
}

impl Traces {
    pub(super) fn check(&self) -> Result<(), Fault> {
        within(&[("traces.percent", self.percent.into(), 1, 100)])?;
        let Some(url) = &self.url else { return Ok(()) };
        let parsed: Option<http::Uri> = url.parse().ok();
        let here = parsed.is_some_and(|url| url.scheme_str() == Some("http") && url.host().is_some_and(stays_here));
        if here {
            return Ok(());
        }
        Err(Fault::Config(format!(
            "traces.url {url} must name a collector on this machine, such as http://127.0.0.1:4318/v1/traces: what happens \
             when is sent there in plaintext, and it passes it on as you like"
        )))
    }
}
