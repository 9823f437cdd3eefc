//! The same load on a server whose data is in PostgreSQL, on the same two cores, right after one on SQLite.

use anyhow::Result;
use twofold_testkit::Postgres;

use crate::{
    Bench, EACH, SEATS, WARM,
    figure::{Figure, Goal},
    load::{self, Generator, Seat},
    seed,
    server::Server,
};

impl Bench {
    /// Signatures a second, and what of the server's time each takes. The database's own processes share the cores.
    pub(crate) fn postgres(&mut self) -> Result<()> {
        let (files, _) = self.load(Generator::Thin)?;
        let database = Postgres::start()?;
        let mut server = Server::start_on(&database)?;
        let mut seats = Vec::new();
        for _ in 0..SEATS {
            let (mut seat, _) = Seat::take(&server)?;
            seed::fund_there(&database, &mut seat.purse, WARM + EACH)?;
            seats.push(seat);
        }
        load::run(server.process(), &mut seats, WARM, Generator::Thin)?;
        let run = load::run(server.process(), &mut seats, EACH, Generator::Thin)?;
        server.stop()?;
        self.tell(Figure::plain("postgres_rate", run.rate, "/s"));
        self.tell(Figure::plain("postgres_server_cpu", run.server, "us"));
        let ratio = run.rate / files.rate;
        self.tell(Figure::with_goal(
            "postgres_rate_to_sqlite",
            ratio,
            "x",
            Goal::AtLeast(0.5),
        ));
        self.note("all devices signed on PostgreSQL");
        Ok(())
    }
}
