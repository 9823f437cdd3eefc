//! Facts and effects for a person.

use core::fmt;

use super::text::SignIn;
use super::transaction::Facts;
use super::{Creation, Effect, Native, Statement, Unknown, Why};

impl fmt::Display for Facts {
    /// One fact a line, each starting with its name; native amounts in wei.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for effect in &self.effects {
            writeln!(f, "{effect}")?;
        }
        writeln!(
            f,
            "fee      {} wei at most, {} gas at {} wei",
            self.fee_ceiling, self.gas_limit, self.fee_per_gas
        )?;
        write!(f, "chain    {}, {} with nonce {}", self.chain, self.from, self.nonce)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native(native) => native.fmt(f),
            Self::Creation(creation) => creation.fmt(f),
            Self::SignIn(sign_in) => sign_in.fmt(f),
            Self::Statement(statement) => statement.fmt(f),
            Self::Unknown(unknown) => unknown.fmt(f),
        }
    }
}

impl fmt::Display for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pays     {} wei from {} to {}", self.value, self.from, self.to)
    }
}

impl fmt::Display for Creation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at,
            value,
            code_hash,
            code_length,
        } = self;
        write!(
            f,
            "creates  a contract at {at}, given {value} wei, of {code_length} bytes with hash {code_hash}"
        )
    }
}

impl fmt::Display for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            domain,
            address,
            uri,
            until,
            ..
        } = self;
        write!(f, "signs in {address} at {domain} for {uri}, {until}")?;
        if let Some(statement) = &self.statement {
            write!(f, "; it says {statement:?}")?;
        }
        for resource in &self.resources {
            write!(f, "; it also asks for {resource}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "says     {:?} in the name of {}", self.text, self.from)
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown  {}", self.why)?;
        if let Some(contract) = self.contract {
            write!(f, " of {contract}")?;
        }
        write!(f, ", asked by {}: it may do anything that {} may", self.from, self.from)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function(selector) => write!(f, "function {}", alloy_primitives::hex::encode_prefixed(selector)),
            Self::NoFunction => f.write_str("call that names no function"),
            Self::Type(name) => write!(f, "typed data {name}"),
            Self::Digest => f.write_str("digest of anything"),
        }
    }
}
