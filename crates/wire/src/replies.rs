//! Replies: to the wire as they are, from the wire with every check, since a server may be hostile too.

use buffa::{EnumValue, MessageField};
use twofold_api::{
    address::Statement,
    limits::{AUDIT_ENTRIES, LISTED_WALLETS, MESSAGE_BYTES, SYNC_HEADERS, SYNC_TRANSACTIONS},
    reply,
};

use crate::{
    malformed::{Malformed, Problem},
    parts::{after, bounded, chain, counted, counter, each, fixed, head, message, name, required, word},
    proto,
};

/// Most entries of a device list and links of a package: more than any wallet lives to see.
const LINKS: usize = 1000;
/// Most bytes in a mined transaction.
const MINED_BYTES: usize = 4_000_000;
/// Most siblings on a merkle branch.
const BRANCH: usize = 32;
/// Most fee estimates.
const ESTIMATES: usize = 32;
/// Most characters of an address; the longest that BIP-350 allows has 90.
const ADDRESS: usize = 100;
/// The longest target that estimates are made for, in blocks.
const TARGET: u16 = 1008;

/// Replies whose answer is nothing but the head.
macro_rules! done {
    ($($message:ident),*) => {$(
        impl From<reply::Done> for proto::$message {
            fn from(done: reply::Done) -> Self {
                Self { head: MessageField::some(done.head.into()), ..Self::default() }
            }
        }

        impl TryFrom<proto::$message> for reply::Done {
            type Error = Malformed;

            fn try_from(done: proto::$message) -> Result<Self, Malformed> {
                Ok(Self { head: head(done.head)? })
            }
        }
    )*};
}

done!(
    ActivateReply,
    RenameWalletReply,
    CancelChangeReply,
    RenameDeviceReply,
    LiftFenceReply,
    ReplaceRecoveryReply,
    RepairServerReply,
    ConfirmChangeReply,
    RollForwardReply
);

