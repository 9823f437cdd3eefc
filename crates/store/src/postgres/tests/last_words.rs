//! What a server says of a commit as it dies.

use std::{
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use tempfile::TempDir;
use twofold_cosigner::port::{
    conformance::sample::{put, user},
    store::{Store as _, Write},
};
use twofold_testkit::Postgres;

use super::{run, settings};
use crate::{PostgresStore, Settings};

/// A commit, as it goes over the wire.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
/// A disk that fails, as a dying server tells it.
const PANIC: &[&str] = &["SPANIC", "VPANIC", "C58030", "Mcould not fsync file"];

/// Somebody between a store and its server, who passes on all that both say; armed, the next commit as well, and then
/// tells of a disk that failed in place of the answer, and hangs up.
struct Between {
    folder: TempDir,
    armed: Arc<AtomicBool>,
    url: String,
}

impl Between {
    fn new(server: &Postgres) -> Self {
        let of = |name: &str| {
            let url = server.url();
            let value = url.split(' ').find_map(|part| part.strip_prefix(name));
            value.unwrap().to_owned()
        };
        let socket = format!(".s.PGSQL.{}", of("port="));
        let theirs = PathBuf::from(of("host=")).join(&socket);
        let folder = TempDir::new().unwrap();
        let listener = UnixListener::bind(folder.path().join(&socket)).unwrap();
        let armed = Arc::new(AtomicBool::new(false));
        let arm = Arc::clone(&armed);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = UnixStream::connect(&theirs).unwrap();
                pass(client, server, Arc::clone(&arm));
            }
        });
        let url = server.url().replace(&of("host="), &folder.path().display().to_string());
        Self { folder, armed, url }
    }
}

fn pass(client: UnixStream, server: UnixStream, armed: Arc<AtomicBool>) {
    let dying = Arc::new(AtomicBool::new(false));
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let seen = Arc::clone(&dying);
    thread::spawn(move || {
        let mut piece = [0; 8192];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            let commits = piece[..length].windows(COMMIT.len()).any(|part| part == COMMIT);
            if commits && armed.swap(false, Ordering::SeqCst) {
                seen.store(true, Ordering::SeqCst);
            }
            if to.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut from, mut to) = (server, client);
    thread::spawn(move || {
        let mut piece = [0; 8192];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            if dying.load(Ordering::SeqCst) {
                let fields: Vec<u8> = PANIC
                    .iter()
                    .flat_map(|field| [field.as_bytes(), &[0]].concat())
                    .collect();
                let length = u32::try_from(fields.len() + 5).unwrap().to_be_bytes();
                let _ = to.write_all(&[b"E".as_slice(), &length, &fields, &[0]].concat());
                break;
            }
            if to.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

#[test]
fn s05_a_commit_is_looked_for_though_the_dying_server_said_that_it_failed() {
    let server = Postgres::start().unwrap();
    let between = Between::new(&server);
    let store = run(PostgresStore::open(&Settings {
        url: between.url.clone(),
        ..settings(&server)
    }))
    .unwrap();
    run(put(&store, [Write::AddUser(user(1))]));
    between.armed.store(true, Ordering::SeqCst);
    run(put(&store, [Write::AddUser(user(2))]));
    assert!(!between.armed.load(Ordering::SeqCst), "it was never heard");
    assert!(run(store.user("invitation", "02")).unwrap().is_some());
    assert_eq!(store.sealed(), None);
    drop(between.folder);
}
