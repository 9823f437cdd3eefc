//! Rows as the port's records. A row that does not fit is damaged, and says which column.

use twofold_cosigner::port::record::{
    AuditEntry, Block, Ceremony, Chains, ChargeGroup, Coin, Device, Invitation, Issued, Mined, Replay, Rescan, Script,
    Share, User, UserId, Wallet, WalletTransaction,
};
use twofold_threshold::id::{CeremonyId, DeviceId, KeyKind, WalletId};

use crate::{fault::Fault, list};

/// A record that rows hold.
pub(crate) trait Record: Sized {
    /// The columns that [`Record::read`] expects, in order.
    const COLUMNS: &'static str;
    /// Reads them.
    fn read(row: &impl Columns) -> Result<Self, Fault>;
}

/// The query for how much there is of everything, at the time that `now` stands for.
pub(crate) fn counted(now: &str) -> String {
    format!(
        "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM devices), (SELECT count(*) FROM wallets),
                (SELECT count(*) FROM ceremonies WHERE expires >= {now}),
                (SELECT count(*) FROM invitations WHERE used_by IS NULL AND expires > {now}),
                (SELECT count(*) FROM issued WHERE settled IS NULL), (SELECT count(*) FROM rescans WHERE next <= last)"
    )
}

/// A value as a database gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

/// A row, read by position.
pub(crate) trait Columns {
    /// What stands there.
    fn value(&self, index: usize) -> Result<Value<'_>, Fault>;
    /// What the column is called.
    fn name(&self, index: usize) -> String;

    fn get<T: Field>(&self, index: usize) -> Result<T, Fault> {
        let value = self.value(index)?;
        T::of(value).ok_or_else(|| {
            let is = match value {
                Value::Null => "nothing".to_owned(),
                Value::Integer(number) => format!("the number {number}"),
                Value::Text(text) => format!("a text of {} bytes", text.len()),
                Value::Blob(bytes) => format!("{} bytes", bytes.len()),
            };
            Fault::Damaged(format!("column {} can't be {is}", self.name(index)))
        })
    }

    fn unsigned(&self, index: usize) -> Result<u64, Fault> {
        u64::try_from(self.get::<i64>(index)?)
            .map_err(|_| Fault::Damaged(format!("column {}: a negative number", self.name(index))))
    }

    fn wallet(&self, index: usize) -> Result<WalletId, Fault> {
        self.get(index).map(WalletId)
    }
}

/// What a column may be read as.
pub(crate) trait Field: Sized {
    /// None if the value is no such thing.
    fn of(value: Value<'_>) -> Option<Self>;
}

impl Field for i64 {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }
}

impl Field for u32 {
    fn of(value: Value<'_>) -> Option<Self> {
        Self::try_from(i64::of(value)?).ok()
    }
}

impl Field for u8 {
    fn of(value: Value<'_>) -> Option<Self> {
        Self::try_from(i64::of(value)?).ok()
    }
}

impl Field for bool {
    fn of(value: Value<'_>) -> Option<Self> {
        i64::of(value).map(|number| number != 0)
    }
}

impl Field for String {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl Field for Vec<u8> {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }
}

impl<const N: usize> Field for [u8; N] {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Blob(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl<T: Field> Field for Option<T> {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::of(value).map(Some),
        }
    }
}

pub(crate) fn kind(number: u8) -> Result<KeyKind, Fault> {
    [KeyKind::Taproot]
        .into_iter()
        .find(|kind| kind.number() == number)
        .ok_or_else(|| Fault::Damaged(format!("no key kind has the number {number}")))
}

impl Record for Invitation {
    const COLUMNS: &'static str = "code_hash, expires, used_by, wallet";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            code_hash: row.get(0)?,
            expires: row.unsigned(1)?,
            used_by: row.get::<Option<[u8; 32]>>(2)?.map(DeviceId),
            wallet: row.get::<Option<[u8; 16]>>(3)?.map(WalletId),
        })
    }
}

impl Record for User {
    const COLUMNS: &'static str = "id, issuer, subject";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            id: UserId(row.get(0)?),
            issuer: row.get(1)?,
            subject: row.get(2)?,
        })
    }
}

impl Record for Device {
    const COLUMNS: &'static str = "id, identity, user_id, name, enrolled";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            id: DeviceId(row.get(0)?),
            identity: row.get(1)?,
            user: UserId(row.get(2)?),
            name: row.get(3)?,
            enrolled: row.unsigned(4)?,
        })
    }
}

