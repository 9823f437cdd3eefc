//! The sealing key that a device takes with a refresh.

use super::RefreshTranscript;
use crate::{
    Fault, FaultKind,
    device_list::{Act, Change, DeviceList, Proposal, Signer},
    envelope::SealSecret,
    identity::{IdentityKey, Signature64},
};

/// The device's sealing key from this refresh on, with the list's entry that says so.
#[derive(Debug)]
pub struct NextKey {
    pub(super) secret: SealSecret,
    pub(super) change: Change,
}

impl NextKey {
    /// What the device signs to take `secret` in place of the key that it is listed with.
    #[must_use]
    pub fn proposal(list: &DeviceList, device: &IdentityKey, secret: &SealSecret) -> Proposal {
        let act = Act::Reseal {
            device: device.device_id(),
            sealing: secret.public(),
        };
        Proposal::new(list, act)
    }

    /// The key with the device's signature over [`Self::proposal`].
    pub fn signed(
        list: &DeviceList,
        device: &IdentityKey,
        secret: SealSecret,
        signature: Signature64,
    ) -> Result<Self, Fault> {
        let proposal = Self::proposal(list, device, &secret);
        let change = proposal.signed(Signer::Device(*device), signature);
        list.judge(&change).map_err(|_| FaultKind::IdentitySignature)?;
        Ok(Self { secret, change })
    }
}

/// The next sealing key out of a keystore: both halves, or neither.
pub(super) fn kept(
    transcript: &RefreshTranscript,
    renewed: bool,
    secret: SealSecret,
    change: Option<Change>,
) -> Result<Option<NextKey>, Fault> {
    let Some(change) = change else {
        return if renewed {
            Err(FaultKind::PublicKey.into())
        } else {
            Ok(None)
        };
    };
    let own = Act::Reseal {
        device: transcript.device.device_id(),
        sealing: secret.public(),
    };
    if !renewed || *change.act() != own || change.parent() != &transcript.list_head {
        return Err(FaultKind::PublicKey.into());
    }
    Ok(Some(NextKey { secret, change }))
}
