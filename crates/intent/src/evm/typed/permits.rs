//! Typed data that moves tokens or lets others move them, once somebody shows it to a contract.
//!
//! A type is known by its whole text, never by its name alone.

mod types;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolStruct, SolType, SolValue};

use super::Domain;
use super::schema::{Kind, Schema};
use crate::evm::until::permit2_end;
use crate::evm::{Allowance, Approval, Asset, Effect, Order, OrderItem, Transfer, Until};
use types::{dai, erc2612, erc3009, erc4494, permit2, seaport};

/// A message, and the type that it is of.
pub(super) struct Message<'a> {
    pub(super) schema: &'a Schema,
    pub(super) primary: &'a str,
    pub(super) value: &'a DynSolValue,
    pub(super) domain: &'a Domain,
    /// Who signs.
    pub(super) from: Address,
}

impl Message<'_> {
    /// What it lets happen; `None` where it is not known.
    pub(super) fn effects(&self) -> Option<Vec<Effect>> {
        // Without a contract that verifies, nobody knows which token is meant.
        let contract = self.domain.contract?;
        match self.primary {
            "Permit" => self.permit(contract).map(|effect| vec![effect]),
            "TransferWithAuthorization" | "ReceiveWithAuthorization" => {
                self.authorization(contract).map(|effect| vec![effect])
            }
            "PermitSingle" | "PermitBatch" => self.allowances(contract),
            "PermitTransferFrom"
            | "PermitBatchTransferFrom"
            | "PermitWitnessTransferFrom"
            | "PermitBatchWitnessTransferFrom" => self.transfers(contract),
            "OrderComponents" => {
                let order: seaport::OrderComponents = self.take()?;
                Some(vec![order_effect(contract, order)?])
            }
            "BulkOrder" => self.orders(contract),
            _ => None,
        }
    }

    /// The message, where its type is this one to the letter.
    fn take<T>(&self) -> Option<T>
    where
        T: SolStruct + SolValue,
        T::SolType: SolType<RustType = T>,
    {
        let text = self.schema.text(self.primary).ok()?;
        (text == T::eip712_encode_type()).then(|| read(self.value))?
    }

    fn permit(&self, token: Address) -> Option<Effect> {
        // What a token allows has no end, whenever it was told to.
        let lets = |owner, spender, allowance, deadline| {
            Some(Effect::Approval(Approval {
                token,
                kept_by: token,
                owner,
                spender,
                allowance,
                given_by: Until::from_seconds(deadline),
                until: Until::Never,
            }))
        };
        if let Some(permit) = self.take::<erc2612::Permit>() {
            return lets(
                permit.owner,
                permit.spender,
                Allowance::Units(permit.value),
                permit.deadline,
            );
        }
        if let Some(permit) = self.take::<dai::Permit>() {
            // DAI reads an expiry of zero as none.
            let until = if permit.expiry.is_zero() {
                U256::MAX
            } else {
                permit.expiry
            };
            return lets(permit.holder, permit.spender, Allowance::all(permit.allowed), until);
        }
        let permit: erc4494::Permit = self.take()?;
        lets(
            self.from,
            permit.spender,
            Allowance::Item(permit.tokenId),
            permit.deadline,
        )
    }

    /// EIP-3009.
    fn authorization(&self, token: Address) -> Option<Effect> {
        let (from, to, value, until) = if let Some(it) = self.take::<erc3009::TransferWithAuthorization>() {
            (it.from, it.to, it.value, it.validBefore)
        } else {
            let it: erc3009::ReceiveWithAuthorization = self.take()?;
            (it.from, it.to, it.value, it.validBefore)
        };
        Some(Effect::Transfer(Transfer {
            token,
            through: token,
            from,
            to,
            asset: Asset::Units(value),
            until: Until::from_seconds(until),
        }))
    }

    /// Permit2's allowances, which stay until they expire.
    fn allowances(&self, kept_by: Address) -> Option<Vec<Effect>> {
        let (details, spender, deadline) = if let Some(single) = self.take::<permit2::PermitSingle>() {
            (vec![single.details], single.spender, single.sigDeadline)
        } else {
            let batch: permit2::PermitBatch = self.take()?;
            (batch.details, batch.spender, batch.sigDeadline)
        };
        let given_by = Until::from_seconds(deadline);
        let effect = |details: permit2::PermitDetails| {
            Effect::Approval(Approval {
                token: details.token,
                kept_by,
                owner: self.from,
                spender,
                allowance: Allowance::Units(U256::from(details.amount)),
                given_by,
                until: permit2_end(U256::from(details.expiration), given_by),
            })
        };
        some(details.into_iter().map(effect).collect())
    }

    /// Permit2's transfers, once each, to whom the spender likes.
    fn transfers(&self, kept_by: Address) -> Option<Vec<Effect>> {
        let (permitted, spender, deadline) = match self.primary {
            "PermitTransferFrom" => one(self.take()?),
            "PermitBatchTransferFrom" => many(self.take()?),
            "PermitWitnessTransferFrom" => one(self.witnessed()?),
            _ => many(self.witnessed()?),
        };
        let effect = |permitted: permit2::TokenPermissions| {
            Effect::Approval(Approval {
                token: permitted.token,
                kept_by,
                owner: self.from,
                spender,
                allowance: Allowance::Units(permitted.amount),
                given_by: Until::from_seconds(deadline),
                until: Until::from_seconds(deadline),
            })
        };
        some(permitted.into_iter().map(effect).collect())
    }

    /// The same with a witness at the end, which binds the spender further and adds nothing to what may leave.
    fn witnessed<T>(&self) -> Option<T>
    where
        T: SolStruct + SolValue,
        T::SolType: SolType<RustType = T>,
    {
        let known = T::eip712_encode_type();
        let (members, rest) = known.strip_prefix(T::NAME)?.split_once(')')?;
        let text = self.schema.text(self.primary).ok()?;
        let own = text
            .strip_prefix(self.primary)?
            .strip_prefix(members)?
            .strip_prefix(',')?;
        let witness_alone = own.split_once(')').is_some_and(|(member, _)| !member.contains(','));
        let DynSolValue::CustomStruct {
            name,
            prop_names,
            tuple,
        } = self.value
        else {
            return None;
        };
        if !witness_alone || self.schema.text("TokenPermissions").ok()? != rest {
            return None;
        }
        let (_, tuple) = tuple.split_last()?;
        let (_, prop_names) = prop_names.split_last()?;
        read(&DynSolValue::CustomStruct {
            name: name.clone(),
            prop_names: prop_names.to_vec(),
            tuple: tuple.to_vec(),
        })
    }

    /// Seaport's tree of orders: a signature for each leaf.
    fn orders(&self, market: Address) -> Option<Vec<Effect>> {
        let [member] = self.schema.members(self.primary)? else {
            return None;
        };
        let pairs = !member.arrays.is_empty() && member.arrays.iter().all(|length| *length == Some(2));
        let leaf = Kind::Struct(<seaport::OrderComponents as SolStruct>::NAME.to_owned());
        let text = self.schema.text(<seaport::OrderComponents as SolStruct>::NAME).ok()?;
        if !pairs || member.kind != leaf || text != seaport::OrderComponents::eip712_encode_type() {
            return None;
        }
        let DynSolValue::CustomStruct { tuple, .. } = self.value else {
            return None;
        };
        let (mut effects, mut rest) = (Vec::new(), vec![tuple.first()?]);
        while let Some(value) = rest.pop() {
            match value {
                DynSolValue::FixedArray(pair) => rest.extend(pair.iter().rev()),
                leaf => effects.push(order_effect(market, read(leaf)?)?),
            }
        }
        some(effects)
    }
}

