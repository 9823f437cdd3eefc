//! The facts for a person: who is paid, what it costs, what comes back.

use core::fmt;

use bitcoin::absolute::LockTime;
use bitcoin::{Amount, Denomination};

use super::{Facts, Payment};

impl fmt::Display for Facts {
    /// One fact a line, each starting with its name; amounts in whole bitcoin with eight decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for payment in &self.payments {
            writeln!(f, "{payment}")?;
        }
        for change in &self.change {
            let (keychain, child) = (change.keychain, change.child);
            writeln!(
                f,
                "change   {} back to this wallet ({keychain} {child})",
                Btc(change.value)
            )?;
        }
        let rate = TenthsOf(self.fee_rate().to_sat_per_kwu());
        writeln!(f, "fee      {}, {rate} sat/vB over {} vB", Btc(self.fee), self.vsize())?;
        writeln!(
            f,
            "inputs   {} of this wallet, {}",
            self.inputs.len(),
            Btc(self.own_value())
        )?;
        for foreign in &self.foreign_inputs {
            let (index, outpoint) = (foreign.index, foreign.outpoint);
            writeln!(
                f,
                "foreign  {} at input {index} ({outpoint}), left alone",
                Btc(foreign.value)
            )?;
        }
        match self.lock_time {
            LockTime::Blocks(height) if height.to_consensus_u32() > 0 => writeln!(f, "lock     after block {height}")?,
            LockTime::Blocks(_) => {}
            LockTime::Seconds(time) => writeln!(f, "lock     after {time} seconds since 1970")?,
        }
        if self.charge() != self.share() {
            writeln!(f, "charged  {}, others' payments included", Btc(self.charge()))?;
        }
        write!(f, "leaves   {} of this wallet's money in all", Btc(self.share()))
    }
}

impl fmt::Display for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            None => write!(f, "data     {}", self.script.to_hex_string()),
            Some(address) => {
                write!(f, "pays     {} to {address}", Btc(self.value))?;
                if self.to_self {
                    f.write_str(" (this wallet's, but past what it watches: counted as a payment)")?;
                }
                Ok(())
            }
        }
    }
}

/// An amount in bitcoin, all eight decimals shown.
struct Btc(Amount);

impl fmt::Display for Btc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.8} BTC", self.0.display_in(Denomination::Bitcoin))
    }
}

/// A rate in sat/kwu as sat/vB with one decimal, rounded down.
struct TenthsOf(u64);

impl fmt::Display for TenthsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0 / 25;
        write!(f, "{}.{}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests;