impl From<reply::Joined> for proto::JoinReply {
    fn from(joined: reply::Joined) -> Self {
        Self {
            head: MessageField::some(joined.head.into()),
            user: joined.user.to_vec(),
            network: joined.network,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::JoinReply> for reply::Joined {
    type Error = Malformed;

    fn try_from(joined: proto::JoinReply) -> Result<Self, Malformed> {
        Ok(Self {
            head: head(joined.head)?,
            user: fixed("user", &joined.user)?,
            network: chain("network", joined.network)?,
        })
    }
}

impl From<reply::Greeting> for proto::HelloReply {
    fn from(greeting: reply::Greeting) -> Self {
        Self {
            head: MessageField::some(greeting.head.into()),
            identity: greeting.identity,
            network: greeting.network,
            version: greeting.version,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::HelloReply> for reply::Greeting {
    type Error = Malformed;

    fn try_from(greeting: proto::HelloReply) -> Result<Self, Malformed> {
        Ok(Self {
            head: head(greeting.head)?,
            identity: bounded("identity", greeting.identity, 34)?,
            network: chain("network", greeting.network)?,
            version: name("version", &greeting.version)?.to_string(),
        })
    }
}

impl From<reply::CreateBegun> for proto::BeginCreateReply {
    fn from(begun: reply::CreateBegun) -> Self {
        Self {
            head: MessageField::some(begun.head.into()),
            server_round: begun.server_round,
            birthday: begun.birthday,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::BeginCreateReply> for reply::CreateBegun {
    type Error = Malformed;

    fn try_from(begun: proto::BeginCreateReply) -> Result<Self, Malformed> {
        Ok(Self {
            head: head(begun.head)?,
            server_round: message("server_round", begun.server_round)?,
            birthday: begun.birthday,
        })
    }
}

impl From<reply::CreateFinished> for proto::FinishCreateReply {
    fn from(finished: reply::CreateFinished) -> Self {
        Self {
            head: MessageField::some(finished.head.into()),
            completion: finished.completion,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::FinishCreateReply> for reply::CreateFinished {
    type Error = Malformed;

    fn try_from(finished: proto::FinishCreateReply) -> Result<Self, Malformed> {
        Ok(Self {
            head: head(finished.head)?,
            completion: message("completion", finished.completion)?,
        })
    }
}

impl From<reply::TestSigned> for proto::TestSignReply {
    fn from(signed: reply::TestSigned) -> Self {
        Self {
            head: MessageField::some(signed.head.into()),
            completion: signed.completion,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::TestSignReply> for reply::TestSigned {
    type Error = Malformed;

    fn try_from(signed: proto::TestSignReply) -> Result<Self, Malformed> {
        Ok(Self {
            head: head(signed.head)?,
            completion: message("completion", signed.completion)?,
        })
    }
}

impl From<reply::Standing> for proto::Standing {
    fn from(standing: reply::Standing) -> Self {
        match standing {
            reply::Standing::Pending => Self::STANDING_PENDING,
            reply::Standing::Active => Self::STANDING_ACTIVE,
            reply::Standing::Fenced => Self::STANDING_FENCED,
            reply::Standing::Frozen => Self::STANDING_FROZEN,
        }
    }
}

fn standing(standing: EnumValue<proto::Standing>) -> Result<reply::Standing, Malformed> {
    match standing {
        EnumValue::Known(proto::Standing::STANDING_PENDING) => Ok(reply::Standing::Pending),
        EnumValue::Known(proto::Standing::STANDING_ACTIVE) => Ok(reply::Standing::Active),
        EnumValue::Known(proto::Standing::STANDING_FENCED) => Ok(reply::Standing::Fenced),
        EnumValue::Known(proto::Standing::STANDING_FROZEN) => Ok(reply::Standing::Frozen),
        _ => Err(Malformed::new("standing", Problem::Word)),
    }
}

impl From<reply::WalletLine> for proto::WalletLine {
    fn from(line: reply::WalletLine) -> Self {
        Self {
            wallet: line.wallet.to_vec(),
            name: line.name,
            standing: proto::Standing::from(line.standing).into(),
            epoch: line.epoch,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::WalletLine> for reply::WalletLine {
    type Error = Malformed;

    fn try_from(line: proto::WalletLine) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: fixed("wallet", &line.wallet)?,
            name: name("name", &line.name)?.to_string(),
            standing: standing(line.standing)?,
            epoch: line.epoch,
        })
    }
}

macro_rules! wallets {
    ($($message:ident),*) => {$(
        impl From<reply::Wallets> for proto::$message {
            fn from(wallets: reply::Wallets) -> Self {
                Self {
                    head: MessageField::some(wallets.head.into()),
                    wallets: wallets.wallets.into_iter().map(Into::into).collect(),
                    after: wallets.after.map_or_else(Vec::new, Into::into),
                    ..Self::default()
                }
            }
        }

        impl TryFrom<proto::$message> for reply::Wallets {
            type Error = Malformed;

            fn try_from(wallets: proto::$message) -> Result<Self, Malformed> {
                Ok(Self {
                    head: head(wallets.head)?,
                    wallets: each(counted("wallets", wallets.wallets, 0, LISTED_WALLETS)?, TryInto::try_into)?,
                    after: after(&wallets.after)?,
                })
            }
        }
    )*};
}

wallets!(ListWalletsReply, FindWalletsReply);

impl From<reply::Wallet> for proto::GetWalletReply {
    fn from(wallet: reply::Wallet) -> Self {
        Self {
            head: MessageField::some(wallet.head.into()),
            line: MessageField::some(wallet.line.into()),
            public_shares: wallet.public,
            device_list: wallet.device_list,
            package: wallet.package,
            birthday: wallet.birthday,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::GetWalletReply> for reply::Wallet {
    type Error = Malformed;

    fn try_from(wallet: proto::GetWalletReply) -> Result<Self, Malformed> {
        let links = |field, list| each(counted(field, list, 0, LINKS)?, |link| message(field, link));
        Ok(Self {
            head: head(wallet.head)?,
            line: required("line", wallet.line)?.try_into()?,
            public: message("public_shares", wallet.public_shares)?,
            device_list: links("device_list", wallet.device_list)?,
            package: links("package", wallet.package)?,
            birthday: wallet.birthday,
        })
    }
}

impl From<reply::Signed> for proto::SignReply {
    fn from(signed: reply::Signed) -> Self {
        Self {
            head: MessageField::some(signed.head.into()),
            cosign: signed.cosign,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::SignReply> for reply::Signed {
    type Error = Malformed;

    fn try_from(signed: proto::SignReply) -> Result<Self, Malformed> {
        Ok(Self {
            head: head(signed.head)?,
            cosign: message("cosign", signed.cosign)?,
        })
    }
}

impl From<reply::Signed> for proto::SignMessageReply {
    fn from(signed: reply::Signed) -> Self {
        Self {
            head: MessageField::some(signed.head.into()),
            cosign: signed.cosign,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::SignMessageReply> for reply::Signed {
    type Error = Malformed;

    fn try_from(signed: proto::SignMessageReply) -> Result<Self, Malformed> {
        Ok(Self {
            head: head(signed.head)?,
            cosign: message("cosign", signed.cosign)?,
        })
    }
}

impl From<reply::Sent> for proto::BroadcastReply {
    fn from(sent: reply::Sent) -> Self {
        Self {
            head: MessageField::some(sent.head.into()),
            txid: sent.txid.to_vec(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::BroadcastReply> for reply::Sent {
    type Error = Malformed;

    fn try_from(sent: proto::BroadcastReply) -> Result<Self, Malformed> {
        Ok(Self {
            head: head(sent.head)?,
            txid: fixed("txid", &sent.txid)?,
        })
    }
}

impl From<reply::Anchor> for proto::Anchor {
    fn from(anchor: reply::Anchor) -> Self {
        Self {
            height: anchor.height,
            hash: anchor.hash.to_vec(),
            position: anchor.position,
            branch: anchor.branch.iter().map(|hash| hash.to_vec()).collect(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::Anchor> for reply::Anchor {
    type Error = Malformed;

    fn try_from(anchor: proto::Anchor) -> Result<Self, Malformed> {
        Ok(Self {
            height: anchor.height,
            hash: fixed("block.hash", &anchor.hash)?,
            position: anchor.position,
            branch: each(counted("block.branch", anchor.branch, 0, BRANCH)?, |hash| {
                fixed("block.branch", &hash)
            })?,
        })
    }
}

impl From<reply::ChainTransaction> for proto::ChainTransaction {
    fn from(transaction: reply::ChainTransaction) -> Self {
        Self {
            transaction: transaction.transaction,
            block: transaction
                .block
                .map(Into::into)
                .map_or_else(MessageField::none, MessageField::some),
            seen: transaction.seen,
            gone: transaction.gone,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::ChainTransaction> for reply::ChainTransaction {
    type Error = Malformed;

    fn try_from(transaction: proto::ChainTransaction) -> Result<Self, Malformed> {
        Ok(Self {
            transaction: bounded("transactions.transaction", transaction.transaction, MINED_BYTES)?,
            block: transaction.block.into_option().map(TryInto::try_into).transpose()?,
            seen: counter("transactions.seen", transaction.seen)?,
            gone: transaction.gone,
        })
    }
}

impl From<reply::Synced> for proto::SyncReply {
    fn from(synced: reply::Synced) -> Self {
        Self {
            head: MessageField::some(synced.head.into()),
            from_height: synced.from_height,
            headers: synced.headers,
            tip_height: synced.tip_height,
            transactions: synced.transactions.into_iter().map(Into::into).collect(),
            cursor: synced.cursor,
            timeline: synced.timeline,
            more: synced.more,
            scanned_height: synced.scanned_height,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::SyncReply> for reply::Synced {
    type Error = Malformed;

    fn try_from(synced: proto::SyncReply) -> Result<Self, Malformed> {
        let header = |bytes: Vec<u8>| fixed::<80>("headers", &bytes).map(|_| bytes);
        Ok(Self {
            head: head(synced.head)?,
            from_height: synced.from_height,
            headers: each(counted("headers", synced.headers, 0, SYNC_HEADERS)?, header)?,
            tip_height: synced.tip_height,
            transactions: each(
                counted("transactions", synced.transactions, 0, SYNC_TRANSACTIONS)?,
                TryInto::try_into,
            )?,
            cursor: counter("cursor", synced.cursor)?,
            timeline: synced.timeline,
            more: synced.more,
            scanned_height: synced.scanned_height,
        })
    }
}

impl From<reply::Pulse> for proto::WatchEvent {
    fn from(pulse: reply::Pulse) -> Self {
        let block = |(height, hash): (u32, [u8; 32])| proto::BlockRef {
            height,
            hash: hash.to_vec(),
            ..Default::default()
        };
        Self {
            cursor: pulse.cursor,
            timeline: pulse.timeline,
            tip: pulse.tip.map(block).map_or_else(MessageField::none, MessageField::some),
            seq: pulse.seq,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::WatchEvent> for reply::Pulse {
    type Error = Malformed;

    fn try_from(event: proto::WatchEvent) -> Result<Self, Malformed> {
        let tip = event.tip.into_option();
        Ok(Self {
            cursor: counter("cursor", event.cursor)?,
            timeline: event.timeline,
            tip: tip
                .map(|block| Ok((block.height, fixed("tip.hash", &block.hash)?)))
                .transpose()?,
            seq: counter("seq", event.seq)?,
        })
    }
}

impl From<reply::Fees> for proto::EstimateFeesReply {
    fn from(fees: reply::Fees) -> Self {
        let estimate = |(target, rate): (u16, u64)| proto::FeeEstimate {
            target_blocks: target.into(),
            sat_per_kvb: rate,
            ..Default::default()
        };
        Self {
            head: MessageField::some(fees.head.into()),
            estimates: fees.estimates.into_iter().map(estimate).collect(),
            source: fees.source,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::EstimateFeesReply> for reply::Fees {
    type Error = Malformed;

    fn try_from(fees: proto::EstimateFeesReply) -> Result<Self, Malformed> {
        let estimate = |estimate: proto::FeeEstimate| {
            let target = u16::try_from(estimate.target_blocks)
                .ok()
                .filter(|target| (1..=TARGET).contains(target));
            let target = target.ok_or(Malformed::new("estimates.target_blocks", Problem::Range))?;
            Ok((target, counter("estimates.sat_per_kvb", estimate.sat_per_kvb)?))
        };
        Ok(Self {
            head: head(fees.head)?,
            estimates: each(counted("estimates", fees.estimates, 0, ESTIMATES)?, estimate)?,
            source: word("source", fees.source)?,
        })
    }
}

impl From<reply::Audit> for proto::GetAuditReply {
    fn from(audit: reply::Audit) -> Self {
        let line = |line: reply::AuditLine| proto::AuditLine {
            seq: line.seq,
            entry: line.entry,
            chain: line.chain.to_vec(),
            ..Default::default()
        };
        Self {
            head: MessageField::some(audit.head.into()),
            lines: audit.lines.into_iter().map(line).collect(),
            more: audit.more,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::GetAuditReply> for reply::Audit {
    type Error = Malformed;

    fn try_from(audit: proto::GetAuditReply) -> Result<Self, Malformed> {
        let line = |line: proto::AuditLine| {
            Ok(reply::AuditLine {
                seq: counter("lines.seq", line.seq)?,
                entry: bounded("lines.entry", line.entry, MESSAGE_BYTES)?,
                chain: fixed("lines.chain", &line.chain)?,
            })
        };
        Ok(Self {
            head: head(audit.head)?,
            lines: each(counted("lines", audit.lines, 0, AUDIT_ENTRIES)?, line)?,
            more: audit.more,
        })
    }
}

/// An address, or what could be one.
pub(crate) fn address(field: &'static str, text: String) -> Result<String, Malformed> {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric());
    if plain && matches!(text.len(), 1..=ADDRESS) {
        Ok(text)
    } else {
        Err(Malformed::new(field, Problem::Word))
    }
}

impl From<reply::Derived> for proto::DeriveAddressReply {
    fn from(derived: reply::Derived) -> Self {
        Self {
            head: MessageField::some(derived.head.into()),
            address: derived.said.address,
            watched: derived.said.watched,
            signature: derived.signature,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::DeriveAddressReply> for reply::Derived {
    type Error = Malformed;

    fn try_from(derived: proto::DeriveAddressReply) -> Result<Self, Malformed> {
        Ok(Self {
            head: head(derived.head)?,
            said: Statement {
                address: address("address", derived.address)?,
                watched: derived.watched,
            },
            signature: fixed::<64>("signature", &derived.signature)?.to_vec(),
        })
    }
}

impl From<reply::RefreshBegun> for proto::BeginRefreshReply {
    fn from(reply: reply::RefreshBegun) -> Self {
        Self {
            head: MessageField::some(reply.head.into()),
            server_round: reply.server_round,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::BeginRefreshReply> for reply::RefreshBegun {
    type Error = Malformed;

    fn try_from(reply: proto::BeginRefreshReply) -> Result<Self, Malformed> {
        Ok(Self {
            head: head(reply.head)?,
            server_round: message("server_round", reply.server_round)?,
        })
    }
}

impl From<reply::RefreshFinished> for proto::FinishRefreshReply {
    fn from(reply: reply::RefreshFinished) -> Self {
        Self {
            head: MessageField::some(reply.head.into()),
            completion: reply.completion,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::FinishRefreshReply> for reply::RefreshFinished {
    type Error = Malformed;

    fn try_from(reply: proto::FinishRefreshReply) -> Result<Self, Malformed> {
        Ok(Self {
            head: head(reply.head)?,
            completion: message("completion", reply.completion)?,
        })
    }
}

#[cfg(test)]
mod tests;
