//! A batch as statements: what is asked, in order, and what each must come to.

mod chain;
mod people;
mod wallet;

use std::error::Error;

use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut};
use twofold_cosigner::port::{
    record::Wallet,
    store::{Batch, Write},
};
use twofold_threshold::id::WalletId;

use crate::fault::Fault;

/// A statement of a batch.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) sql: &'static str,
    pub(super) params: Vec<Param<'a>>,
    /// What it means if no row was changed; nothing where that is well.
    pub(super) none: Option<Miss>,
    /// What is there already, if a row's key is taken.
    pub(super) taken: Option<&'static str>,
}

/// What it means that a statement changed no row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Miss {
    /// The wallet's version is another.
    Conflict(WalletId),
    /// What must be new is there.
    Exists(&'static str),
}

impl Miss {
    pub(super) const fn fault(self) -> Fault {
        match self {
            Self::Conflict(wallet) => Fault::Conflict(wallet),
            Self::Exists(what) => Fault::Exists(what),
        }
    }
}

/// A value in a statement.
#[derive(Debug)]
pub(super) enum Param<'a> {
    Bytes(&'a [u8]),
    Made(Vec<u8>),
    Text(&'a str),
    Said(String),
    Int(i64),
    Null,
    Blobs(Vec<&'a [u8]>),
    Ints(Vec<i64>),
}

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Bytes(bytes) => bytes.to_sql(ty, out),
            Self::Made(bytes) => bytes.to_sql(ty, out),
            Self::Text(text) => text.to_sql(ty, out),
            Self::Said(text) => text.to_sql(ty, out),
            Self::Int(number) => number.to_sql(ty, out),
            Self::Null => Ok(IsNull::Yes),
            Self::Blobs(blobs) => blobs.to_sql(ty, out),
            Self::Ints(numbers) => numbers.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::BYTEA, Type::TEXT, Type::INT8, Type::BYTEA_ARRAY, Type::INT8_ARRAY].contains(ty)
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let fits = match self {
            Self::Bytes(_) | Self::Made(_) => *ty == Type::BYTEA,
            Self::Text(_) | Self::Said(_) => *ty == Type::TEXT,
            Self::Int(_) => *ty == Type::INT8,
            Self::Null => true,
            Self::Blobs(_) => *ty == Type::BYTEA_ARRAY,
            Self::Ints(_) => *ty == Type::INT8_ARRAY,
        };
        if !fits {
            return Err(format!("{self:?} is no {ty}").into());
        }
        self.to_sql(ty, out)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Param<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Param<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Param<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Made(bytes)
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Param<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u32> for Param<'_> {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<u8> for Param<'_> {
    fn from(number: u8) -> Self {
        Self::Int(number.into())
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<'a, const N: usize> From<&'a [[u8; N]]> for Param<'a> {
    fn from(blobs: &'a [[u8; N]]) -> Self {
        Self::Blobs(blobs.iter().map(<[u8; N]>::as_slice).collect())
    }
}

/// The parameters of a statement.
macro_rules! with {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::postgres::write::Param::from($value)),*]
    };
}
pub(super) use with;

impl<'a> Step<'a> {
    /// A statement that may change any number of rows.
    fn any(sql: &'static str, params: Vec<Param<'a>>) -> Self {
        Self {
            sql,
            params,
            none: None,
            taken: None,
        }
    }

    /// A statement that must change a row.
    fn must(sql: &'static str, params: Vec<Param<'a>>, none: Miss) -> Self {
        Self {
            sql,
            params,
            none: Some(none),
            taken: None,
        }
    }

    /// Inserts a row that must be new. Its `ON CONFLICT DO NOTHING` waits for whoever is about to insert the same.
    fn add(what: &'static str, sql: &'static str, params: Vec<Param<'a>>) -> Self {
        Self::must(sql, params, Miss::Exists(what))
    }
}

