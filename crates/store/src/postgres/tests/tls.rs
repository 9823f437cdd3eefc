//! Who is at the other end.

use std::net::{Ipv4Addr, SocketAddr};

use twofold_cosigner::port::store::Store;
use twofold_testkit::{Postgres, Toxic, ToxicProxy};
use zeroize::Zeroizing;

use super::{run, settings};
use crate::{PostgresFault, PostgresStore, Settings, Tls};

fn over_tls(server: &Postgres, url: String, roots: &str) -> Settings {
    Settings {
        url,
        password: Some(Zeroizing::new(Postgres::PASSWORD.as_bytes().to_vec())),
        tls: Tls::Verified(roots.as_bytes().to_vec()),
        ..settings(server)
    }
}

#[test]
fn a_database_is_reached_over_tls_by_its_own_authority_name_and_password() {
    let (server, stranger) = (Postgres::start().unwrap(), Postgres::start().unwrap());
    let store = run(PostgresStore::open(&over_tls(&server, server.tls_url(), server.ca()))).unwrap();
    assert_eq!(run(store.tip()).unwrap(), None);
    let used = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'twofold'";
    assert_eq!(server.sql(used).unwrap(), "t");

    let strange = run(PostgresStore::open(&over_tls(&server, server.tls_url(), stranger.ca()))).unwrap_err();
    assert!(matches!(strange, PostgresFault::Unavailable(_)), "{strange}");
    let other = server.tls_url().replace("host=localhost", "host=db.example");
    let other = run(PostgresStore::open(&over_tls(&server, other, server.ca()))).unwrap_err();
    assert!(matches!(other, PostgresFault::Unavailable(_)), "{other}");
    let mut wrong = over_tls(&server, server.tls_url(), server.ca());
    wrong.password = Some(Zeroizing::new(b"wrong".to_vec()));
    let wrong = run(PostgresStore::open(&wrong)).unwrap_err().to_string();
    assert!(wrong.contains("password authentication failed"), "{wrong}");
    let plain = Settings {
        tls: Tls::Off,
        ..over_tls(&server, server.tls_url(), server.ca())
    };
    let plain = run(PostgresStore::open(&plain)).unwrap_err().to_string();
    assert!(plain.contains("pg_hba.conf"), "{plain}");
}

#[test]
fn settings_that_make_no_sense_are_refused_with_a_sentence() {
    let server = Postgres::start().unwrap();
    for (url, told) in [
        ("postgres://twofold:secret@localhost/twofold", "a file of its own"),
        ("postgres://localhost/twofold", "must name a role and a database"),
        ("host=/run,db.example user=twofold dbname=twofold", "and not both"),
        (
            "host=/run hostaddr=192.0.2.1 user=twofold dbname=twofold",
            "in the clear",
        ),
        ("host=db.example colour=blue", "[database]: "),
    ] {
        let told_by = run(PostgresStore::open(&over_tls(&server, url.to_owned(), server.ca())));
        let told_by = told_by.unwrap_err().to_string();
        assert!(
            told_by.contains(told) && !told_by.contains("secret"),
            "{url}: {told_by}"
        );
    }
    let none = run(PostgresStore::open(&over_tls(&server, server.tls_url(), ""))).unwrap_err();
    assert!(none.to_string().contains("there is no certificate in it"), "{none}");
    let password = format!("{:?}", over_tls(&server, server.tls_url(), server.ca()));
    assert!(!password.contains(Postgres::PASSWORD), "{password}");
}

#[test]
fn s05_a_wire_that_is_cut_is_given_up_and_the_next_one_is_used() {
    let server = Postgres::start().unwrap();
    let proxy = ToxicProxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()))).unwrap();
    let by_proxy = over_tls(&server, server.tls_url_at(proxy.address().port()), server.ca());
    let store = run(PostgresStore::open(&by_proxy)).unwrap();
    assert_eq!(run(store.tip()).unwrap(), None);
    proxy.set(Toxic::CutReplyAfter(10));
    let cut = run(store.tip());
    assert!(cut.is_err(), "{cut:?}");
    proxy.set(Toxic::Pass);
    let back = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        run(store.tip()).is_ok()
    });
    assert!(back, "it does not come back");
}
