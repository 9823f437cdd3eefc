//! The public URL as text in the configuration.

use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
use twofold_api::public_url::PublicUrl;

pub(super) fn serialize<S: Serializer>(url: &PublicUrl, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(url.as_str())
}

pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<PublicUrl, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}
