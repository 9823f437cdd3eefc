//! What is looked up and not counted, when `status` is asked or the metrics are read.

use twofold_cosigner::port::{Clock, chain::Chain};
use twofold_store::Database;

use super::Office;
use crate::{links::Link, metric};

impl<C: Chain, K: Clock> Office<Database, C, K> {
    /// The links that leave the process.
    pub(super) fn links(&self) -> Vec<Link> {
        self.links.all(self.cosigner.store().standing())
    }

    /// What is not as it should be, though requests are answered; a sentence each.
    pub(super) fn troubles(&self) -> Vec<String> {
        let links = self.links();
        let away = links.iter().filter_map(Link::trouble);
        self.health.troubles().into_iter().chain(away).collect()
    }

    /// Tells them.
    pub(crate) fn gauge(&self) {
        metrics::gauge!(metric::READY).set(f64::from(u8::from(self.health.ready())));
        let troubles = u32::try_from(self.troubles().len()).unwrap_or(u32::MAX);
        metrics::gauge!(metric::TROUBLES).set(f64::from(troubles));
        self.links().iter().for_each(Link::gauge);
        let ([backup, drill], ends) = (self.copies.last(), self.health.certificate_end());
        let times = [
            (metric::LAST_BACKUP, backup),
            (metric::LAST_DRILL, drill),
            (metric::CERTIFICATE, ends),
        ];
        for (name, at) in times {
            if let Some(at) = at.and_then(|at| u32::try_from(at).ok()) {
                metrics::gauge!(name).set(f64::from(at));
            }
        }
    }
}
