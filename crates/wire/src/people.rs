//! What concerns the people of an app: a person's yes to what waits, and what the app's backend asks about them.

use buffa::MessageField;
use twofold_api::{limits::FOUND_ADDRESSES, reply, request};
use twofold_threshold::{checkpoint::Checkpoint, id::WalletId};

use crate::{
    malformed::Malformed,
    parts::{after, called, counted, counter, each, head, optional_checkpoint, wallet},
    proto,
    replies::address,
};

impl TryFrom<proto::ConfirmChangeRequest> for request::ConfirmChange {
    type Error = Malformed;

    fn try_from(confirm: proto::ConfirmChangeRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&confirm.wallet)?,
            change: counter("change", confirm.change)?,
            checkpoint: optional_checkpoint(confirm.checkpoint)?,
        })
    }
}

impl From<&request::ConfirmChange> for proto::ConfirmChangeRequest {
    fn from(confirm: &request::ConfirmChange) -> Self {
        Self {
            wallet: confirm.wallet.0.to_vec(),
            change: confirm.change,
            checkpoint: confirm.checkpoint.as_ref().map(Checkpoint::to_bytes),
            ..Self::default()
        }
    }
}

fn person(issuer: String, subject: String) -> Result<request::Named, Malformed> {
    Ok(request::Named {
        issuer: called("issuer", issuer)?,
        subject: called("subject", subject)?,
    })
}

impl TryFrom<proto::FindWalletsRequest> for request::FindWallets {
    type Error = Malformed;

    fn try_from(find: proto::FindWalletsRequest) -> Result<Self, Malformed> {
        Ok(Self {
            person: person(find.issuer, find.subject)?,
            after: after(&find.after)?.map(WalletId),
        })
    }
}

impl From<&request::FindWallets> for proto::FindWalletsRequest {
    fn from(find: &request::FindWallets) -> Self {
        Self {
            issuer: find.person.issuer.clone(),
            subject: find.person.subject.clone(),
            after: find.after.map_or_else(Vec::new, |wallet| wallet.0.to_vec()),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::FindAddressesRequest> for request::FindAddresses {
    type Error = Malformed;

    fn try_from(find: proto::FindAddressesRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&find.wallet)?,
            person: person(find.issuer, find.subject)?,
            from: find.from,
        })
    }
}

impl From<&request::FindAddresses> for proto::FindAddressesRequest {
    fn from(find: &request::FindAddresses) -> Self {
        Self {
            wallet: find.wallet.0.to_vec(),
            issuer: find.person.issuer.clone(),
            subject: find.person.subject.clone(),
            from: find.from,
            ..Self::default()
        }
    }
}

impl From<reply::Addresses> for proto::FindAddressesReply {
    fn from(found: reply::Addresses) -> Self {
        Self {
            head: MessageField::some(found.head.into()),
            addresses: found.addresses,
            next: found.next,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::FindAddressesReply> for reply::Addresses {
    type Error = Malformed;

    fn try_from(found: proto::FindAddressesReply) -> Result<Self, Malformed> {
        let addresses = counted("addresses", found.addresses, 0, FOUND_ADDRESSES)?;
        Ok(Self {
            head: head(found.head)?,
            addresses: each(addresses, |text| address("addresses", text))?,
            next: found.next,
        })
    }
}

#[cfg(test)]
mod tests;
