//! The making of a wallet, by three honest parties over a line that the input commands.
//!
//! The input is a program: for each message one order, what becomes of it on the way. Whatever it says, no two parties
//! ever end with different wallets, and a wallet is made only where every message arrived as it was sent.

use twofold_client::recovery::AgeSealer;
use twofold_threshold::Fault;
use twofold_threshold::create::{device, recovery, server};
use twofold_threshold::id::Party;

use crate::parties::{HONEST, OTHER, Parties, REQUEST, copy_of};
use crate::{Seed, Target};

pub(crate) const TARGET: Target = Target {
    name: "create",
    run,
    stages: &[
        "unreadable",
        "refused: recovery's opening",
        "refused: opening",
        "refused: server's round",
        "refused: to recovery",
        "refused: recovery's round",
        "refused: closing",
        "refused: completion",
        "made after a crash",
        "made",
    ],
    seeds,
};

/// The orders that an input gives, and after them none.
struct Orders<'a> {
    rest: &'a [u8],
    altered: bool,
    crashes: bool,
}

/// What an order says of a message.
const DELIVER: u8 = 0;
const FLIP: u8 = 1;
const OF_ANOTHER_RUN: u8 = 2;
const SPLICE: u8 = 3;
const CUT: u8 = 4;
const APPEND: u8 = 5;
const OTHER_STEP: u8 = 6;
const ANYTHING: u8 = 7;

impl Orders<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else {
            return 0;
        };
        self.rest = rest;
        *first
    }

    /// A place in something of that length.
    fn place(&mut self, length: usize) -> usize {
        let (high, low) = (self.byte(), self.byte());
        usize::from(u16::from_be_bytes([high, low])) % length.max(1)
    }

    /// What arrives of `sent`; `other` is the same message of another run, `step` one of another step.
    fn carry(&mut self, sent: Vec<u8>, other: Vec<u8>, step: Vec<u8>) -> Vec<u8> {
        let mut arrives = sent.clone();
        match self.byte() % 8 {
            DELIVER => {}
            FLIP => {
                let place = self.place(arrives.len());
                arrives[place] ^= self.byte();
            }
            OF_ANOTHER_RUN => arrives = other,
            SPLICE => {
                let length = arrives.len().min(other.len());
                let from = self.place(length);
                let to = length.min(from + usize::from(self.byte()));
                arrives[from..to].copy_from_slice(&other[from..to]);
            }
            CUT => {
                let place = self.place(arrives.len());
                arrives.truncate(place);
            }
            APPEND => arrives.push(self.byte()),
            OTHER_STEP => arrives = step,
            ANYTHING.. => {
                let length = self.place(usize::MAX).min(self.rest.len());
                let (bytes, rest) = self.rest.split_at(length);
                arrives = bytes.to_vec();
                self.rest = rest;
            }
        }
        self.altered |= arrives != sent;
        arrives
    }

    /// Whether a party loses its memory here.
    fn crash(&mut self) -> bool {
        let crashes = self.byte() & 1 == 1;
        self.crashes |= crashes;
        crashes
    }
}

fn run(input: &[u8]) -> &'static str {
    let mut orders = Orders {
        rest: input,
        altered: false,
        crashes: false,
    };
    let end = ceremony(&mut orders);
    let honest = !orders.altered;
    match &end {
        // Every message is bound to its run and to all others: none can be another one.
        Ok(()) => assert!(honest, "a wallet was made although a message was altered"),
        Err((step, fault)) => assert!(!honest, "an honest run was refused at {step}: {fault:?}"),
    }
    match end {
        Ok(()) if orders.crashes => "made after a crash",
        Ok(()) => "made",
        Err((_, None)) => "unreadable",
        Err((step, Some(_))) => step,
    }
}

