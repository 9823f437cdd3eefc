//! Shares that are dealt anew: a refresh, and a recovery on another machine, each against its own cryptography in memory, and
//! that against frost's. Device
//! and recovery are the client as the command line uses it, with its keystore on the disk; opening that with the
//! passphrase is left out, for a person pays it once a command.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rand_core::OsRng;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use twofold_api::invitation::Invitation;
use twofold_cli::transport::Https;
use twofold_client::{
    Client,
    keystore::{Cost, Passphrase, Unlocked, file::Folder},
    port::{Clock, Platform},
    recovery::recover::Recovery,
    wallet::Wallet,
};
use twofold_threshold::words::RecoverySecret;

use crate::{Bench, bare::Renewal, ceremony::Ceremony, figure::Figure, figure::Goal, machine, millis, quantile};

/// Wallets that are made, refreshed and recovered, and refreshes of each.
const WALLETS: u32 = 10;
const REFRESHES: u32 = 4;
/// Refreshes of one wallet for the growth, and over how many of them a figure is taken.
const MANY: u32 = 100;
const WINDOW: usize = 10;

/// A device of the bench: the command line's transport and keystore.
enum Bed {}

impl Platform for Bed {
    type Transport = Https;
    type Keystore = Folder;
    type Clock = Now;
    type Random = OsRng;
}

struct Now;

impl Clock for Now {
    fn now(&self) -> u64 {
        machine::unix_seconds()
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

impl Bench {
    /// Each in turns with the bare operations, on wallets that are young: every refresh is a link that the next one walks.
    pub(crate) fn renewals(&mut self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (renewal, ceremony) = (Renewal::new()?, Ceremony::new()?);
        let (mut frost, mut frost_whole) = (Times::default(), Times::default());
        let folder = tempfile::tempdir()?;
        let mut owner = join(&runtime, &folder, "owner", &self.server.invitation()?)?;
        let (mut refresh, mut recover) = (Times::default(), Times::default());
        for number in 0..WALLETS {
            let made = runtime.block_on(owner.create(&format!("bench-{number}").parse()?, &mut |_| ()))?;
            let (mut wallet, secret) = (made.wallet, made.words.secret()?);
            runtime.block_on(owner.confirm_words(&mut wallet))?;
            for _ in 0..REFRESHES {
                frost.bare(|| renewal.refresh())?;
                refresh.bare(|| ceremony.refresh())?;
                refresh.taken(|| Ok(runtime.block_on(owner.refresh(&mut wallet, &mut |_| ()))?))?;
            }
            frost_whole.bare(|| renewal.repair().and_then(|()| renewal.refresh()))?;
            recover.bare(|| ceremony.recover())?;
            let invitation = self.server.invitation_to_recover(wallet.id())?;
            let mut other = join(&runtime, &folder, &format!("other-{number}"), &invitation)?;
            recover.taken(|| runtime.block_on(recovery(&mut other, &wallet, &invitation, &secret)))?;
        }
        self.tell(Figure::plain(
            "frost_refresh",
            millis(quantile(&mut frost.bare, 50)?),
            "ms",
        ));
        self.tell(Figure::plain(
            "frost_recover",
            millis(quantile(&mut frost_whole.bare, 50)?),
            "ms",
        ));
        self.compare(["bare_refresh", "refresh", "refresh_to_bare"], &mut refresh, 4.0)?;
        self.compare(["bare_recover", "recover", "recover_to_bare"], &mut recover, 5.0)?;

        let mut many = Times::default();
        let made = runtime.block_on(owner.create(&"bench-many".parse()?, &mut |_| ()))?;
        let mut wallet = made.wallet;
        for _ in 0..MANY {
            many.taken(|| Ok(runtime.block_on(owner.refresh(&mut wallet, &mut |_| ()))?))?;
        }
        let median = |times: &[Duration]| quantile(&mut times.to_vec(), 50);
        let first = median(many.taken.get(..WINDOW).context("the first refreshes")?)?;
        let last = median(many.taken.rchunks(WINDOW).next().context("the last refreshes")?)?;
        let growth = last.as_secs_f64() / first.as_secs_f64();
        self.tell(Figure::plain("growth_10_to_100_refreshes", growth, "x"));
        self.note("shares were dealt anew, and brought back");
        Ok(())
    }

    fn compare(
        &mut self,
        [bare_name, name, ratio_name]: [&'static str; 3],
        times: &mut Times,
        most: f64,
    ) -> Result<()> {
        let (bare, taken) = (quantile(&mut times.bare, 50)?, quantile(&mut times.taken, 50)?);
        let ratio = taken.as_secs_f64() / bare.as_secs_f64();
        self.tell(Figure::plain(bare_name, millis(bare), "ms"));
        self.tell(Figure::plain(name, millis(taken), "ms"));
        self.tell(Figure::with_goal(ratio_name, ratio, "x", Goal::AtMost(most)));
        Ok(())
    }
}

/// How long something took, and the bare operation of the same moment.
#[derive(Default)]
struct Times {
    bare: Vec<Duration>,
    taken: Vec<Duration>,
}

impl Times {
    fn bare<T>(&mut self, run: impl FnOnce() -> Result<T>) -> Result<()> {
        time(&mut self.bare, run)
    }

    fn taken<T>(&mut self, run: impl FnOnce() -> Result<T>) -> Result<()> {
        time(&mut self.taken, run)
    }
}

fn time<T>(times: &mut Vec<Duration>, run: impl FnOnce() -> Result<T>) -> Result<()> {
    let began = machine::now();
    run()?;
    times.push(began.elapsed());
    Ok(())
}

/// All that `twofold recover` does when there is nothing to wait for: asking, repairing, revoking, a refresh.
async fn recovery(
    client: &mut Client<Bed>,
    wallet: &Wallet,
    invitation: &Invitation,
    secret: &RecoverySecret,
) -> Result<()> {
    let Recovery::Done(mut recovered) = client.recover(wallet.id(), Some(invitation.code), secret).await? else {
        bail!("a recovery without a wait has to wait");
    };
    Box::pin(client.settle_recovery(&mut recovered, &[], secret)).await?;
    Ok(())
}

/// A new machine, with a keystore of its own.
fn join(runtime: &Runtime, folder: &TempDir, name: &str, invitation: &Invitation) -> Result<Client<Bed>> {
    let store = Folder::open(&folder.path().join(name))?;
    let passphrase = Passphrase::new("bench".to_owned())?;
    let way = Https::new(invitation.url.clone(), &invitation.trust)?;
    runtime.block_on(async {
        let keys = Unlocked::create(store, &passphrase, Cost::default(), &mut OsRng).await?;
        let joined = Client::join(keys, way, Now, OsRng, invitation, &name.parse()?).await;
        joined.context("a new machine joins")
    })
}