/// The statements of a batch. Nothing is asked of the database where one of its values can't be stored.
pub(super) fn steps(batch: &Batch) -> Result<Vec<Step<'_>>, Fault> {
    let mut steps = Vec::with_capacity(batch.expect.len() + batch.writes.len() + 2);
    for (wallet, version) in &batch.expect {
        steps.push(match update_of(batch, *wallet) {
            // Compared and replaced in one statement: a row is written once.
            Some(row) => wallet::update(row, *version)?,
            None => wallet::expect(wallet, *version)?,
        });
    }
    chain::locks(batch, &mut steps);
    for write in &batch.writes {
        push(batch, write, &mut steps)?;
    }
    Ok(steps)
}

fn push<'a>(batch: &'a Batch, write: &'a Write, steps: &mut Vec<Step<'a>>) -> Result<(), Fault> {
    match write {
        Write::ServerSecret(name, sealed) => steps.push(people::server_secret(name, sealed)),
        Write::RaiseCounter(name, value) => steps.push(people::raise_counter(name, *value)?),
        Write::AddInvitation(invitation) => steps.push(people::add_invitation(invitation)?),
        Write::UseInvitation { code_hash, by } => steps.push(people::use_invitation(code_hash, by)),
        Write::AddUser(user) => steps.push(people::add_user(user)),
        Write::AddDevice(device) => steps.push(people::add_device(device)?),
        Write::RemoveDevice(device) => steps.push(people::remove_device(device)),
        Write::RoomForDevice {
            user,
            most,
            since,
            lately,
        } => steps.extend(people::room_for_device(user, *most, (*since, *lately))?),
        Write::AddReplay(replay) => steps.push(people::add_replay(replay)?),
        Write::AddWallet(wallet) => steps.extend(wallet::add(wallet)?),
        // An expected one was replaced when its version was compared.
        Write::UpdateWallet(wallet) if batch.expect.iter().any(|(expected, _)| *expected == wallet.id) => {}
        Write::UpdateWallet(wallet) => return Err(Fault::Conflict(wallet.id)),
        Write::PutChains(chains) => steps.push(wallet::put_chains(chains)?),
        Write::AddShare(share) => steps.push(wallet::add_share(share)),
        Write::ResealShare(share) => steps.push(wallet::reseal_share(share)),
        Write::EraseShare { wallet, kind, epoch } => steps.push(wallet::erase_share(wallet, *kind, *epoch)),
        Write::PutCeremony(ceremony) => steps.extend(wallet::put_ceremony(ceremony)?),
        Write::EndCeremony(id) => steps.push(wallet::end_ceremony(id)),
        Write::Audit(entry) => steps.push(wallet::audit(entry)?),
        Write::PutCharge(charge) => steps.push(wallet::put_charge(charge)),
        Write::PutIssued(issued) => steps.push(wallet::put_issued(issued)?),
        Write::SettleIssued {
            wallet,
            txid,
            outpoints,
            height,
        } => steps.extend(chain::settle_issued(wallet, txid, outpoints, *height)),
        Write::AddScripts(scripts) => steps.push(chain::add_scripts(scripts)),
        Write::PutTransaction(transaction) => steps.push(chain::put_transaction(transaction)?),
        Write::MarkGone { wallet, txid } => steps.push(chain::mark_gone(wallet, txid)),
        Write::AddCoin(coin) => steps.push(chain::add_coin(coin)?),
        Write::PutBlock(block) => steps.push(chain::put_block(block)),
        Write::RollBackBlocks { above } => steps.extend(chain::roll_back(*above)),
        Write::PutRescan(rescan) => steps.push(chain::put_rescan(rescan)),
        Write::MoveRescan { from, to } => steps.push(chain::move_rescan(from, to.as_ref())),
        Write::Purge { now } => steps.extend(people::purge(*now)?),
        other => return Err(Fault::Damaged(format!("this store does not know the write {other:?}"))),
    }
    Ok(())
}

/// What a batch makes of a wallet's row.
fn update_of(batch: &Batch, id: WalletId) -> Option<&Wallet> {
    batch.writes.iter().rev().find_map(|write| match write {
        Write::UpdateWallet(wallet) if wallet.id == id => Some(wallet),
        _ => None,
    })
}
