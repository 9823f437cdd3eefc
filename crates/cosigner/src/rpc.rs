//! What may be asked, one file for each request.

mod activate;
mod ask_recovery;
mod begin_create;
mod begin_refresh;
mod broadcast;
mod cancel_change;
pub(crate) mod ceremony;
mod change_devices;
mod confirm_change;
mod derive_address;
pub(crate) mod estimate_fees;
mod find;
mod finish_create;
mod finish_refresh;
pub(crate) mod foresee;
mod get_audit;
mod get_recovery;
mod get_shape;
mod get_wallet;
mod hello;
mod invite_device;
pub(crate) mod join;
pub(crate) mod kept_share;
mod lift_fence;
mod list_wallets;
pub(crate) mod mint_invitation;
mod pair_device;
mod purge;
mod recover;
mod refresh;
mod remove_device;
mod rename_device;
mod rename_wallet;
mod repair;
mod repair_recovery;
mod repair_server;
mod replace_recovery;
mod roll_forward;
mod set_freeze;
mod share;
mod sign;
mod sign_message;
mod sync;
mod test_sign;
mod watch;

pub(crate) use ceremony::Plan;
pub(crate) use kept_share::ShareStanding;
pub(crate) use share::inner_digest;
pub(crate) use sign::ASSET;
#[cfg(test)]
pub(crate) use sign::outpoint;
#[cfg(test)]
pub(crate) use sign_message::COUNTED;
