//! Call data into effects.

use alloy_primitives::Address;

use super::{Effect, Unknown, Why};

/// Adds what a call of `contract` in the name of `from` does. At least one effect is added.
pub(super) fn read(from: Address, contract: Address, data: &[u8], effects: &mut Vec<Effect>) {
    let why = match data.first_chunk() {
        Some(selector) => Why::Function(*selector),
        None => Why::NoFunction,
    };
    effects.push(Effect::Unknown(Unknown {
        from,
        contract: Some(contract),
        why,
    }));
}
