//! Outputs that nobody should make: dust, burnt money, scripts that nobody or anybody can spend.

use bitcoin::address::AddressType;
use bitcoin::{Address, Network, TxOut, XOnlyPublicKey};

use super::Refused;

/// The longest data output, script and all, that every node relays.
const MAX_DATA_SCRIPT: usize = 83;

/// The output's address; `None` for data.
pub(super) fn check(index: usize, txout: &TxOut, network: Network) -> Result<Option<Address>, Refused> {
    let script = &txout.script_pubkey;
    if script.is_op_return() {
        if txout.value.to_sat() > 0 {
            return Err(Refused::BurnedValue { output: index });
        }
        if script.len() > MAX_DATA_SCRIPT {
            return Err(Refused::DataTooLong {
                output: index,
                limit: MAX_DATA_SCRIPT,
            });
        }
        return Ok(None);
    }
    // Versions of segwit yet to come are free for all to spend today.
    let address = Address::from_script(script, network)
        .ok()
        .filter(|address| address.address_type().is_some())
        .ok_or(Refused::NonStandardOutput { output: index })?;
    if address.address_type() == Some(AddressType::P2tr) && XOnlyPublicKey::from_slice(&script.as_bytes()[2..]).is_err()
    {
        return Err(Refused::UnspendableOutput { output: index });
    }
    let minimum = script.minimal_non_dust();
    if txout.value < minimum {
        return Err(Refused::Dust {
            output: index,
            value: txout.value,
            minimum,
        });
    }
    Ok(Some(address))
}
