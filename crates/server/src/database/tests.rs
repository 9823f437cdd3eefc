//! What a server in production finds out about the database's role before it starts.

use std::time::Duration;

use twofold_testkit::Postgres;

use super::excess;
use crate::{
    config::{Config, Database, DatabaseKind},
    development,
};

/// Long enough for a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn o11_a_role_with_more_than_its_schema_is_found_out_before_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start().unwrap();
    let as_role = |url: String| Config {
        database: Database {
            kind: DatabaseKind::Postgres,
            url: Some(url),
            ..Database::default()
        },
        ..development::prepare(folder.path(), 1_790_000_000, ([127, 0, 0, 1], 1).into(), None).unwrap()
    };
    let (least, most) = (as_role(server.url()), as_role(server.url_as("postgres")));
    assert_eq!(excess(&least, PATIENCE), Ok(Vec::new()));
    // The server starts within a runtime, and looks there as well.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let found = runtime.block_on(async { excess(&most, PATIENCE) }).unwrap();
    assert!(found.contains(&"the role is a superuser".to_owned()), "{found:?}");
    server.kill();
    assert!(excess(&least, PATIENCE).is_err(), "nobody knows");
}
