//! Requests and replies of recovery, where a device was lost or words are replaced.

use buffa::MessageField;
use twofold_api::{reply, request};
use twofold_threshold::{
    checkpoint::Checkpoint,
    device_list::{MAX_ENTRIES, MAX_ENTRY},
};

use crate::{
    malformed::Malformed,
    parts::{bounded, checkpoint, counted, each, fixed, head, message, optional_checkpoint, required, up_to, wallet},
    proto,
};

/// Most links of a recovery package.
const LINKS: usize = 1000;

impl TryFrom<proto::GetRecoveryRequest> for request::GetRecovery {
    type Error = Malformed;

    fn try_from(get: proto::GetRecoveryRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&get.wallet)?,
            code: match get.code.as_slice() {
                [] => None,
                code => Some(fixed("code", code)?),
            },
            recovery: fixed("recovery", &get.recovery)?,
        })
    }
}

impl From<&request::GetRecovery> for proto::GetRecoveryRequest {
    fn from(get: &request::GetRecovery) -> Self {
        Self {
            wallet: get.wallet.0.to_vec(),
            code: get.code.map(|code| code.to_vec()).unwrap_or_default(),
            recovery: get.recovery.to_vec(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::AskRecoveryRequest> for request::AskRecovery {
    type Error = Malformed;

    fn try_from(ask: proto::AskRecoveryRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&ask.wallet)?,
            code: match ask.code.as_slice() {
                [] => None,
                code => Some(fixed("code", code)?),
            },
            entry: bounded("entry", ask.entry, MAX_ENTRY)?,
        })
    }
}

impl From<&request::AskRecovery> for proto::AskRecoveryRequest {
    fn from(ask: &request::AskRecovery) -> Self {
        Self {
            wallet: ask.wallet.0.to_vec(),
            code: ask.code.map(|code| code.to_vec()).unwrap_or_default(),
            entry: ask.entry.clone(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::RecoverRequest> for request::Recover {
    type Error = Malformed;

    fn try_from(recover: proto::RecoverRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&recover.wallet)?,
            entry: up_to("entry", recover.entry, MAX_ENTRY)?,
            opening: message("opening", recover.opening)?,
            unlock: required("unlock", recover.unlock)?.try_into()?,
        })
    }
}

impl From<&request::Recover> for proto::RecoverRequest {
    fn from(recover: &request::Recover) -> Self {
        Self {
            wallet: recover.wallet.0.to_vec(),
            entry: recover.entry.clone(),
            opening: recover.opening.clone(),
            unlock: MessageField::some((&recover.unlock).into()),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::RepairRecoveryRequest> for request::RepairRecovery {
    type Error = Malformed;

    fn try_from(repair: proto::RepairRecoveryRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&repair.wallet)?,
            entry: bounded("entry", repair.entry, MAX_ENTRY)?,
            opening: message("opening", repair.opening)?,
            accepted: fixed("accepted", &repair.accepted)?,
            unlock: required("unlock", repair.unlock)?.try_into()?,
            checkpoint: checkpoint(&repair.checkpoint)?,
        })
    }
}

impl From<&request::RepairRecovery> for proto::RepairRecoveryRequest {
    fn from(repair: &request::RepairRecovery) -> Self {
        Self {
            wallet: repair.wallet.0.to_vec(),
            entry: repair.entry.clone(),
            opening: repair.opening.clone(),
            accepted: repair.accepted.to_vec(),
            unlock: MessageField::some((&repair.unlock).into()),
            checkpoint: repair.checkpoint.to_bytes(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::ReplaceRecoveryRequest> for request::ReplaceRecovery {
    type Error = Malformed;

    fn try_from(replace: proto::ReplaceRecoveryRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&replace.wallet)?,
            entry: bounded("entry", replace.entry, MAX_ENTRY)?,
            package: message("package", replace.package)?,
            checkpoint: checkpoint(&replace.checkpoint)?,
        })
    }
}

impl From<&request::ReplaceRecovery> for proto::ReplaceRecoveryRequest {
    fn from(replace: &request::ReplaceRecovery) -> Self {
        Self {
            wallet: replace.wallet.0.to_vec(),
            entry: replace.entry.clone(),
            package: replace.package.clone(),
            checkpoint: replace.checkpoint.to_bytes(),
            ..Self::default()
        }
    }
}

impl TryFrom<proto::RepairServerRequest> for request::RepairServer {
    type Error = Malformed;

    fn try_from(repair: proto::RepairServerRequest) -> Result<Self, Malformed> {
        Ok(Self {
            wallet: wallet(&repair.wallet)?,
            repair: message("repair", repair.repair)?,
            checkpoint: optional_checkpoint(repair.checkpoint)?,
        })
    }
}

impl From<&request::RepairServer> for proto::RepairServerRequest {
    fn from(repair: &request::RepairServer) -> Self {
        Self {
            wallet: repair.wallet.0.to_vec(),
            repair: repair.repair.clone(),
            checkpoint: repair.checkpoint.as_ref().map(Checkpoint::to_bytes),
            ..Self::default()
        }
    }
}

impl From<reply::Recovery> for proto::GetRecoveryReply {
    fn from(recovery: reply::Recovery) -> Self {
        let wallet = recovery.wallet;
        Self {
            head: MessageField::some(recovery.head.into()),
            line: MessageField::some(wallet.line.into()),
            device_list: wallet.device_list,
            package: wallet.package,
            birthday: wallet.birthday,
            waiting: recovery
                .waiting
                .map(Into::into)
                .map_or_else(MessageField::none, MessageField::some),
            frozen: wallet.frozen,
            ..Self::default()
        }
    }
}

impl TryFrom<proto::GetRecoveryReply> for reply::Recovery {
    type Error = Malformed;

    fn try_from(recovery: proto::GetRecoveryReply) -> Result<Self, Malformed> {
        let links = |field, list, most| each(counted(field, list, 1, most)?, |link| message(field, link));
        Ok(Self {
            head: head(recovery.head)?,
            wallet: reply::RecoveryWallet {
                line: required("line", recovery.line)?.try_into()?,
                device_list: links("device_list", recovery.device_list, MAX_ENTRIES)?,
                package: links("package", recovery.package, LINKS)?,
                birthday: recovery.birthday,
                frozen: recovery.frozen,
            },
            waiting: recovery.waiting.into_option().map(TryInto::try_into).transpose()?,
        })
    }
}

macro_rules! answered {
    ($($reply:ident),*) => {$(
        impl From<reply::Recovered> for proto::$reply {
            fn from(recovered: reply::Recovered) -> Self {
                Self {
                    head: MessageField::some(recovered.head.into()),
                    answer: recovered.answer,
                    ..Self::default()
                }
            }
        }

        impl TryFrom<proto::$reply> for reply::Recovered {
            type Error = Malformed;

            fn try_from(recovered: proto::$reply) -> Result<Self, Malformed> {
                Ok(Self {
                    head: head(recovered.head)?,
                    answer: message("answer", recovered.answer)?,
                })
            }
        }
    )*};
}
answered!(RecoverReply, RepairRecoveryReply);
