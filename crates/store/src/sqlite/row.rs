//! A row of SQLite's.

use rusqlite::{Row, types::ValueRef};

use crate::{
    fault::Fault,
    row::{Columns, Value},
};

pub(super) struct SqliteRow<'a>(pub(super) &'a Row<'a>);

impl Columns for SqliteRow<'_> {
    fn value(&self, index: usize) -> Result<Value<'_>, Fault> {
        match self.0.get_ref(index)? {
            ValueRef::Null => Ok(Value::Null),
            ValueRef::Integer(number) => Ok(Value::Integer(number)),
            ValueRef::Text(text) => std::str::from_utf8(text)
                .map(Value::Text)
                .map_err(|_| Fault::Damaged(format!("column {} is no text", self.name(index)))),
            ValueRef::Blob(bytes) => Ok(Value::Blob(bytes)),
            ValueRef::Real(_) => Err(Fault::Damaged(format!("column {} is a fraction", self.name(index)))),
        }
    }

    fn name(&self, index: usize) -> String {
        self.0.as_ref().column_name(index).unwrap_or("?").to_owned()
    }
}
