//! The authority's site, asked over the one HTTPS client that there is: TLS 1.3, a deadline, a bound on every answer.

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use twofold_identity::{Trust, Web, WebUrl};

use crate::config::Acme;

/// The longest answer: a chain of certificates.
const LONGEST: usize = 256 * 1024;

#[derive(Clone)]
pub(super) struct Site(Arc<Web>);

impl Site {
    pub(super) fn of(acme: &Acme) -> Result<Self, String> {
        let mut trust = Trust::default();
        if let Some(file) = &acme.ca_file {
            let pem = std::fs::read(file).map_err(|why| format!("{} can't be read: {why}", file.display()))?;
            trust = trust.authorities(&pem).map_err(|fault| fault.to_string())?;
        }
        Ok(Self(Arc::new(Web::new(trust).map_err(|fault| fault.to_string())?)))
    }
}

impl HttpClient for Site {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let web = Arc::clone(&self.0);
        Box::pin(async move {
            let url = WebUrl::parse(&request.uri().to_string()).ok();
            // The directory says where to ask next, and nobody has it ask on this machine in plaintext.
            let url = url
                .filter(WebUrl::encrypted)
                .ok_or(Error::Str("it names a URL that is not https"))?;
            let (head, body) = request.into_parts();
            let body = match body.collect().await {
                Ok(body) => body.to_bytes(),
                Err(never) => match never {},
            };
            let answer = web.send(&url, Request::from_parts(head, body), LONGEST).await;
            answer
                .map(|answer| BytesResponse::from(answer.map(Full::new)))
                .map_err(|why| Error::Other(why.into()))
        })
    }
}
