//! What passes is tried again, and what doesn't is told by its kind.

use twofold_cosigner::port::{
    conformance::sample::user,
    store::{Batch, Store as _, StoreFault, Write},
};

use twofold_link::Circuit;

use super::{Fresh, run};

/// What a fault must be.
type Kind = fn(&StoreFault) -> bool;

/// A database that fails the first writes of users with a code, and counts all tries.
fn failing(fresh: &Fresh, first: u32, code: &str) {
    let fails = format!(
        "DROP SEQUENCE IF EXISTS public.tries; CREATE SEQUENCE public.tries;
         GRANT USAGE ON SCHEMA public TO twofold; GRANT USAGE ON SEQUENCE public.tries TO twofold;
         CREATE OR REPLACE FUNCTION twofold.fails() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF nextval('public.tries') <= {first} THEN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END IF;
             RETURN NEW;
         END $$;
         CREATE OR REPLACE TRIGGER fails BEFORE INSERT ON twofold.users FOR EACH ROW EXECUTE FUNCTION twofold.fails()"
    );
    fresh.server.sql(&fails).unwrap();
}

#[test]
fn f22_a_write_that_was_only_in_anothers_way_is_tried_again_and_the_rest_is_told_by_its_kind() {
    let fresh = Fresh::new();
    let add = |n| {
        let writes = vec![Write::AddUser(user(n))];
        let expect = Vec::new();
        run(fresh.commit(Batch { expect, writes }))
    };
    let tries = || fresh.server.sql("SELECT last_value FROM public.tries").unwrap();
    for (n, passing) in [(1, "40001"), (2, "40P01")] {
        failing(&fresh, 2, passing);
        add(n).unwrap();
        assert_eq!(tries(), "3", "{passing}");
    }
    // One that never passes is given up.
    failing(&fresh, u32::MAX, "40001");
    assert!(matches!(add(3), Err(StoreFault::Unavailable(_))));
    assert_eq!(tries(), "6");
    let kinds: [(&str, Kind); 3] = [
        ("53100", |fault| matches!(fault, StoreFault::Unavailable(_))),
        ("55P03", |fault| matches!(fault, StoreFault::Unavailable(_))),
        ("23514", |fault| matches!(fault, StoreFault::Damaged(_))),
    ];
    for (code, kind) in kinds {
        failing(&fresh, u32::MAX, code);
        let fault = add(3).unwrap_err();
        assert!(kind(&fault), "{code}: {fault}");
        assert_eq!(tries(), "1", "{code}");
    }
    failing(&fresh, 0, "40001");
    add(3).unwrap();
    assert!(matches!(add(3), Err(StoreFault::Exists("the user"))));
    assert_eq!(fresh.server.sql("SELECT count(*) FROM twofold.users").unwrap(), "3");
}

#[test]
fn f22_a_database_that_had_no_room_for_one_more_connection_is_no_link_that_is_away() {
    let fresh = Fresh::new();
    let asked = || run(fresh.user("invitation", "01"));
    asked().unwrap();
    // Who is there stays, and nobody else is let in.
    fresh.server.sql("ALTER ROLE twofold CONNECTION LIMIT 1").unwrap();
    run(async {
        let at_once = (0..8).map(|_| fresh.user("invitation", "01"));
        let answers = futures::future::join_all(at_once).await;
        assert!(answers.iter().any(Result::is_err), "{answers:?}");
    });
    assert!(fresh.standing().failures > 0);
    asked().unwrap();
    let standing = fresh.standing();
    assert_eq!((standing.circuit, standing.trouble), (Circuit::Closed, None));
}
