//! The types that are known, each to the letter.

pub(super) mod erc2612 {
    alloy_sol_types::sol! {
        struct Permit { address owner; address spender; uint256 value; uint256 nonce; uint256 deadline; }
    }
}

/// From before ERC-2612.
pub(super) mod dai {
    alloy_sol_types::sol! {
        struct Permit { address holder; address spender; uint256 nonce; uint256 expiry; bool allowed; }
    }
}

/// For one item, as Uniswap's positions have it.
pub(super) mod erc4494 {
    alloy_sol_types::sol! {
        struct Permit { address spender; uint256 tokenId; uint256 nonce; uint256 deadline; }
    }
}

pub(super) mod erc3009 {
    alloy_sol_types::sol! {
        struct TransferWithAuthorization { address from; address to; uint256 value; uint256 validAfter; uint256 validBefore; bytes32 nonce; }
        struct ReceiveWithAuthorization { address from; address to; uint256 value; uint256 validAfter; uint256 validBefore; bytes32 nonce; }
    }
}

pub(super) mod permit2 {
    alloy_sol_types::sol! {
        struct PermitDetails { address token; uint160 amount; uint48 expiration; uint48 nonce; }
        struct PermitSingle { PermitDetails details; address spender; uint256 sigDeadline; }
        struct PermitBatch { PermitDetails[] details; address spender; uint256 sigDeadline; }
        struct TokenPermissions { address token; uint256 amount; }
        struct PermitTransferFrom { TokenPermissions permitted; address spender; uint256 nonce; uint256 deadline; }
        struct PermitBatchTransferFrom { TokenPermissions[] permitted; address spender; uint256 nonce; uint256 deadline; }
    }
}

pub(super) mod seaport {
    alloy_sol_types::sol! {
        struct OfferItem { uint8 itemType; address token; uint256 identifierOrCriteria; uint256 startAmount; uint256 endAmount; }
        struct ConsiderationItem { uint8 itemType; address token; uint256 identifierOrCriteria; uint256 startAmount; uint256 endAmount; address recipient; }
        struct OrderComponents {
            address offerer;
            address zone;
            OfferItem[] offer;
            ConsiderationItem[] consideration;
            uint8 orderType;
            uint256 startTime;
            uint256 endTime;
            bytes32 zoneHash;
            uint256 salt;
            bytes32 conduitKey;
            uint256 counter;
        }
    }
}
