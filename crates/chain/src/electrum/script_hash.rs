//! How the protocol names a script: the SHA-256 of its bytes, in hex, backwards.

use std::fmt;

use bitcoin::{
    Script,
    hashes::{Hash, sha256},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A script's name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ScriptHash([u8; 32]);

impl From<&Script> for ScriptHash {
    fn from(script: &Script) -> Self {
        let mut hash = sha256::Hash::hash(script.as_bytes()).to_byte_array();
        hash.reverse();
        Self(hash)
    }
}

impl fmt::Debug for ScriptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Serialize for ScriptHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for ScriptHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = hex::decode(text).map_err(D::Error::custom)?;
        bytes.try_into().map(Self).map_err(|_| D::Error::custom("not 32 bytes"))
    }
}
