//! Bounds that both sides know. The server enforces them; a client that keeps to them is never refused for size.

/// Version of the protocol spoken here; a request of another major is refused with `UPGRADE_REQUIRED`.
pub const PROTOCOL: u32 = 1;
/// Most bytes in a request body, envelope included.
pub const BODY_BYTES: usize = 256 * 1024;
/// Most bytes in the body of the one request that is longer: what a device brings back to a server that was restored, with
/// as many refreshes and as long a device list as a wallet may have. All of it counts together, so it goes in one piece.
pub const FORWARD_BYTES: usize = 3 * 1024 * 1024;
/// Most bytes in the body of a request to join: its sender is not known yet, and an invitation's code is short.
pub const JOIN_BYTES: usize = 4 * 1024;
/// Most bytes in all request headers together.
pub const HEADER_BYTES: usize = 16 * 1024;
/// Most bytes in a reply.
pub const REPLY_BYTES: usize = 8 * 1024 * 1024;
/// Most bytes in one canonical message of a ceremony, a package or the audit chain.
pub const MESSAGE_BYTES: usize = 64 * 1024;
/// Most bytes in a transaction to broadcast.
pub const TRANSACTION_BYTES: usize = 200 * 1024;
/// Most blocks that a sync request names.
pub const LOCATOR_BLOCKS: usize = 32;
/// Most bytes in a PSBT.
pub const PSBT_BYTES: usize = 192 * 1024;
/// Most bytes in a text to be signed for an address.
pub const TEXT_BYTES: usize = 64 * 1024;
/// Most own inputs that one signing request may carry.
pub const INPUTS: usize = 100;
/// Most characters in a name that a person gives to a device or wallet.
pub const NAME_CHARS: usize = 64;
/// How far a request's `created` may lie from the server's clock, either way, in seconds.
pub const SKEW_SECONDS: u64 = 30;
/// Longest span between `created` and `expires`, in seconds.
pub const LIFETIME_SECONDS: u64 = 60;
/// Bytes of a request nonce.
pub const NONCE_BYTES: usize = 16;
/// How long the server waits for a recovery holder on another machine, in seconds.
pub const ELSEWHERE_SECONDS: u64 = 7 * 86_400;
/// Most headers in one sync reply.
pub const SYNC_HEADERS: usize = 2000;
/// Most transactions in one sync reply.
pub const SYNC_TRANSACTIONS: usize = 100;
/// Most audit entries in one reply.
pub const AUDIT_ENTRIES: usize = 200;
/// Most audit entries that a device brings back to a server that was restored, and most bytes of them together.
pub const BROUGHT_ENTRIES: usize = 512;
/// See [`BROUGHT_ENTRIES`].
pub const BROUGHT_BYTES: usize = 96 * 1024;
/// Unused addresses watched past the last used one, on each keychain.
pub const GAP_LIMIT: u32 = 20;
/// Most bytes of what a device leaves for one that it enrols.
pub const PARCEL_BYTES: usize = 2048;
/// Letters of one pairing.
pub const LETTERS: usize = 3;
/// Most bytes of one of them.
pub const LETTER_BYTES: usize = twofold_threshold::pairing::MAX_LETTER;
/// How long the server keeps them, in seconds.
pub const PAIRING_SECONDS: u64 = 600;
/// Most wallets in one page of a list.
pub const LISTED_WALLETS: usize = 100;
/// Most addresses in one reply to an app's backend.
pub const FOUND_ADDRESSES: usize = 50;
/// Most bytes of what an issuer is called, and of what it calls a person.
pub const PERSON_BYTES: usize = 255;
/// Most changes that wait in one wallet.
pub const WAITING: usize = 64;
