//! What an operator is told about the role and the wire.

use twofold_testkit::Postgres;

use super::{run, settings};
use crate::{PostgresStore, Settings};

fn checks(server: &Postgres, url: String) -> Vec<String> {
    let settings = Settings {
        url,
        ..settings(server)
    };
    run(settings.excess()).unwrap()
}

#[test]
fn o11_a_role_with_more_than_its_schema_is_named_and_the_least_one_is_not() {
    let server = Postgres::start().unwrap();
    assert_eq!(checks(&server, server.url()), [""; 0]);
    server
        .sql(
            "CREATE SCHEMA other AUTHORIZATION twofold;
             CREATE TABLE public.mine (x INT); ALTER TABLE public.mine OWNER TO twofold;
             ALTER DATABASE twofold OWNER TO twofold;
             ALTER ROLE twofold CREATEDB;
             GRANT pg_read_all_data TO twofold",
        )
        .unwrap();
    assert_eq!(
        checks(&server, server.url()),
        [
            "the role may make roles, databases or replicas, or passes row security",
            "the role belongs to pg_read_all_data",
            "the role owns the database twofold",
            "the role owns the schema other",
            "the role owns tables in the schema public",
        ]
    );
    let superuser = checks(&server, server.url_as("postgres"));
    assert!(
        superuser.contains(&"the role is a superuser".to_owned()),
        "{superuser:?}"
    );
}

/// deploy/database.sql, as an operator runs it, in a database where another made the role `twofold`.
#[test]
fn o11_the_role_that_is_shipped_has_its_schema_and_no_more() {
    let server = Postgres::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("database-password");
    std::fs::write(&password, "a'b\n").unwrap();
    let shipped = include_str!("../../../../../deploy/database.sql");
    let mut statements = shipped.replace("/run/secrets/database-password", &password.to_string_lossy());
    for role in [
        "ROLE twofold",
        "TO twofold",
        "SCHEMA twofold AUTHORIZATION twofold",
        "search_path = twofold",
    ] {
        assert!(statements.contains(role), "{role}");
        statements = statements.replace(role, &role.replace("twofold", "shipped"));
    }
    server.sql(&statements).unwrap();
    assert_eq!(checks(&server, server.url_as("shipped")), [""; 0]);
    let settings = Settings {
        url: server.url_as("shipped"),
        ..settings(&server)
    };
    drop(run(PostgresStore::open(&settings)).unwrap());
}

#[test]
fn s06_a_role_that_may_not_ask_where_the_database_stands_is_named() {
    let server = Postgres::start().unwrap();
    server
        .sql("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        .unwrap();
    let found = checks(&server, server.url());
    assert!(
        matches!(found.as_slice(), [only] if only.contains("where the database stands")),
        "{found:?}"
    );
}

#[test]
fn looking_at_a_role_makes_nothing_in_its_database() {
    let server = Postgres::start().unwrap();
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'twofold'";
    let before = server.sql(tables).unwrap();
    checks(&server, server.url());
    assert_eq!(server.sql(tables).unwrap(), before);
    server.kill();
    assert!(run(settings(&server).excess()).is_err());
}

#[test]
fn the_hosts_of_an_address_are_told_and_an_address_beside_a_name_counts() {
    let server = Postgres::start().unwrap();
    let hosts = |url: &str| {
        let url = url.to_owned();
        let settings = Settings {
            url,
            ..settings(&server)
        };
        settings.hosts().unwrap()
    };
    assert_eq!(
        hosts("postgres://t@db.example,10.0.0.7:6432/t"),
        ["db.example", "10.0.0.7"]
    );
    assert_eq!(hosts("host=/run/postgresql user=t dbname=t"), ["/run/postgresql"]);
    assert_eq!(hosts("host=localhost hostaddr=10.0.0.7 user=t dbname=t"), ["10.0.0.7"]);
}