fn one(permit: permit2::PermitTransferFrom) -> (Vec<permit2::TokenPermissions>, Address, U256) {
    (vec![permit.permitted], permit.spender, permit.deadline)
}

fn many(permit: permit2::PermitBatchTransferFrom) -> (Vec<permit2::TokenPermissions>, Address, U256) {
    (permit.permitted, permit.spender, permit.deadline)
}

/// Nothing is no effect that is known.
fn some(effects: Vec<Effect>) -> Option<Vec<Effect>> {
    (!effects.is_empty()).then_some(effects)
}

fn read<T>(value: &DynSolValue) -> Option<T>
where
    T: SolValue,
    T::SolType: SolType<RustType = T>,
{
    T::abi_decode(&value.abi_encode()).ok()
}

fn order_effect(market: Address, order: seaport::OrderComponents) -> Option<Effect> {
    let gives = order.offer.into_iter().map(|offer| {
        let most = offer.startAmount.max(offer.endAmount);
        item(offer.itemType, offer.token, offer.identifierOrCriteria, most)
    });
    let takes = order.consideration.into_iter().map(|wanted| {
        let least = wanted.startAmount.min(wanted.endAmount);
        item(wanted.itemType, wanted.token, wanted.identifierOrCriteria, least).map(|item| (item, wanted.recipient))
    });
    Some(Effect::Order(Order {
        market,
        offerer: order.offerer,
        gives: gives.collect::<Option<_>>()?,
        takes: takes.collect::<Option<_>>()?,
        until: Until::from_seconds(order.endTime),
    }))
}

/// Seaport's six kinds of items.
fn item(kind: u8, token: Address, id: U256, amount: U256) -> Option<OrderItem> {
    let (token, asset) = match kind {
        0 => (None, Asset::Units(amount)),
        1 => (Some(token), Asset::Units(amount)),
        2 | 3 => (Some(token), Asset::Item { id, count: amount }),
        4 | 5 => (
            Some(token),
            Asset::AnyOf {
                root: id,
                count: amount,
            },
        ),
        _ => return None,
    };
    Some(OrderItem { token, asset })
}

#[cfg(test)]
mod tests;
