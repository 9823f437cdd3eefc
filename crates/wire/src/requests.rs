//! Requests: from the wire with every check, to the wire without any.

use buffa::MessageField;
use twofold_api::{limits, request};
use twofold_threshold::{
    checkpoint::Checkpoint,
    device_list::{MAX_ENTRIES, MAX_ENTRY},
    id::{CeremonyId, DeviceId, WalletId},
    package::MAX_LINKS,
};

use crate::{
    malformed::{Malformed, Problem},
    parts::{
        after, bounded, checkpoint, commitment, counted, counter, each, fixed, message, name, optional_checkpoint,
        required, seal_key, up_to, wallet,
    },
    proto,
};

/// One past the highest index of an address that is not hardened.
const INDICES: u32 = 1 << 31;
/// External and internal.
const KEYCHAINS: u32 = 2;

impl TryFrom<proto::JoinRequest> for request::Join {
    type Error = Malformed;

    fn try_from(join: proto::JoinRequest) -> Result<Self, Malformed> {
        Ok(Self {
            code: join.code.map(|code| fixed("code", &code)).transpose()?,
            device_name: name("device_name", &join.device_name)?,
        })
    }
}

impl From<&request::Join> for proto::JoinRequest {
    fn from(join: &request::Join) -> Self {
        Self {
            code: join.code.map(Vec::from),
            device_name: join.device_name.to_string(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::HelloRequest> for request::Hello {
    type Error = Malformed;

    fn try_from(_: proto::HelloRequest) -> Result<Self, Malformed> {
        Ok(Self)
    }
}

impl From<&request::Hello> for proto::HelloRequest {
    fn from(_: &request::Hello) -> Self {
        Self::default()
    }
}

impl TryFrom<proto::BeginCreateRequest> for request::BeginCreate {
    type Error = Malformed;

    fn try_from(begin: proto::BeginCreateRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&begin.wallet)?,
            name: name("name", &begin.name)?,
            opening: message("opening", begin.opening)?,
            unlock: required("unlock", begin.unlock)?.try_into()?,
            recovery_elsewhere: begin.recovery_elsewhere,
        })
    }
}

impl From<&request::BeginCreate> for proto::BeginCreateRequest {
    fn from(begin: &request::BeginCreate) -> Self {
        Self {
            wallet: begin.wallet.0.to_vec(),
            name: begin.name.to_string(),
            opening: begin.opening.clone(),
            unlock: MessageField::some((&begin.unlock).into()),
            recovery_elsewhere: begin.recovery_elsewhere,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::FinishCreateRequest> for request::FinishCreate {
    type Error = Malformed;

    fn try_from(finish: proto::FinishCreateRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&finish.wallet)?,
            ceremony: fixed("ceremony", &finish.ceremony).map(CeremonyId)?,
            closing: message("closing", finish.closing)?,
            unlock: required("unlock", finish.unlock)?.try_into()?,
            checkpoint: optional_checkpoint(finish.checkpoint)?,
        })
    }
}

impl From<&request::FinishCreate> for proto::FinishCreateRequest {
    fn from(finish: &request::FinishCreate) -> Self {
        Self {
            wallet: finish.wallet.0.to_vec(),
            ceremony: finish.ceremony.0.to_vec(),
            closing: finish.closing.clone(),
            unlock: MessageField::some((&finish.unlock).into()),
            checkpoint: finish.checkpoint.as_ref().map(Checkpoint::to_bytes),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::TestSignRequest> for request::TestSign {
    type Error = Malformed;

    fn try_from(test: proto::TestSignRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&test.wallet)?,
            epoch: required("epoch", test.epoch)?.try_into()?,
            commitment: commitment("commitment", &test.commitment)?,
            unlock: required("unlock", test.unlock)?.try_into()?,
            checkpoint: optional_checkpoint(test.checkpoint)?,
        })
    }
}

impl From<&request::TestSign> for proto::TestSignRequest {
    fn from(test: &request::TestSign) -> Self {
        Self {
            wallet: test.wallet.0.to_vec(),
            epoch: MessageField::some((&test.epoch).into()),
            commitment: test.commitment.to_bytes().to_vec(),
            unlock: MessageField::some((&test.unlock).into()),
            checkpoint: test.checkpoint.as_ref().map(Checkpoint::to_bytes),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::ActivateRequest> for request::Activate {
    type Error = Malformed;

    fn try_from(activate: proto::ActivateRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&activate.wallet)?,
            test_signature: fixed("test_signature", &activate.test_signature)?,
            checkpoint: optional_checkpoint(activate.checkpoint)?,
        })
    }
}

impl From<&request::Activate> for proto::ActivateRequest {
    fn from(activate: &request::Activate) -> Self {
        Self {
            wallet: activate.wallet.0.to_vec(),
            test_signature: activate.test_signature.to_vec(),
            checkpoint: activate.checkpoint.as_ref().map(Checkpoint::to_bytes),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::ListWalletsRequest> for request::ListWallets {
    type Error = Malformed;

    fn try_from(list: proto::ListWalletsRequest) -> Result<Self, Malformed> {
        Ok(Self {
            after: after(&list.after)?.map(WalletId),
        })
    }
}

impl From<&request::ListWallets> for proto::ListWalletsRequest {
    fn from(list: &request::ListWallets) -> Self {
        Self {
            after: list.after.map_or_else(Vec::new, |wallet| wallet.0.to_vec()),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::GetWalletRequest> for request::GetWallet {
    type Error = Malformed;

    fn try_from(get: proto::GetWalletRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&get.wallet)?,
            checkpoint: optional_checkpoint(get.checkpoint)?,
        })
    }
}

impl From<&request::GetWallet> for proto::GetWalletRequest {
    fn from(get: &request::GetWallet) -> Self {
        Self {
            wallet: get.wallet.0.to_vec(),
            checkpoint: get.checkpoint.as_ref().map(Checkpoint::to_bytes),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::RenameWalletRequest> for request::RenameWallet {
    type Error = Malformed;

    fn try_from(rename: proto::RenameWalletRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&rename.wallet)?,
            name: name("name", &rename.name)?,
            checkpoint: checkpoint(&rename.checkpoint)?,
        })
    }
}

impl From<&request::RenameWallet> for proto::RenameWalletRequest {
    fn from(rename: &request::RenameWallet) -> Self {
        Self {
            wallet: rename.wallet.0.to_vec(),
            name: rename.name.to_string(),
            checkpoint: rename.checkpoint.to_bytes(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::SignRequest> for request::Sign {
    type Error = Malformed;

    fn try_from(sign: proto::SignRequest) -> Result<Self, Malformed> {
        // The count first: decompressing points is what costs.
        let commitments = counted("commitments", sign.commitments, 1, limits::INPUTS)?;
        Ok(Self {
            wallet: wallet(&sign.wallet)?,
            epoch: required("epoch", sign.epoch)?.try_into()?,
            psbt: bounded("psbt", sign.psbt, limits::PSBT_BYTES)?,
            unlock: required("unlock", sign.unlock)?.try_into()?,
            checkpoint: checkpoint(&sign.checkpoint)?,
            commitments: each(commitments, |bytes| commitment("commitments", &bytes))?,
        })
    }
}

impl From<&request::Sign> for proto::SignRequest {
    fn from(sign: &request::Sign) -> Self {
        Self {
            wallet: sign.wallet.0.to_vec(),
            epoch: MessageField::some((&sign.epoch).into()),
            psbt: sign.psbt.clone(),
            commitments: sign
                .commitments
                .iter()
                .map(|commitment| commitment.to_bytes().to_vec())
                .collect(),
            unlock: MessageField::some((&sign.unlock).into()),
            checkpoint: sign.checkpoint.to_bytes(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::SignMessageRequest> for request::SignMessage {
    type Error = Malformed;

    fn try_from(sign: proto::SignMessageRequest) -> Result<Self, Malformed> {
        let below = |field, number, bound| {
            if number < bound {
                Ok(number)
            } else {
                Err(Malformed::new(field, Problem::Range))
            }
        };
        Ok(Self {
            wallet: wallet(&sign.wallet)?,
            epoch: required("epoch", sign.epoch)?.try_into()?,
            path: [
                below("keychain", sign.keychain, KEYCHAINS)?,
                below("index", sign.index, INDICES)?,
            ],
            message: up_to("message", sign.message, limits::TEXT_BYTES)?,
            commitment: commitment("commitment", &sign.commitment)?,
            unlock: required("unlock", sign.unlock)?.try_into()?,
            checkpoint: checkpoint(&sign.checkpoint)?,
        })
    }
}

impl From<&request::SignMessage> for proto::SignMessageRequest {
    fn from(sign: &request::SignMessage) -> Self {
        let [keychain, index] = sign.path;
        Self {
            wallet: sign.wallet.0.to_vec(),
            epoch: MessageField::some((&sign.epoch).into()),
            keychain,
            index,
            message: sign.message.clone(),
            commitment: sign.commitment.to_bytes().to_vec(),
            unlock: MessageField::some((&sign.unlock).into()),
            checkpoint: sign.checkpoint.to_bytes(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::BroadcastRequest> for request::Broadcast {
    type Error = Malformed;

    fn try_from(broadcast: proto::BroadcastRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&broadcast.wallet)?,
            transaction: bounded("transaction", broadcast.transaction, limits::TRANSACTION_BYTES)?,
            checkpoint: checkpoint(&broadcast.checkpoint)?,
        })
    }
}

impl From<&request::Broadcast> for proto::BroadcastRequest {
    fn from(broadcast: &request::Broadcast) -> Self {
        Self {
            wallet: broadcast.wallet.0.to_vec(),
            transaction: broadcast.transaction.clone(),
            checkpoint: broadcast.checkpoint.to_bytes(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::SyncRequest> for request::Sync {
    type Error = Malformed;

    fn try_from(sync: proto::SyncRequest) -> Result<Self, Malformed> {
        let revealed = |field, count| {
            if count <= INDICES {
                Ok(count)
            } else {
                Err(Malformed::new(field, Problem::Range))
            }
        };
        Ok(Self {
            wallet: wallet(&sync.wallet)?,
            cursor: counter("cursor", sync.cursor)?,
            timeline: sync.timeline,
            locator: each(counted("locator", sync.locator, 0, limits::LOCATOR_BLOCKS)?, |block| {
                Ok((block.height, fixed("locator.hash", &block.hash)?))
            })?,
            revealed: [
                revealed("revealed_external", sync.revealed_external)?,
                revealed("revealed_internal", sync.revealed_internal)?,
            ],
            checkpoint: optional_checkpoint(sync.checkpoint)?,
        })
    }
}

impl From<&request::Sync> for proto::SyncRequest {
    fn from(sync: &request::Sync) -> Self {
        let [revealed_external, revealed_internal] = sync.revealed;
        let block = |(height, hash): &(u32, [u8; 32])| proto::BlockRef {
            height: *height,
            hash: hash.to_vec(),
            ..Default::default()
        };
        Self {
            wallet: sync.wallet.0.to_vec(),
            cursor: sync.cursor,
            timeline: sync.timeline,
            locator: sync.locator.iter().map(block).collect(),
            revealed_external,
            revealed_internal,
            checkpoint: sync.checkpoint.as_ref().map(Checkpoint::to_bytes),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::WatchRequest> for request::Watch {
    type Error = Malformed;

    fn try_from(watch: proto::WatchRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&watch.wallet)?,
            checkpoint: optional_checkpoint(watch.checkpoint)?,
        })
    }
}

impl From<&request::Watch> for proto::WatchRequest {
    fn from(watch: &request::Watch) -> Self {
        Self {
            wallet: watch.wallet.0.to_vec(),
            checkpoint: watch.checkpoint.as_ref().map(Checkpoint::to_bytes),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::EstimateFeesRequest> for request::EstimateFees {
    type Error = Malformed;

    fn try_from(fees: proto::EstimateFeesRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&fees.wallet)?,
            checkpoint: optional_checkpoint(fees.checkpoint)?,
        })
    }
}

impl From<&request::EstimateFees> for proto::EstimateFeesRequest {
    fn from(fees: &request::EstimateFees) -> Self {
        Self {
            wallet: fees.wallet.0.to_vec(),
            checkpoint: fees.checkpoint.as_ref().map(Checkpoint::to_bytes),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::GetAuditRequest> for request::GetAudit {
    type Error = Malformed;

    fn try_from(audit: proto::GetAuditRequest) -> Result<Self, Malformed> {
        let from = counter("from", audit.from)?;
        if from == 0 {
            return Err(Malformed::new("from", Problem::Range));
        }
        Ok(Self {
            wallet: wallet(&audit.wallet)?,
            from,
            checkpoint: optional_checkpoint(audit.checkpoint)?,
        })
    }
}

impl From<&request::GetAudit> for proto::GetAuditRequest {
    fn from(audit: &request::GetAudit) -> Self {
        Self {
            wallet: audit.wallet.0.to_vec(),
            from: audit.from,
            checkpoint: audit.checkpoint.as_ref().map(Checkpoint::to_bytes),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::LiftFenceRequest> for request::LiftFence {
    type Error = Malformed;

    fn try_from(lift: proto::LiftFenceRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&lift.wallet)?,
            checkpoint: optional_checkpoint(lift.checkpoint)?,
            seal_key: seal_key(&lift.seal_key)?,
            recovery: lift
                .recovery
                .map(|signature| fixed("recovery", &signature))
                .transpose()?,
        })
    }
}

impl From<&request::LiftFence> for proto::LiftFenceRequest {
    fn from(lift: &request::LiftFence) -> Self {
        Self {
            wallet: lift.wallet.0.to_vec(),
            checkpoint: lift.checkpoint.as_ref().map(Checkpoint::to_bytes),
            recovery: lift.recovery.map(Vec::from),
            seal_key: lift.seal_key.as_bytes().to_vec(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::DeriveAddressRequest> for request::DeriveAddress {
    type Error = Malformed;

    fn try_from(derive: proto::DeriveAddressRequest) -> Result<Self, Malformed> {
        if derive.index >= INDICES {
            return Err(Malformed::new("index", Problem::Range));
        }
        Ok(Self {
            wallet: wallet(&derive.wallet)?,
            index: derive.index,
            checkpoint: optional_checkpoint(derive.checkpoint)?,
        })
    }
}

impl From<&request::DeriveAddress> for proto::DeriveAddressRequest {
    fn from(derive: &request::DeriveAddress) -> Self {
        Self {
            wallet: derive.wallet.0.to_vec(),
            index: derive.index,
            checkpoint: derive.checkpoint.as_ref().map(Checkpoint::to_bytes),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::ChangeDevicesRequest> for request::ChangeDevices {
    type Error = Malformed;

    fn try_from(change: proto::ChangeDevicesRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&change.wallet)?,
            entry: bounded("entry", change.entry, MAX_ENTRY)?,
            parcel: up_to("parcel", change.parcel, limits::PARCEL_BYTES)?,
            checkpoint: checkpoint(&change.checkpoint)?,
        })
    }
}

impl From<&request::ChangeDevices> for proto::ChangeDevicesRequest {
    fn from(change: &request::ChangeDevices) -> Self {
        Self {
            wallet: change.wallet.0.to_vec(),
            entry: change.entry.clone(),
            parcel: change.parcel.clone(),
            checkpoint: change.checkpoint.to_bytes(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::SetFreezeRequest> for request::SetFreeze {
    type Error = Malformed;

    fn try_from(freeze: proto::SetFreezeRequest) -> Result<Self, Malformed> {
        let recovery = match (freeze.recovery.as_slice(), freeze.seal_key.as_slice()) {
            ([], []) => None,
            (signature, key) => Some(request::Word {
                seal_key: seal_key(key)?,
                signature: fixed("recovery", signature)?,
            }),
        };
        Ok(Self {
            wallet: wallet(&freeze.wallet)?,
            frozen: freeze.frozen,
            recovery,
            checkpoint: checkpoint(&freeze.checkpoint)?,
        })
    }
}

impl From<&request::SetFreeze> for proto::SetFreezeRequest {
    fn from(freeze: &request::SetFreeze) -> Self {
        Self {
            wallet: freeze.wallet.0.to_vec(),
            frozen: freeze.frozen,
            recovery: freeze.recovery.map(|word| word.signature.to_vec()).unwrap_or_default(),
            seal_key: freeze
                .recovery
                .map(|word| word.seal_key.as_bytes().to_vec())
                .unwrap_or_default(),
            checkpoint: freeze.checkpoint.to_bytes(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::CancelChangeRequest> for request::CancelChange {
    type Error = Malformed;

    fn try_from(cancel: proto::CancelChangeRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&cancel.wallet)?,
            change: counter("change", cancel.change)?,
            checkpoint: checkpoint(&cancel.checkpoint)?,
        })
    }
}

impl From<&request::CancelChange> for proto::CancelChangeRequest {
    fn from(cancel: &request::CancelChange) -> Self {
        Self {
            wallet: cancel.wallet.0.to_vec(),
            change: cancel.change,
            checkpoint: cancel.checkpoint.to_bytes(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::GetShapeRequest> for request::GetShape {
    type Error = Malformed;

    fn try_from(get: proto::GetShapeRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&get.wallet)?,
            checkpoint: optional_checkpoint(get.checkpoint)?,
        })
    }
}

impl From<&request::GetShape> for proto::GetShapeRequest {
    fn from(get: &request::GetShape) -> Self {
        Self {
            wallet: get.wallet.0.to_vec(),
            checkpoint: get.checkpoint.as_ref().map(Checkpoint::to_bytes),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::InviteDeviceRequest> for request::InviteDevice {
    type Error = Malformed;

    fn try_from(invite: proto::InviteDeviceRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&invite.wallet)?,
            checkpoint: checkpoint(&invite.checkpoint)?,
        })
    }
}

impl From<&request::InviteDevice> for proto::InviteDeviceRequest {
    fn from(invite: &request::InviteDevice) -> Self {
        Self {
            wallet: invite.wallet.0.to_vec(),
            checkpoint: invite.checkpoint.to_bytes(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::RenameDeviceRequest> for request::RenameDevice {
    type Error = Malformed;

    fn try_from(rename: proto::RenameDeviceRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&rename.wallet)?,
            device: fixed("device", &rename.device).map(DeviceId)?,
            name: name("name", &rename.name)?,
            checkpoint: checkpoint(&rename.checkpoint)?,
        })
    }
}

impl From<&request::RenameDevice> for proto::RenameDeviceRequest {
    fn from(rename: &request::RenameDevice) -> Self {
        Self {
            wallet: rename.wallet.0.to_vec(),
            device: rename.device.0.to_vec(),
            name: rename.name.to_string(),
            checkpoint: rename.checkpoint.to_bytes(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::BeginRefreshRequest> for request::BeginRefresh {
    type Error = Malformed;

    fn try_from(begin: proto::BeginRefreshRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&begin.wallet)?,
            epoch: required("epoch", begin.epoch)?.try_into()?,
            opening: message("opening", begin.opening)?,
            unlock: required("unlock", begin.unlock)?.try_into()?,
            checkpoint: checkpoint(&begin.checkpoint)?,
        })
    }
}

impl From<&request::BeginRefresh> for proto::BeginRefreshRequest {
    fn from(begin: &request::BeginRefresh) -> Self {
        Self {
            wallet: begin.wallet.0.to_vec(),
            epoch: MessageField::some((&begin.epoch).into()),
            opening: begin.opening.clone(),
            unlock: MessageField::some((&begin.unlock).into()),
            checkpoint: begin.checkpoint.to_bytes(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::FinishRefreshRequest> for request::FinishRefresh {
    type Error = Malformed;

    fn try_from(finish: proto::FinishRefreshRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&finish.wallet)?,
            ceremony: fixed("ceremony", &finish.ceremony).map(CeremonyId)?,
            closing: message("closing", finish.closing)?,
            unlock: required("unlock", finish.unlock)?.try_into()?,
            checkpoint: checkpoint(&finish.checkpoint)?,
        })
    }
}

impl From<&request::FinishRefresh> for proto::FinishRefreshRequest {
    fn from(finish: &request::FinishRefresh) -> Self {
        Self {
            wallet: finish.wallet.0.to_vec(),
            ceremony: finish.ceremony.0.to_vec(),
            closing: finish.closing.clone(),
            unlock: MessageField::some((&finish.unlock).into()),
            checkpoint: finish.checkpoint.to_bytes(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::RollForwardRequest> for request::RollForward {
    type Error = Malformed;

    fn try_from(roll: proto::RollForwardRequest) -> Result<Self, Malformed> {
        let messages = |field, list, most| each(counted(field, list, 0, most)?, |bytes| message(field, bytes));
        Ok(Self {
            wallet: wallet(&roll.wallet)?,
            checkpoint: checkpoint(&roll.checkpoint)?,
            entries: messages("entries", roll.entries, limits::BROUGHT_ENTRIES)?,
            device_list: each(counted("device_list", roll.device_list, 0, MAX_ENTRIES)?, |entry| {
                bounded("device_list", entry, MAX_ENTRY)
            })?,
            links: messages("links", roll.links, MAX_LINKS)?,
            kept: up_to("kept", roll.kept, limits::MESSAGE_BYTES)?,
            package: up_to("package", roll.package, limits::MESSAGE_BYTES)?,
        })
    }
}

impl From<&request::RollForward> for proto::RollForwardRequest {
    fn from(roll: &request::RollForward) -> Self {
        Self {
            wallet: roll.wallet.0.to_vec(),
            checkpoint: roll.checkpoint.to_bytes(),
            entries: roll.entries.clone(),
            device_list: roll.device_list.clone(),
            links: roll.links.clone(),
            kept: roll.kept.clone(),
            package: roll.package.clone(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests;
