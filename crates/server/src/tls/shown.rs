//! The certificate that is shown from now on, to whoever connects next.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::acme::Proof;

/// One certificate for every name: the server has one.
#[derive(Debug)]
pub(super) struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    pub(super) fn new(pair: CertifiedKey) -> Self {
        Self(RwLock::new(Arc::new(pair)))
    }

    pub(super) fn now(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn show(&self, pair: CertifiedKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
}

/// That certificate, or to an authority that asks for it the proof of an order.
#[derive(Debug)]
pub(super) struct Either {
    proof: Arc<Proof>,
    shown: Arc<Shown>,
}

impl Either {
    pub(super) fn new(proof: Arc<Proof>, shown: Arc<Shown>) -> Self {
        Self { proof, shown }
    }
}

impl ResolvesServerCert for Either {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if Proof::is_asked(&hello) {
            return self.proof.resolve(hello);
        }
        self.shown.resolve(hello)
    }
}
