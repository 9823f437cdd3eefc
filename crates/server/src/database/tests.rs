//! A server on PostgreSQL: what it makes in files, and what it finds out about its role before it starts.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, time::Duration};

use twofold_testkit::Postgres;

use super::{excess, open};
use crate::{
    config::{Config, Database, DatabaseKind},
    development,
};

/// Long enough for a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

fn config(folder: &Path, url: String) -> Config {
    Config {
        database: Database {
            kind: DatabaseKind::Postgres,
            url: Some(url),
            ..Database::default()
        },
        ..development::prepare(folder, 1_790_000_000, ([127, 0, 0, 1], 1).into(), None).unwrap()
    }
}

#[test]
fn a_server_whose_data_is_in_postgresql_makes_its_data_directory_for_itself_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start().unwrap();
    let mut config = config(folder.path(), server.url());
    config.data_dir = folder.path().join("data/of/it");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let opened = runtime.block_on(open(&config)).unwrap();
    assert_eq!(fs::metadata(&config.data_dir).unwrap().mode() & 0o777, 0o700);
    drop(opened);
}

#[test]
fn o11_a_role_with_more_than_its_schema_is_found_out_before_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start().unwrap();
    let as_role = |url: String| config(folder.path(), url);
    let (least, most) = (as_role(server.url()), as_role(server.url_as("postgres")));
    assert_eq!(excess(&least, PATIENCE), Ok(Vec::new()));
    // The server starts within a runtime, and looks there as well.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let found = runtime.block_on(async { excess(&most, PATIENCE) }).unwrap();
    assert!(found.contains(&"the role is a superuser".to_owned()), "{found:?}");
    server.kill();
    assert!(excess(&least, PATIENCE).is_err(), "nobody knows");
}
