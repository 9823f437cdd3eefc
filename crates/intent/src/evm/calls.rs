//! Call data into effects.
//!
//! Functions are known by selector and arguments. Arguments that are not in the one encoding that compilers make (gaps,
//! overlaps, dirty padding, bytes left over) are not read at all: contracts differ on what they would mean. Calls inside a
//! call are opened, four deep.

mod abi;

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use alloy_sol_types::abi::AbiDecoderConfig;

use super::until::permit2_end;
use super::{Allowance, Approval, Asset, Effect, Native, Transfer, Unknown, Until, Why};
use abi::{Batch, BatchAfter, BatchBy, Dai, Erc20, Erc721, Erc721Data, Erc1155, Multicall3, Permit2};

/// Calls that hold calls, in each other at most.
const MAX_DEPTH: usize = 4;
/// Effects of one call at most.
const MAX_EFFECTS: usize = 256;
/// Memory for what was decoded at most, in bytes: call data is at most 128 KiB.
const MAX_MEMORY: usize = 1 << 20;

/// Adds what a call of `contract` by this account does. At least one effect is added.
pub(super) fn read(account: Address, contract: Address, data: &[u8], effects: &mut Vec<Effect>) {
    let call = Call {
        account,
        from: account,
        contract,
        depth: 0,
    };
    call.read(data, effects);
}

/// Who calls whom.
#[derive(Clone, Copy)]
struct Call {
    /// Who signs.
    account: Address,
    from: Address,
    contract: Address,
    depth: usize,
}

impl Call {
    fn read(self, data: &[u8], effects: &mut Vec<Effect>) {
        if effects.len() >= MAX_EFFECTS {
            // Said once for all the rest, so not in the name of this call.
            if !matches!(effects.last(), Some(Effect::Unknown(last)) if last.why == Why::TooMany) {
                effects.push(Effect::Unknown(Unknown {
                    from: self.account,
                    contract: None,
                    why: Why::TooMany,
                }));
            }
            return;
        }
        let Some((selector, arguments)) = data.split_first_chunk() else {
            effects.push(self.unknown(Why::NoFunction));
            return;
        };
        let before = effects.len();
        match self.known(*selector, arguments, effects) {
            Some(Known::Yes) if effects.len() > before => {}
            // A batch of nothing.
            Some(Known::Yes | Known::No) => effects.push(self.unknown(Why::Function(*selector))),
            None => {
                effects.truncate(before);
                effects.push(self.unknown(Why::Arguments(*selector)));
            }
        }
    }

    fn known(self, selector: [u8; 4], arguments: &[u8], effects: &mut Vec<Effect>) -> Option<Known> {
        if self.calls(selector, arguments, effects)? == Known::Yes {
            return Some(Known::Yes);
        }
        let effect = self.token(selector, arguments, effects)?;
        Some(effect)
    }

    /// Tokens that move, and who may move them.
    fn token(self, selector: [u8; 4], arguments: &[u8], effects: &mut Vec<Effect>) -> Option<Known> {
        let effect = match selector {
            Erc20::transferCall::SELECTOR => {
                let call: Erc20::transferCall = decode(arguments)?;
                // Of tokens from before ERC-721 (CryptoKitties) it moves an item.
                self.moves(self.from, call.to, Asset::UnitsOrId(call.amount))
            }
            Erc20::transferFromCall::SELECTOR => {
                let call: Erc20::transferFromCall = decode(arguments)?;
                self.moves(call.from, call.to, Asset::UnitsOrId(call.amount))
            }
            Erc20::approveCall::SELECTOR => {
                let call: Erc20::approveCall = decode(arguments)?;
                self.lets(self.from, call.spender, Allowance::UnitsOrId(call.amount))
            }
            Erc20::increaseAllowanceCall::SELECTOR => {
                let call: Erc20::increaseAllowanceCall = decode(arguments)?;
                self.lets(self.from, call.spender, Allowance::Added(call.amount))
            }
            Erc20::permitCall::SELECTOR => {
                let call: Erc20::permitCall = decode(arguments)?;
                self.lets(call.owner, call.spender, Allowance::Units(call.value))
            }
            Dai::permitCall::SELECTOR => {
                let call: Dai::permitCall = decode(arguments)?;
                self.lets(call.holder, call.spender, Allowance::all(call.allowed))
            }
            Erc721::setApprovalForAllCall::SELECTOR => {
                let call: Erc721::setApprovalForAllCall = decode(arguments)?;
                self.lets(self.from, call.operator, Allowance::all(call.approved))
            }
            Erc721::safeTransferFromCall::SELECTOR => {
                let call: Erc721::safeTransferFromCall = decode(arguments)?;
                self.moves(call.from, call.to, Asset::one(call.id))
            }
            Erc721Data::safeTransferFromCall::SELECTOR => {
                let call: Erc721Data::safeTransferFromCall = decode(arguments)?;
                self.moves(call.from, call.to, Asset::one(call.id))
            }
            Erc1155::safeTransferFromCall::SELECTOR => {
                let call: Erc1155::safeTransferFromCall = decode(arguments)?;
                let (id, count) = (call.id, call.amount);
                self.moves(call.from, call.to, Asset::Item { id, count })
            }
            Erc1155::safeBatchTransferFromCall::SELECTOR => return self.batch_of_items(arguments, effects),
            Permit2::approveCall::SELECTOR => {
                let call: Permit2::approveCall = decode(arguments)?;
                Effect::Approval(Approval {
                    token: call.token,
                    kept_by: self.contract,
                    owner: self.from,
                    spender: call.spender,
                    allowance: Allowance::Units(U256::from(call.amount)),
                    given_by: Until::Mined,
                    until: permit2_end(U256::from(call.expiration), Until::Mined),
                })
            }
            Permit2::transferFromCall::SELECTOR => {
                let call: Permit2::transferFromCall = decode(arguments)?;
                Effect::Transfer(Transfer {
                    token: call.token,
                    through: self.contract,
                    from: call.from,
                    to: call.to,
                    asset: Asset::Units(U256::from(call.amount)),
                    until: Until::Mined,
                })
            }
            _ => return Some(Known::No),
        };
        effects.push(effect);
        Some(Known::Yes)
    }

