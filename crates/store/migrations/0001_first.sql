-- The first schema. Identifiers and hashes are raw bytes; times are seconds since 1970.
-- Tables whose rows are small and found by a blob are clustered by it.

PRAGMA application_id = 0x32464c44; -- "2FLD"

CREATE TABLE server_secrets (
    name TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id BLOB PRIMARY KEY,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    UNIQUE (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (
    code_hash BLOB PRIMARY KEY,
    expires INTEGER NOT NULL,
    used_by BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_by_expiry ON invitations (expires);

CREATE TABLE devices (
    id BLOB PRIMARY KEY,
    identity BLOB NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    enrolled INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_by_user ON devices (user_id);

CREATE TABLE wallets (
    id BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    -- Counts a user's wallets, so that they list in the order they were made.
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    birthday INTEGER NOT NULL,
    state BLOB NOT NULL,
    public BLOB,
    UNIQUE (user_id, number)
) STRICT, WITHOUT ROWID;

-- A wallet's device list and recovery package: each grows for ever and seldom changes, while `wallets` is rewritten with
-- every signature. Both are entries behind 4-byte little-endian lengths.
CREATE TABLE wallet_chains (
    wallet BLOB PRIMARY KEY REFERENCES wallets (id),
    device_list BLOB NOT NULL,
    package BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE shares (
    wallet BLOB NOT NULL REFERENCES wallets (id),
    kind INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (wallet, kind, epoch)
) STRICT, WITHOUT ROWID;

-- `wallet` may name one that is not there yet.
CREATE TABLE ceremonies (
    id BLOB PRIMARY KEY,
    wallet BLOB NOT NULL UNIQUE,
    user_id BLOB NOT NULL REFERENCES users (id),
    expires INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    public BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ceremonies_by_expiry ON ceremonies (expires);
CREATE INDEX ceremonies_by_user ON ceremonies (user_id, expires);

CREATE TABLE replays (
    device BLOB NOT NULL,
    nonce BLOB NOT NULL,
    digest BLOB NOT NULL,
    sealed_reply BLOB NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (device, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX replays_by_expiry ON replays (expires);

CREATE TABLE audit (
    wallet BLOB NOT NULL REFERENCES wallets (id),
    seq INTEGER NOT NULL,
    entry BLOB NOT NULL,
    chain BLOB NOT NULL,
    PRIMARY KEY (wallet, seq)
) STRICT, WITHOUT ROWID;

-- `amount` is an unsigned 64-bit number, bit for bit.
CREATE TABLE charges (
    wallet BLOB NOT NULL REFERENCES wallets (id),
    outpoint BLOB NOT NULL,
    asset TEXT NOT NULL,
    amount INTEGER NOT NULL,
    mac BLOB NOT NULL,
    PRIMARY KEY (wallet, outpoint, asset)
) STRICT, WITHOUT ROWID;

-- `settled` is the height of the block that decided: it holds the transaction or a conflict of it.
CREATE TABLE issued (
    wallet BLOB NOT NULL REFERENCES wallets (id),
    txid BLOB NOT NULL,
    outpoints BLOB NOT NULL,
    raw BLOB NOT NULL,
    at INTEGER NOT NULL,
    settled INTEGER,
    PRIMARY KEY (wallet, txid)
) STRICT, WITHOUT ROWID;
CREATE INDEX issued_waiting ON issued (wallet, at) WHERE settled IS NULL;
CREATE INDEX issued_settled ON issued (settled) WHERE settled IS NOT NULL;

CREATE TABLE issued_outpoints (
    wallet BLOB NOT NULL,
    outpoint BLOB NOT NULL,
    txid BLOB NOT NULL,
    PRIMARY KEY (wallet, outpoint, txid),
    FOREIGN KEY (wallet, txid) REFERENCES issued (wallet, txid) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX issued_outpoints_by_txid ON issued_outpoints (wallet, txid);

CREATE TABLE scripts (
    output_key BLOB PRIMARY KEY,
    wallet BLOB NOT NULL REFERENCES wallets (id),
    keychain INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    UNIQUE (wallet, keychain, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE transactions (
    number INTEGER PRIMARY KEY,
    wallet BLOB NOT NULL REFERENCES wallets (id),
    txid BLOB NOT NULL,
    cursor INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    height INTEGER,
    block_hash BLOB,
    position INTEGER,
    branch BLOB,
    raw BLOB NOT NULL,
    UNIQUE (wallet, txid)
) STRICT;
CREATE UNIQUE INDEX transactions_by_cursor ON transactions (wallet, cursor);
CREATE INDEX transactions_by_height ON transactions (height) WHERE height IS NOT NULL;
CREATE INDEX transactions_waiting ON transactions (txid, wallet) WHERE height IS NULL AND gone = 0;

CREATE TABLE coins (
    outpoint BLOB PRIMARY KEY,
    wallet BLOB NOT NULL REFERENCES wallets (id),
    value INTEGER NOT NULL,
    keychain INTEGER NOT NULL,
    idx INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX coins_by_wallet ON coins (wallet, keychain, idx);

CREATE TABLE blocks (
    height INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    header BLOB NOT NULL
) STRICT;

CREATE TABLE rescans (
    wallet BLOB PRIMARY KEY REFERENCES wallets (id),
    next INTEGER NOT NULL,
    last INTEGER NOT NULL,
    missing_below INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX rescans_unfinished ON rescans (next) WHERE next <= last;
