//! Facts and effects for a person.

use core::fmt;

use super::text::SignIn;
use super::transaction::Facts;
use super::{Approval, Creation, Effect, Native, Order, OrderItem, Statement, Transfer, Unknown, Until, Why};

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
            Self::Transfer(transfer) => transfer.fmt(f),
            Self::Approval(approval) => approval.fmt(f),
            Self::Order(order) => order.fmt(f),
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

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            token,
            through,
            from,
            to,
            asset,
            until,
        } = self;
        write!(f, "moves    {asset} of token {token} from {from} to {to}, {until}")?;
        if through != token {
            write!(f, ", through {through}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            token,
            kept_by,
            owner,
            spender,
            allowance,
            given_by,
            until,
        } = self;
        write!(
            f,
            "lets     {spender} move {allowance} of token {token} from {owner}, {until}"
        )?;
        if *given_by != Until::Mined {
            write!(f, ", if this is shown {given_by}")?;
        }
        if kept_by != token {
            write!(f, ", through {kept_by}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { market, offerer, .. } = self;
        write!(f, "offers   on {market} from {offerer}, {}:", self.until)?;
        if self.gives.is_empty() {
            f.write_str(" gives nothing")?;
        }
        for item in &self.gives {
            write!(f, " gives {item};")?;
        }
        if self.takes.is_empty() {
            f.write_str(" asks for nothing")?;
        }
        for (item, to) in &self.takes {
            write!(f, " asks for {item} to {to};")?;
        }
        Ok(())
    }
}

impl fmt::Display for OrderItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.token {
            None => write!(f, "{} of native currency", self.asset),
            Some(token) => write!(f, "{} of token {token}", self.asset),
        }
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
            Self::Arguments(selector) => {
                let selector = alloy_primitives::hex::encode_prefixed(selector);
                write!(f, "arguments of function {selector}")
            }
            Self::TooDeep => f.write_str("calls too deep in others"),
            Self::TooMany => f.write_str("calls, too many to be read"),
            Self::Type(name) => write!(f, "typed data {name}"),
            Self::Digest => f.write_str("digest of anything"),
        }
    }
}