    fn batch_of_items(self, arguments: &[u8], effects: &mut Vec<Effect>) -> Option<Known> {
        let call: Erc1155::safeBatchTransferFromCall = decode(arguments)?;
        if call.ids.len() != call.amounts.len() || effects.len() + call.ids.len() > MAX_EFFECTS {
            return None;
        }
        let items = call.ids.into_iter().zip(call.amounts);
        effects.extend(items.map(|(id, count)| self.moves(call.from, call.to, Asset::Item { id, count })));
        Some(Known::Yes)
    }

    /// Calls that hold calls: of the contract to itself, in its caller's name, or of others in its own name.
    fn calls(self, selector: [u8; 4], arguments: &[u8], effects: &mut Vec<Effect>) -> Option<Known> {
        let inner: Inner = match selector {
            Batch::multicallCall::SELECTOR => to_itself(decode::<Batch::multicallCall>(arguments)?.data),
            BatchBy::multicallCall::SELECTOR => to_itself(decode::<BatchBy::multicallCall>(arguments)?.data),
            BatchAfter::multicallCall::SELECTOR => to_itself(decode::<BatchAfter::multicallCall>(arguments)?.data),
            Multicall3::aggregateCall::SELECTOR => to_others(decode::<Multicall3::aggregateCall>(arguments)?.calls),
            Multicall3::tryAggregateCall::SELECTOR => {
                to_others(decode::<Multicall3::tryAggregateCall>(arguments)?.calls)
            }
            Multicall3::blockAndAggregateCall::SELECTOR => {
                to_others(decode::<Multicall3::blockAndAggregateCall>(arguments)?.calls)
            }
            Multicall3::tryBlockAndAggregateCall::SELECTOR => {
                to_others(decode::<Multicall3::tryBlockAndAggregateCall>(arguments)?.calls)
            }
            Multicall3::aggregate3Call::SELECTOR => {
                let calls = decode::<Multicall3::aggregate3Call>(arguments)?.calls.into_iter();
                calls
                    .map(|call| (Some((call.target, U256::ZERO)), call.callData))
                    .collect()
            }
            Multicall3::aggregate3ValueCall::SELECTOR => {
                let calls = decode::<Multicall3::aggregate3ValueCall>(arguments)?.calls.into_iter();
                calls
                    .map(|call| (Some((call.target, call.value)), call.callData))
                    .collect()
            }
            _ => return Some(Known::No),
        };
        if self.depth == MAX_DEPTH {
            effects.push(self.unknown(Why::TooDeep));
            return Some(Known::Yes);
        }
        for (target, data) in inner {
            let depth = self.depth + 1;
            let Some((contract, value)) = target else {
                Self { depth, ..self }.read(&data, effects);
                continue;
            };
            let call = Self {
                from: self.contract,
                contract,
                depth,
                ..self
            };
            let full = effects.len() >= MAX_EFFECTS;
            if (!value.is_zero() || data.is_empty()) && !full {
                effects.push(Effect::Native(Native {
                    from: call.from,
                    to: contract,
                    value,
                }));
            }
            if !data.is_empty() || full {
                call.read(&data, effects);
            }
        }
        Some(Known::Yes)
    }

    const fn moves(self, from: Address, to: Address, asset: Asset) -> Effect {
        Effect::Transfer(Transfer {
            token: self.contract,
            through: self.contract,
            from,
            to,
            asset,
            until: Until::Mined,
        })
    }

    /// A token's own allowances have no end.
    const fn lets(self, owner: Address, spender: Address, allowance: Allowance) -> Effect {
        Effect::Approval(Approval {
            token: self.contract,
            kept_by: self.contract,
            owner,
            spender,
            allowance,
            given_by: Until::Mined,
            until: Until::Never,
        })
    }

    const fn unknown(self, why: Why) -> Effect {
        Effect::Unknown(Unknown {
            from: self.from,
            contract: Some(self.contract),
            why,
        })
    }
}

/// Whether a function is in our list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Yes,
    No,
}

/// Arguments in the one encoding that compilers make.
fn decode<C: SolCall>(arguments: &[u8]) -> Option<C> {
    let strict = AbiDecoderConfig::new().strict(true).memory_limit(MAX_MEMORY);
    C::abi_decode_raw_with_config(arguments, strict).ok()
}

type Inner = Vec<(Option<(Address, U256)>, alloy_primitives::Bytes)>;

fn to_itself(calls: Vec<alloy_primitives::Bytes>) -> Inner {
    calls.into_iter().map(|data| (None, data)).collect()
}

fn to_others(calls: Vec<Multicall3::Call>) -> Inner {
    let calls = calls.into_iter();
    calls
        .map(|call| (Some((call.target, U256::ZERO)), call.callData))
        .collect()
}

#[cfg(test)]
mod tests;
