//! A row of PostgreSQL's.

use tokio_postgres::{Row, types::Type};

use crate::{
    fault::Fault,
    row::{Columns, Value},
};

pub(super) struct PostgresRow<'a>(pub(super) &'a Row);

impl Columns for PostgresRow<'_> {
    fn value(&self, index: usize) -> Result<Value<'_>, Fault> {
        let Some(column) = self.0.columns().get(index) else {
            return Err(Fault::Damaged(format!("there is no column {index}")));
        };
        let value = match *column.type_() {
            Type::BYTEA => self.0.try_get::<_, Option<&[u8]>>(index)?.map(Value::Blob),
            Type::INT8 => self.0.try_get::<_, Option<i64>>(index)?.map(Value::Integer),
            Type::TEXT => self.0.try_get::<_, Option<&str>>(index)?.map(Value::Text),
            _ => return Err(Fault::Damaged(format!("column {} has another type", column.name()))),
        };
        Ok(value.unwrap_or(Value::Null))
    }

    fn name(&self, index: usize) -> String {
        let column = self.0.columns().get(index);
        column.map_or("?", tokio_postgres::Column::name).to_owned()
    }
}