impl Record for Wallet {
    const COLUMNS: &'static str = "id, user_id, name, version, birthday, state, public";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            id: row.wallet(0)?,
            user: UserId(row.get(1)?),
            name: row.get(2)?,
            version: row.unsigned(3)?,
            birthday: row.get(4)?,
            state: row.get(5)?,
            public: row.get(6)?,
        })
    }
}

impl Record for Chains {
    const COLUMNS: &'static str = "wallet, device_list, package";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            wallet: row.wallet(0)?,
            device_list: list::unpack("a device list", &row.get::<Vec<u8>>(1)?)?,
            package: list::unpack("a recovery package", &row.get::<Vec<u8>>(2)?)?,
        })
    }
}

impl Record for Share {
    const COLUMNS: &'static str = "wallet, kind, epoch, sealed";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            wallet: row.wallet(0)?,
            kind: kind(row.get(1)?)?,
            epoch: row.get(2)?,
            sealed: row.get(3)?,
        })
    }
}

impl Record for Ceremony {
    const COLUMNS: &'static str = "id, wallet, user_id, expires, sealed, public";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            id: CeremonyId(row.get(0)?),
            wallet: row.wallet(1)?,
            user: UserId(row.get(2)?),
            expires: row.unsigned(3)?,
            sealed: row.get(4)?,
            public: row.get(5)?,
        })
    }
}

impl Record for Replay {
    const COLUMNS: &'static str = "device, nonce, digest, sealed_reply, expires";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            device: DeviceId(row.get(0)?),
            nonce: row.get(1)?,
            digest: row.get(2)?,
            sealed_reply: row.get(3)?,
            expires: row.unsigned(4)?,
        })
    }
}

impl Record for AuditEntry {
    const COLUMNS: &'static str = "wallet, seq, entry, chain";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            wallet: row.wallet(0)?,
            seq: row.unsigned(1)?,
            entry: row.get(2)?,
            chain: row.get(3)?,
        })
    }
}

impl Record for ChargeGroup {
    const COLUMNS: &'static str = "wallet, asset, outpoint, amount, mac";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            wallet: row.wallet(0)?,
            asset: row.get(1)?,
            outpoint: row.get(2)?,
            amount: row.get::<i64>(3)?.cast_unsigned(),
            mac: row.get(4)?,
        })
    }
}

impl Record for Issued {
    const COLUMNS: &'static str = "wallet, txid, outpoints, at";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            wallet: row.wallet(0)?,
            txid: row.get(1)?,
            outpoints: list::split("a list of outpoints", &row.get::<Vec<u8>>(2)?)?,
            at: row.unsigned(3)?,
        })
    }
}

impl Record for Script {
    const COLUMNS: &'static str = "wallet, keychain, idx, output_key";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            wallet: row.wallet(0)?,
            keychain: row.get(1)?,
            index: row.get(2)?,
            output_key: row.get(3)?,
        })
    }
}

impl Record for WalletTransaction {
    const COLUMNS: &'static str = "wallet, txid, raw, seen, gone, cursor, height, block_hash, position, branch";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        let block = match row.get::<Option<u32>>(6)? {
            None => None,
            Some(height) => Some(Mined {
                height,
                hash: row.get(7)?,
                position: row.get(8)?,
                branch: list::split("a merkle branch", &row.get::<Vec<u8>>(9)?)?,
            }),
        };
        Ok(Self {
            wallet: row.wallet(0)?,
            txid: row.get(1)?,
            transaction: row.get(2)?,
            block,
            seen: row.unsigned(3)?,
            gone: row.get(4)?,
            cursor: row.unsigned(5)?,
        })
    }
}

impl Record for Coin {
    const COLUMNS: &'static str = "wallet, outpoint, value, keychain, idx";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            wallet: row.wallet(0)?,
            outpoint: row.get(1)?,
            value: row.unsigned(2)?,
            keychain: row.get(3)?,
            index: row.get(4)?,
        })
    }
}

impl Record for Block {
    const COLUMNS: &'static str = "height, hash, header";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            height: row.get(0)?,
            hash: row.get(1)?,
            header: row.get(2)?,
        })
    }
}

impl Record for Rescan {
    const COLUMNS: &'static str = "wallet, next, last, missing_below";
    fn read(row: &impl Columns) -> Result<Self, Fault> {
        Ok(Self {
            wallet: row.wallet(0)?,
            next: row.get(1)?,
            last: row.get(2)?,
            missing_below: row.get(3)?,
        })
    }
}
