//! The change of the KEK, beside requests: begun by the operator, and gone on with by every start until it is over.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as Turn, Notify},
    task::spawn_blocking,
};
use twofold_cosigner::{
    Cosigner, KekName,
    port::{Clock, chain::Chain, store::Store},
};

use crate::{admin::KekStanding, config::Config, fault::Fault, kek::Files};

/// Before something that failed is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// Where the change stands.
pub(crate) struct Rotations {
    files: Files,
    wake: Notify,
    /// Whose turn it is: a step of the change, or the beginning of the next.
    turn: Turn<()>,
    held: Mutex<Held>,
}

/// What the cosigner does not know of it.
#[derive(Default)]
struct Held {
    /// The files have followed.
    followed: bool,
    trouble: Option<String>,
}

fn broken() -> Fault {
    Fault::System("the change of the KEK broke off; the log says where".into())
}

impl Rotations {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            files: Files::of(config),
            wake: Notify::new(),
            turn: Turn::default(),
            held: Mutex::default(),
        }
    }

    fn note(&self, followed: bool, trouble: Option<String>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Held { followed, trouble };
    }

    /// How far the change is that is under way, or the last one; none where there never was one.
    pub(crate) fn standing<S: Store, C: Chain, K: Clock>(&self, cosigner: &Cosigner<S, C, K>) -> Option<KekStanding> {
        let told = cosigner.rotation()?;
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        Some(KekStanding {
            moving: !(told.over && held.followed),
            percent: told.percent,
            wallets: told.wallets,
            damaged: told.damaged,
            trouble: held.trouble.clone(),
            old: self.files.old().map(Into::into),
        })
    }

    /// Begins, where none is under way.
    pub(crate) async fn begin<S: Store, C: Chain, K: Clock>(
        self: &Arc<Self>,
        cosigner: &Arc<Cosigner<S, C, K>>,
    ) -> Result<KekStanding, Fault> {
        let (this, mind) = (Arc::clone(self), Arc::clone(cosigner));
        // Whoever asks may hang up, and this must not be dropped half way.
        let begun = tokio::spawn(async move {
            let _turn = this.turn.lock().await;
            match mind.rotation() {
                Some(told) if !told.over => return Ok(()),
                // Right after a start nobody has looked yet whether the files follow what is over.
                Some(_) => {
                    this.followed(mind.kek()).await?;
                    this.note(true, None);
                }
                None => {}
            }
            let (files, under) = (this.files.clone(), mind.kek());
            // Whoever keeps it may take its time.
            let drawn = spawn_blocking(move || files.draw(under)).await;
            let next = drawn.unwrap_or_else(|_| Err(broken()))?;
            let begun = mind.begin_rotation(&next).await;
            begun.map_err(|fault| Fault::Kek(fault.to_string()))?;
            tracing::warn!("the operator changes the KEK");
            this.note(false, None);
            this.wake.notify_one();
            Ok::<_, Fault>(())
        });
        begun.await.unwrap_or_else(|_| Err(broken()))?;
        self.standing(cosigner).ok_or_else(broken)
    }

    async fn followed(&self, under: KekName) -> Result<bool, Fault> {
        let files = self.files.clone();
        let followed = spawn_blocking(move || files.follow(under)).await;
        followed.unwrap_or_else(|_| Err(broken()))
    }

    /// Goes on with it, whenever there is one.
    pub(crate) async fn run<S: Store, C: Chain, K: Clock>(self: Arc<Self>, cosigner: Arc<Cosigner<S, C, K>>) {
        loop {
            let turn = self.turn.lock().await;
            let step = match cosigner.rotate().await {
                Ok(Some(told)) if told.over => self.followed(cosigner.kek()).await.map(|moved| {
                    self.note(true, None);
                    if moved {
                        let (wallets, damaged) = (told.wallets, told.damaged);
                        tracing::warn!(wallets, damaged, "all is sealed under the new KEK");
                    }
                    true
                }),
                Ok(told) => Ok(told.is_none()),
                Err(fault) => Err(Fault::Kek(fault.to_string())),
            };
            match step {
                Ok(true) => {
                    drop(turn);
                    self.wake.notified().await;
                }
                Ok(false) => self.note(false, None),
                Err(fault) => {
                    let trouble = fault.to_string();
                    tracing::error!(trouble, "the change of the KEK is held up");
                    self.note(false, Some(trouble));
                    drop(turn);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}