type End = Result<(), (&'static str, Option<Fault>)>;

/// Reads what arrived as what is expected here.
macro_rules! arrived {
    ($orders:ident, $sent:expr, $field:ident, $step:ident) => {
        $orders
            .carry($sent.to_bytes(), OTHER.$field.to_bytes(), HONEST.$step.to_bytes())
            .as_slice()
            .try_into()
            .map_err(|_| ("", None))?
    };
}

fn ceremony(orders: &mut Orders<'_>) -> End {
    let at = |step| move |fault| (step, Some(fault));
    let mut all = Parties::new(3);

    let (r, sent) = all.start_recovery();
    let r = if orders.crash() {
        let record = r.to_secret_bytes().expect("a record");
        recovery::AwaitServer::from_secret_bytes(&record, &all.recovery).expect("its own record")
    } else {
        r
    };
    let start = all.start(arrived!(orders, sent, recovery_opening, opening));
    let (d, sent) = start.begin(&mut all.rng).map_err(at("refused: recovery's opening"))?;

    let unlock = copy_of(d.unlock());
    let opening = arrived!(orders, sent, opening, closing);
    let begun = server::begin(opening, &unlock, &all.server, &AgeSealer, &mut all.rng);
    let (s, sent) = begun.map_err(at("refused: opening"))?;
    // What the server keeps between the requests; it may be read back more than once.
    let record = s.to_secret_bytes();
    let s = if orders.crash() { kept(&record) } else { s };

    let round = arrived!(orders, sent, round, completion);
    let received = d.receive(round, &AgeSealer, &mut all.rng);
    let (d, sent) = received.map_err(at("refused: server's round"))?;

    let message = arrived!(orders, sent, to_recovery, round);
    let received = r.receive(&message, &AgeSealer, &all.opener, &mut all.rng);
    let (finished, sent) = received.map_err(at("refused: to recovery"))?;

    let message = arrived!(orders, sent, recovery_round, to_recovery);
    let to_sign = d.receive(message).map_err(at("refused: recovery's round"))?;
    let signature = all.device.sign_raw(&to_sign.signing_bytes());
    let pending = to_sign.signed(signature).expect("the device's own signature");
    assert_eq!(
        pending.public(),
        &finished.public,
        "device and recovery end with different wallets"
    );
    let pending = if orders.crash() {
        device::Pending::from_secret_bytes(&pending.to_secret_bytes()).expect("its own record")
    } else {
        pending
    };
    let (d, honest) = pending.close(&mut all.rng).map_err(at("closing"))?;

    let altered_before = orders.altered;
    let closing = arrived!(orders, honest, closing, opening);
    let received = s.receive(&closing, &unlock, &REQUEST, &all.server, &mut all.rng);
    let (new, sent) = match received {
        Ok(done) => done,
        Err(fault) => {
            // What was refused has changed nothing: where all before it was honest, the honest message still does it.
            let again = kept(&record).receive(&honest, &unlock, &REQUEST, &all.server, &mut all.rng);
            assert!(altered_before || again.is_ok_and(|(new, _)| new.public == finished.public));
            return Err(("refused: closing", Some(fault)));
        }
    };
    assert_eq!(
        new.public, finished.public,
        "server and recovery end with different wallets"
    );

    let completion = arrived!(orders, sent, completion, recovery_round);
    let made = d.receive(&completion).map_err(at("refused: completion"))?;
    assert_eq!(made.public, new.public, "device and server end with different wallets");
    assert_eq!(made.transcript, new.transcript);
    assert!(made.public.verify_test_signature(&made.test_signature).is_ok());
    let identity = all.recovery.identity().public();
    let signed = made.transcript.signature(Party::Recovery);
    let opened = new
        .package
        .open(&identity, &all.opener, made.transcript.transcript(), signed);
    assert!(opened.is_ok(), "recovery cannot open its package");
    Ok(())
}

fn kept(record: &[u8]) -> server::AwaitClosing {
    server::AwaitClosing::from_secret_bytes(record).expect("its own record")
}

/// Seven messages, three chances to crash: one order a message, a zero where nothing happens.
fn seeds() -> Vec<Seed> {
    let seeds: [(&str, &[u8]); 20] = [
        ("honest", &[]),
        ("crashes", &[1, 0, 0, 1, 0, 0, 0, 1]),
        ("recovery-opening-flip", &[0, FLIP, 0, 90, 1]),
        ("recovery-opening-of-another-run", &[0, OF_ANOTHER_RUN]),
        ("recovery-opening-header", &[0, FLIP, 0, 3, 1]),
        ("opening-of-another-run", &[0, 0, OF_ANOTHER_RUN]),
        ("opening-splice", &[0, 0, SPLICE, 0, 100, 60]),
        ("opening-unlock", &[0, 0, FLIP, 0, 140, 4]),
        ("round-of-another-run", &[0, 0, 0, 0, OF_ANOTHER_RUN]),
        ("round-flip", &[0, 0, 0, 0, FLIP, 1, 10, 1]),
        ("round-other-step", &[0, 0, 0, 0, OTHER_STEP]),
        ("to-recovery-of-another-run", &[0, 0, 0, 0, 0, OF_ANOTHER_RUN]),
        ("to-recovery-flip", &[0, 0, 0, 0, 0, FLIP, 4, 0, 1]),
        ("recovery-round-of-another-run", &[0, 0, 0, 0, 0, 0, OF_ANOTHER_RUN]),
        ("recovery-round-cut", &[0, 0, 0, 0, 0, 0, CUT, 1, 0]),
        ("closing-of-another-run", &[0, 0, 0, 0, 0, 0, 0, 0, OF_ANOTHER_RUN]),
        ("closing-flip", &[0, 0, 0, 0, 0, 0, 0, 0, FLIP, 0, 60, 1]),
        (
            "completion-of-another-run",
            &[0, 0, 0, 0, 0, 0, 0, 0, 0, OF_ANOTHER_RUN],
        ),
        ("completion-flip", &[0, 0, 0, 0, 0, 0, 0, 0, 0, FLIP, 0, 50, 1]),
        (
            "completion-anything",
            &[0, 0, 0, 0, 0, 0, 0, 0, 0, ANYTHING, 0, 3, 1, 4, 7],
        ),
    ];
    seeds
        .iter()
        .map(|(name, program)| ((*name).to_owned(), program.to_vec()))
        .collect()
}
