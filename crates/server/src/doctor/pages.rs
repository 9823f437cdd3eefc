//! The web pages that may ask: what their host tells browsers of them, and whether it is this machine.

use std::{
    net::{ToSocketAddrs as _, UdpSocket},
    time::Duration,
};

use bytes::Bytes;
use futures::future::join_all;
use http::{HeaderMap, Method, Request, Uri, header};
use tokio::time::timeout;
use twofold_identity::{Trust, Web, WebUrl};

use super::Finding;
use crate::config::Config;

const CHECK: &str = "web pages";
/// How long one host may take.
const PATIENCE: Duration = Duration::from_millis(1_200);
/// Most of them that are asked.
const MOST: usize = 16;

pub(super) fn pages(config: &Config, _: u64) -> Vec<Finding> {
    if config.allowed_origins.is_empty() {
        return vec![Finding::well(CHECK, "no page may ask")];
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (Ok(runtime), Ok(web)) = (runtime, Web::new(Trust::default())) else {
        return vec![Finding::warn(CHECK, "they can't be asked", "ask again")];
    };
    let origins = config.allowed_origins.iter().take(MOST);
    let web = &web;
    let asked = origins.map(|origin| async move {
        let answered = timeout(PATIENCE, head(web, origin)).await;
        (origin, answered.unwrap_or_else(|_| Err("no answer in time".into())))
    });
    let mut findings = Vec::new();
    for (origin, answered) in runtime.block_on(join_all(asked)) {
        match answered {
            Err(why) => {
                let remedy = "is it up, and does it speak TLS 1.3? Look at what it sends by hand: curl -I";
                findings.push(Finding::warn(CHECK, format!("{origin}: {why}"), remedy));
            }
            Ok(headers) => {
                let lacking = lacking(&headers, origin.starts_with("https:"));
                findings.push(if lacking.is_empty() {
                    Finding::well(CHECK, format!("{origin} bounds what runs in its pages"))
                } else {
                    let remedy = "have its web host send them: whatever runs in a page does what its person may do";
                    Finding::warn(CHECK, format!("{origin} sends no {}", lacking.join(", no ")), remedy)
                });
            }
        }
        if is_here(origin) {
            let remedy = "give the pages a machine of their own: who gets into this one has them and the server's shares at once";
            findings.push(Finding::warn(CHECK, format!("{origin} is this machine"), remedy));
        }
    }
    findings
}

async fn head(web: &Web, origin: &str) -> Result<HeaderMap, String> {
    let url = WebUrl::parse(&format!("{origin}/")).map_err(|fault| fault.to_string())?;
    let request = Request::builder().method(Method::HEAD).body(Bytes::new());
    let request = request.map_err(|error| error.to_string())?;
    // An answer to HEAD has no body.
    let (head, _) = web.send(&url, request, 0).await?.into_parts();
    Ok(head.headers)
}

/// What a host does not tell browsers and should.
fn lacking(headers: &HeaderMap, encrypted: bool) -> Vec<&'static str> {
    let said = |name| {
        let values = headers.get_all(name).iter();
        values
            .filter_map(|value| value.to_str().ok())
            .collect::<Vec<_>>()
            .join(", ")
            .to_lowercase()
    };
    let policy = said(header::CONTENT_SECURITY_POLICY);
    let mut lacking = Vec::new();
    // Zero takes back what was said before.
    let strict = said(header::STRICT_TRANSPORT_SECURITY);
    if encrypted && (!strict.contains("max-age=") || strict.contains("max-age=0")) {
        lacking.push("Strict-Transport-Security");
    }
    if !policy.contains("script-src") && !policy.contains("default-src") {
        lacking.push("Content-Security-Policy that says which scripts run");
    }
    if !policy.contains("frame-ancestors") && said(header::X_FRAME_OPTIONS).is_empty() {
        lacking.push("frame-ancestors");
    }
    if said(header::X_CONTENT_TYPE_OPTIONS) != "nosniff" {
        lacking.push("X-Content-Type-Options");
    }
    lacking
}

/// Whether an origin's host has an address of this machine: only those can be bound here.
fn is_here(origin: &str) -> bool {
    let Some((host, port)) = origin.parse::<Uri>().ok().and_then(|uri| {
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some((host, uri.port_u16().unwrap_or(443)))
    }) else {
        return false;
    };
    let addresses = (host.as_str(), port).to_socket_addrs();
    addresses.is_ok_and(|mut addresses| addresses.any(|address| UdpSocket::bind((address.ip(), 0)).is_ok()))
}

#[cfg(test)]
mod tests;
