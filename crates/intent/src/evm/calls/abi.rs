//! The functions that are known. One interface for each overload, so that each has its name.

alloy_sol_types::sol! {
    // ERC-20, ERC-2612 and, where they share a selector, ERC-721.
    interface Erc20 {
        function transfer(address to, uint256 amount);
        function transferFrom(address from, address to, uint256 amount);
        function approve(address spender, uint256 amount);
        function increaseAllowance(address spender, uint256 amount);
        function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s);
    }

    // DAI's permit, from before ERC-2612.
    interface Dai {
        function permit(address holder, address spender, uint256 nonce, uint256 expiry, bool allowed, uint8 v, bytes32 r, bytes32 s);
    }

    // ERC-721 and, where they share a selector, ERC-1155.
    interface Erc721 {
        function setApprovalForAll(address operator, bool approved);
        function safeTransferFrom(address from, address to, uint256 id);
    }

    interface Erc721Data {
        function safeTransferFrom(address from, address to, uint256 id, bytes data);
    }

    interface Erc1155 {
        function safeTransferFrom(address from, address to, uint256 id, uint256 amount, bytes data);
        function safeBatchTransferFrom(address from, address to, uint256[] ids, uint256[] amounts, bytes data);
    }

    interface Permit2 {
        function approve(address token, address spender, uint160 amount, uint48 expiration);
        function transferFrom(address from, address to, uint160 amount, address token);
    }

    // A contract that calls itself, in its caller's name (delegatecall).
    interface Batch {
        function multicall(bytes[] data);
    }

    // By a deadline.
    interface BatchBy {
        function multicall(uint256 deadline, bytes[] data);
    }

    // After a block.
    interface BatchAfter {
        function multicall(bytes32 previousBlockhash, bytes[] data);
    }

    interface Multicall3 {
        struct Call { address target; bytes callData; }
        struct Call3 { address target; bool allowFailure; bytes callData; }
        struct Call3Value { address target; bool allowFailure; uint256 value; bytes callData; }

        function aggregate(Call[] calls);
        function tryAggregate(bool requireSuccess, Call[] calls);
        function blockAndAggregate(Call[] calls);
        function tryBlockAndAggregate(bool requireSuccess, Call[] calls);
        function aggregate3(Call3[] calls);
        function aggregate3Value(Call3Value[] calls);
    }
}
