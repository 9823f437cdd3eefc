//! Whether a link answers, and when it may be asked again.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{Circuit, Pauses, Standing};

/// A link that is asked when people come may not be asked for a night, and is not away for that.
pub const MEMORY: Duration = Duration::from_secs(900);

/// How patient one is with a link.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// For how long calls may fail before the circuit opens.
    pub patience: Duration,
    /// The first pause after a failure; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub last_pause: Duration,
    /// For how long a failure says something of a link that nobody has asked since.
    pub memory: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(10),
            first_pause: Duration::from_millis(100),
            last_pause: Duration::from_secs(2),
            memory: MEMORY,
        }
    }
}

impl Policy {
    /// The pauses between the attempts of one call.
    #[must_use]
    pub const fn pauses(&self) -> Pauses {
        Pauses::new(self.first_pause, self.last_pause)
    }
}

/// What is known of a link that is asked call by call.
#[derive(Debug)]
pub struct Breaker {
    policy: Policy,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// When it began to answer, or was made.
    since: Instant,
    answered: Option<Instant>,
    failures: u64,
    trouble: Option<Trouble>,
    pause: Option<Pause>,
}

#[derive(Debug)]
struct Trouble {
    began: Instant,
    last: Instant,
    why: String,
}

/// After a failure, until it answers who asks anew.
#[derive(Debug)]
struct Pause {
    pauses: Pauses,
    until: Instant,
    why: String,
}

impl Breaker {
    /// Of a link that was not asked yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            known: Mutex::new(Known {
                since: Instant::now(),
                answered: None,
                failures: 0,
                trouble: None,
                pause: None,
            }),
        }
    }

    /// What it is like to be patient with it.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // What it holds is written whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It answered; whether that ended a trouble.
    pub fn answered(&self) -> bool {
        let mut known = self.known();
        known.answers();
        known.pause.take().is_some()
    }

    /// It answered somebody whom it has let in before. The link is well; whoever it turned away since keeps the pause after
    /// that, for it may have no room for one more.
    pub fn still_answers(&self) {
        self.known().answers();
    }

    /// It did not answer, or not as it should; whether that began a trouble. `why` holds no secret: it is shown.
    pub fn failed(&self, why: &str) -> bool {
        let now = Instant::now();
        let mut known = self.known();
        known.failures = known.failures.saturating_add(1);
        if self.trouble(&known).is_none() {
            known.trouble = None;
        }
        let trouble = known.trouble.get_or_insert_with(|| Trouble {
            began: now,
            last: now,
            why: String::new(),
        });
        trouble.last = now;
        why.clone_into(&mut trouble.why);
        let began = known.pause.is_none();
        let pause = known.pause.get_or_insert_with(|| Pause {
            pauses: self.policy.pauses(),
            until: now,
            why: String::new(),
        });
        why.clone_into(&mut pause.why);
        pause.until = now + pause.pauses.take();
        began
    }

    /// Why it is not to be asked now: it failed a moment ago, and the pause after that is not over.
    #[must_use]
    pub fn turns_away(&self) -> Option<String> {
        let known = self.known();
        let pause = known.pause.as_ref()?;
        (Instant::now() < pause.until).then(|| pause.why.clone())
    }

    /// Whether a call may be tried more than once: where the circuit is open, one attempt tells all there is to know.
    #[must_use]
    pub fn may_try_again(&self) -> bool {
        self.circuit(&self.known()) != Circuit::Open
    }

    /// A trouble that is known to go on.
    fn trouble<'a>(&self, known: &'a Known) -> Option<&'a Trouble> {
        let trouble = known.trouble.as_ref();
        trouble.filter(|trouble| trouble.last.elapsed() < self.policy.memory)
    }

    fn circuit(&self, known: &Known) -> Circuit {
        match self.trouble(known) {
            None => Circuit::Closed,
            Some(trouble) if trouble.began.elapsed() < self.policy.patience => Circuit::Waiting,
            Some(_) => Circuit::Open,
        }
    }

    /// How the link is.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let known = self.known();
        let trouble = self.trouble(&known);
        let since = trouble.map_or(known.since, |trouble| trouble.began);
        Standing {
            circuit: self.circuit(&known),
            since: since.elapsed(),
            answered: known.answered.map(|answered| answered.elapsed()),
            failures: known.failures,
            trouble: trouble.map(|trouble| trouble.why.clone()),
        }
    }
}

impl Known {
    fn answers(&mut self) {
        let now = Instant::now();
        self.answered = Some(now);
        if self.trouble.take().is_some() {
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Breaker, Policy};
    use crate::Circuit;

    const HOUR: Duration = Duration::from_secs(3600);

    fn breaker(patience: Duration, pause: Duration) -> Breaker {
        Breaker::new(Policy {
            patience,
            first_pause: pause,
            last_pause: pause,
            memory: HOUR,
        })
    }

    #[test]
    fn a_failure_of_long_ago_says_nothing_of_a_link_that_nobody_has_asked_since() {
        let link = Breaker::new(Policy {
            patience: Duration::ZERO,
            memory: Duration::ZERO,
            ..Policy::default()
        });
        link.failed("gone");
        let standing = link.standing();
        assert_eq!((standing.circuit, standing.failures), (Circuit::Closed, 1));
        assert!(standing.trouble.is_none() && link.may_try_again());
    }

    #[test]
    fn a_link_is_closed_until_it_fails_and_again_once_it_answers() {
        let link = breaker(HOUR, HOUR);
        assert_eq!(link.standing().circuit, Circuit::Closed);
        assert_eq!((link.turns_away(), link.standing().answered), (None, None));
        assert!(!link.answered(), "there was no trouble");
        assert!(link.failed("gone"), "a trouble begins");
        assert!(!link.failed("still gone"), "and goes on");
        let standing = link.standing();
        assert_eq!((standing.circuit, standing.failures), (Circuit::Waiting, 2));
        assert_eq!(standing.trouble.as_deref(), Some("still gone"));
        assert_eq!(
            link.turns_away().as_deref(),
            Some("still gone"),
            "its pause is not over"
        );
        assert!(link.may_try_again());
        assert!(link.answered(), "the trouble is over");
        let standing = link.standing();
        assert_eq!((standing.circuit, standing.trouble), (Circuit::Closed, None));
        assert!(standing.answered.is_some() && link.turns_away().is_none());
    }

    #[test]
    fn a_circuit_opens_when_patience_is_over_and_one_attempt_is_enough_then() {
        let link = breaker(Duration::ZERO, Duration::ZERO);
        assert!(link.may_try_again());
        link.failed("gone");
        assert_eq!(link.standing().circuit, Circuit::Open);
        assert!(!link.may_try_again());
        assert_eq!(link.turns_away(), None, "somebody may look whether it is back");
        link.answered();
        assert!(link.may_try_again());
    }

    #[test]
    fn a_link_that_answers_over_what_it_let_in_before_is_well_and_whom_it_turned_away_waits_all_the_same() {
        let link = breaker(Duration::ZERO, HOUR);
        assert!(link.failed("too many"), "a trouble begins");
        assert_eq!(link.standing().circuit, Circuit::Open);
        link.still_answers();
        let standing = link.standing();
        assert_eq!((standing.circuit, standing.trouble), (Circuit::Closed, None));
        assert!(standing.answered.is_some());
        assert_eq!(link.turns_away().as_deref(), Some("too many"), "its pause is not over");
        assert!(!link.failed("too many"), "the same trouble");
        assert!(link.answered(), "it is over once somebody is let in");
        assert_eq!(link.turns_away(), None);
    }
}
