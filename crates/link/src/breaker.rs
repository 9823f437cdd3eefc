//! Whether a link answers, and when it may be asked again.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{Circuit, Pauses, Standing};

/// How patient one is with a link.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// For how long calls may fail before the circuit opens.
    pub patience: Duration,
    /// The first pause after a failure; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub last_pause: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(10),
            first_pause: Duration::from_millis(100),
            last_pause: Duration::from_secs(2),
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
}

#[derive(Debug)]
struct Trouble {
    began: Instant,
    why: String,
    pauses: Pauses,
    until: Instant,
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
        let now = Instant::now();
        let mut known = self.known();
        known.answered = Some(now);
        let ended = known.trouble.take().is_some();
        if ended {
            known.since = now;
        }
        ended
    }

    /// It did not answer, or not as it should; whether that began a trouble. `why` holds no secret: it is shown.
    pub fn failed(&self, why: &str) -> bool {
        let now = Instant::now();
        let mut known = self.known();
        known.failures = known.failures.saturating_add(1);
        let began = known.trouble.is_none();
        let trouble = known.trouble.get_or_insert_with(|| Trouble {
            began: now,
            why: String::new(),
            pauses: self.policy.pauses(),
            until: now,
        });
        why.clone_into(&mut trouble.why);
        trouble.until = now + trouble.pauses.take();
        began
    }

    /// Why it is not to be asked now: it failed a moment ago, and the pause after that is not over.
    #[must_use]
    pub fn turns_away(&self) -> Option<String> {
        let known = self.known();
        let trouble = known.trouble.as_ref()?;
        (Instant::now() < trouble.until).then(|| trouble.why.clone())
    }

    /// Whether a call may be tried more than once: where the circuit is open, one attempt tells all there is to know.
    #[must_use]
    pub fn may_try_again(&self) -> bool {
        self.circuit(&self.known()) != Circuit::Open
    }

    fn circuit(&self, known: &Known) -> Circuit {
        match &known.trouble {
            None => Circuit::Closed,
            Some(trouble) if trouble.began.elapsed() < self.policy.patience => Circuit::Waiting,
            Some(_) => Circuit::Open,
        }
    }

    /// How the link is.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let known = self.known();
        let since = known.trouble.as_ref().map_or(known.since, |trouble| trouble.began);
        Standing {
            circuit: self.circuit(&known),
            since: since.elapsed(),
            answered: known.answered.map(|answered| answered.elapsed()),
            failures: known.failures,
            trouble: known.trouble.as_ref().map(|trouble| trouble.why.clone()),
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
        })
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
}
