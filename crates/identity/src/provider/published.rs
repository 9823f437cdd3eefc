//! Keys at a URL: one that is known, or one that `OpenID` Connect Discovery tells.

use serde::Deserialize;

use crate::{
    keys::{Fetch, KeySet},
    url::WebUrl,
    web::Web,
};

/// Longest set of keys, and longest discovery document, in bytes.
const LONGEST: usize = 128 << 10;

/// Where an issuer's keys are.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) web: Web,
    pub(crate) place: Place,
}

#[derive(Debug)]
pub(crate) enum Place {
    /// The keys themselves.
    Keys(WebUrl),
    /// The document that says where they are, and whose they are.
    Discovery { url: WebUrl, issuer: String },
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

impl Fetch for Published {
    async fn fetch(&self) -> Result<KeySet, String> {
        let found;
        let url = match &self.place {
            Place::Keys(url) => url,
            Place::Discovery { url, issuer } => {
                found = self.discover(url, issuer).await?;
                &found
            }
        };
        KeySet::parse(&self.web.get(url, LONGEST).await?)
    }
}

impl Published {
    async fn discover(&self, url: &WebUrl, issuer: &str) -> Result<WebUrl, String> {
        let document: Document = serde_json::from_slice(&self.web.get(url, LONGEST).await?)
            .map_err(|error| format!("{url}: its answer makes no sense: {error}"))?;
        if document.issuer != issuer {
            return Err(format!("{url} speaks for another issuer"));
        }
        let keys = WebUrl::parse(&document.jwks_uri).map_err(|fault| format!("{url}: {fault}"))?;
        // Who is asked over TLS leads nobody to where there is none.
        if url.encrypted() && !keys.encrypted() {
            return Err(format!("{url} names keys at a place without TLS"));
        }
        Ok(keys)
    }
}
