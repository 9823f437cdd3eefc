//! Tokens: what moves, and how much somebody else may move.

use core::fmt;

use alloy_primitives::U256;

/// What moves of a token. Only the contract knows how many decimals its units have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asset {
    /// So many of its smallest units (ERC-20).
    Units(U256),
    /// So many units, or the one item of this id: the same call means either, and only the contract knows which.
    UnitsOrId(U256),
    /// So many of the item of this id (ERC-721, ERC-1155).
    Item {
        /// The item.
        id: U256,
        /// How many: one, where each is unique.
        count: U256,
    },
    /// So many of the items under this Merkle root, whoever fills the order choosing which; of any item where it is zero.
    AnyOf {
        /// The root.
        root: U256,
        /// How many.
        count: U256,
    },
}

impl Asset {
    /// The one item of this id.
    pub(super) const fn one(id: U256) -> Self {
        Self::Item { id, count: U256::ONE }
    }
}

/// How much of a token somebody else may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// So many units in all.
    Units(U256),
    /// So many units, or the one item of this id: the same call means either, and only the contract knows which. Zero is no
    /// taking back: it may be item 0 that the spender gets, unless the spender is the zero address.
    UnitsOrId(U256),
    /// So many units more than before.
    Added(U256),
    /// The one item of this id.
    Item(U256),
    /// All there is and all that comes.
    Everything,
    /// Nothing any more.
    Nothing,
}

impl Allowance {
    /// All or nothing.
    pub(super) const fn all(allowed: bool) -> Self {
        if allowed { Self::Everything } else { Self::Nothing }
    }

    /// Whether it is named as no limit: everything, or 2^95 units and more. Some tokens count no further than 2^96 - 1, and take
    /// that for no limit; half of it is as good as all of it, and is 39 thousand million tokens of 18 decimals. The few tokens
    /// with a larger supply are named so too early.
    ///
    /// It is a word for a person. What is less may still be all that the owner has, so policy never goes by it alone: it
    /// compares the units with a limit for that token.
    #[must_use]
    pub fn unlimited(&self) -> bool {
        match self {
            Self::Units(units) | Self::UnitsOrId(units) | Self::Added(units) => units.bit_len() > 95,
            Self::Everything => true,
            Self::Item(_) | Self::Nothing => false,
        }
    }
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Units(units) => write!(f, "{units} units"),
            Self::UnitsOrId(number) => write!(f, "{number} units, or item {number},"),
            Self::Item { id, count } => write!(f, "{count} of item {id}"),
            Self::AnyOf { root, count } if root.is_zero() => write!(f, "any {count} items"),
            Self::AnyOf { root, count } => write!(f, "any {count} of the items under {root:#x}"),
        }
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.unlimited() {
            f.write_str("UNLIMITED: ")?;
        }
        match self {
            Self::Units(units) => write!(f, "{units} units"),
            Self::UnitsOrId(number) => write!(f, "{number} units, or item {number},"),
            Self::Added(units) => write!(f, "{units} units more"),
            Self::Item(id) => write!(f, "item {id}"),
            Self::Everything => f.write_str("everything"),
            Self::Nothing => f.write_str("nothing any more"),
        }
    }
}
