//! The links that leave the process, by the keys of the configuration that name where they lead.

use std::sync::Arc;

use twofold_identity::Identity;
use twofold_link::{Circuit, Standing};

use crate::{admin::seen, metric};

/// Tells how the links to the sources of the chain are.
#[derive(Clone, Default)]
pub struct ChainLinks(Option<Arc<Told>>);

type Told = dyn Fn() -> Vec<Standing> + Send + Sync;

impl ChainLinks {
    /// By asking this.
    pub fn new(told: impl Fn() -> Vec<Standing> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    fn standings(&self) -> Vec<Standing> {
        self.0.as_ref().map_or_else(Vec::new, |told| told())
    }
}

/// Where links lead.
pub(crate) struct Links {
    pub(crate) chain: ChainLinks,
    pub(crate) identity: Arc<Identity>,
}

/// A link.
pub(crate) struct Link {
    /// The key that names where it leads.
    name: String,
    /// The issuer, where it is a sign-in provider's.
    issuer: Option<String>,
    standing: Standing,
}

impl Links {
    /// All of them; the database's is at hand elsewhere.
    pub(crate) fn all(&self, database: Option<Standing>) -> Vec<Link> {
        let chain = ["bitcoin", "bitcoin.second"].into_iter().zip(self.chain.standings());
        let database = database.map(|standing| ("database", standing));
        let mut all: Vec<_> = chain
            .chain(database)
            .map(|(name, standing)| Link {
                name: name.to_owned(),
                issuer: None,
                standing,
            })
            .collect();
        for (place, (issuer, standing)) in self.identity.standings().into_iter().enumerate() {
            all.extend(standing.map(|standing| Link {
                name: format!("sign_in.{place}"),
                issuer: Some(issuer.to_owned()),
                standing,
            }));
        }
        all
    }
}

impl Link {
    /// For the metrics: where it leads is told by the operator's own key alone.
    pub(crate) fn gauge(&self) {
        let up = f64::from(u8::from(self.standing.circuit == Circuit::Closed));
        metrics::gauge!(metric::LINK_UP, "link" => self.name.clone()).set(up);
        metrics::counter!(metric::LINK_FAILURES, "link" => self.name.clone()).absolute(self.standing.failures);
    }

    /// For `status`, a sentence where it has been away for long.
    pub(crate) fn trouble(&self) -> Option<String> {
        if self.standing.circuit != Circuit::Open {
            return None;
        }
        let why = self.standing.trouble.as_deref().unwrap_or("nobody knows why");
        let (name, since) = (&self.name, self.standing.since.as_secs());
        Some(format!("`{name}` has not answered for {since} s: {}", one_line(why)))
    }

    /// For the operator.
    pub(crate) fn seen(self) -> seen::Link {
        let Standing {
            circuit,
            since,
            answered,
            failures,
            trouble,
        } = self.standing;
        seen::Link {
            link: self.name,
            issuer: self.issuer,
            circuit: circuit.name().to_owned(),
            since_seconds: since.as_secs(),
            answered_seconds: answered.map(|answered| answered.as_secs()),
            failures,
            trouble: trouble.map(|why| one_line(&why)),
        }
    }
}

/// Another's words, fit for a terminal.
fn one_line(words: &str) -> String {
    let plain = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(300).collect()
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use twofold_identity::Identity;
    use twofold_link::{Circuit, Standing};

    use super::{ChainLinks, Links};

    fn standing(circuit: Circuit, trouble: Option<&str>) -> Standing {
        Standing {
            circuit,
            since: Duration::from_secs(70),
            answered: None,
            failures: 3,
            trouble: trouble.map(str::to_owned),
        }
    }

    #[test]
    fn a_link_that_is_away_is_told_by_its_key_and_only_after_a_while_as_a_trouble() {
        let chain = || {
            vec![
                standing(Circuit::Open, Some("gone\u{1b}[2J")),
                standing(Circuit::Waiting, Some("gone")),
            ]
        };
        let links = Links {
            chain: ChainLinks::new(chain),
            identity: Arc::new(Identity::new(Vec::new()).unwrap()),
        };
        let all = links.all(Some(standing(Circuit::Closed, None)));
        let troubles: Vec<_> = all.iter().filter_map(super::Link::trouble).collect();
        assert_eq!(troubles, ["`bitcoin` has not answered for 70 s: gone [2J"]);
        let seen: Vec<_> = all.into_iter().map(super::Link::seen).collect();
        let told: Vec<_> = seen
            .iter()
            .map(|link| (link.link.as_str(), link.circuit.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("bitcoin", "open"),
                ("bitcoin.second", "waiting"),
                ("database", "closed")
            ]
        );
    }
}
