//! The bare operations that everything is held against: frost's own, of the same crates, in the same run.

use std::{collections::BTreeMap, thread, time::Duration};

use anyhow::{Context as _, Result, bail};
use frost_secp256k1_tr::{
    Identifier, Secp256K1Sha256TR, SigningPackage, aggregate,
    keys::{
        IdentifierList, KeyPackage, PublicKeyPackage, dkg, generate_with_dealer,
        refresh::{compute_refreshing_shares, refresh_share},
        repairable::{repair_share_part1, repair_share_part2, repair_share_part3},
    },
    round1::{self, SigningCommitments},
    round2,
};
use rand_core::OsRng;

use crate::machine;

const PARTIES: u16 = 3;
const NEEDED: u16 = 2;
const MESSAGE: [u8; 32] = [7; 32];

/// Keys to operate with.
#[derive(Debug)]
pub(crate) struct Bare {
    server: KeyPackage,
    device: KeyPackage,
    public: PublicKeyPackage,
    /// A device's commitments, for the server's half alone.
    theirs: SigningCommitments,
}

/// CPU time of each operation, in microseconds, on as many cores at once as there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Costs {
    /// One commitment.
    pub(crate) commit: f64,
    /// One commitment and one share: what a server must do.
    pub(crate) half: f64,
    /// Both commitments, both shares, the aggregation with its verification.
    pub(crate) both: f64,
}

impl Costs {
    /// The mean of what was measured before and after something.
    pub(crate) fn around(self, after: Self) -> Self {
        Self {
            commit: f64::midpoint(self.commit, after.commit),
            half: f64::midpoint(self.half, after.half),
            both: f64::midpoint(self.both, after.both),
        }
    }
}

impl Bare {
    pub(crate) fn new() -> Result<Self> {
        let (shares, public) = generate_with_dealer(PARTIES, NEEDED, IdentifierList::Default, OsRng)?;
        let mut packages = shares.into_values().map(KeyPackage::try_from);
        let server = packages.next().context("a share")??;
        let device = packages.next().context("a share")??;
        let (_, theirs) = round1::commit(device.signing_share(), &mut OsRng);
        Ok(Self {
            server,
            device,
            public,
            theirs,
        })
    }

    fn commit(&self) {
        std::hint::black_box(round1::commit(self.server.signing_share(), &mut OsRng));
    }

    fn half(&self) -> Result<()> {
        let (nonces, ours) = round1::commit(self.server.signing_share(), &mut OsRng);
        let commitments = BTreeMap::from([
            (*self.server.identifier(), ours),
            (*self.device.identifier(), self.theirs),
        ]);
        let package = SigningPackage::new(commitments, &MESSAGE);
        std::hint::black_box(round2::sign(&package, &nonces, &self.server)?);
        Ok(())
    }

    /// A whole signature, both sides.
    pub(crate) fn both(&self) -> Result<()> {
        let (server, ours) = round1::commit(self.server.signing_share(), &mut OsRng);
        let (device, theirs) = round1::commit(self.device.signing_share(), &mut OsRng);
        let commitments = BTreeMap::from([(*self.server.identifier(), ours), (*self.device.identifier(), theirs)]);
        let package = SigningPackage::new(commitments, &MESSAGE);
        let shares = BTreeMap::from([
            (
                *self.server.identifier(),
                round2::sign(&package, &server, &self.server)?,
            ),
            (
                *self.device.identifier(),
                round2::sign(&package, &device, &self.device)?,
            ),
        ]);
        std::hint::black_box(aggregate(&package, &shares, &self.public)?);
        Ok(())
    }

    /// Measures all of them.
    pub(crate) fn costs(&self) -> Result<Costs> {
        const ROUNDS: u32 = 250;
        Ok(Costs {
            commit: cost(ROUNDS, || {
                self.commit();
                Ok(())
            })?,
            half: cost(ROUNDS, || self.half())?,
            both: cost(ROUNDS, || self.both())?,
        })
    }
}

/// CPU time of one operation in microseconds, all cores at it.
fn cost(rounds: u32, operation: impl Fn() -> Result<()> + Sync) -> Result<f64> {
    let one = || -> Result<Duration> {
        let start = machine::thread_cpu()?;
        for _ in 0..rounds {
            operation()?;
        }
        Ok(machine::thread_cpu()?.saturating_sub(start))
    };
    let cores = machine::cores();
    let spent: Duration = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(one)).collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .map_err(|_| anyhow::anyhow!("a measuring thread failed"))?
            })
            .sum::<Result<Duration>>()
    })?;
    Ok(spent.as_secs_f64() * 1e6 / f64::from(rounds * cores))
}

/// Three parties make a key, in one thread.
pub(crate) fn key_generation() -> Result<()> {
    let parties = (1..=PARTIES).map(Identifier::try_from).collect::<Result<Vec<_>, _>>()?;
    let mut secrets = BTreeMap::new();
    let mut first = BTreeMap::new();
    for party in &parties {
        let (secret, package) = dkg::part1(*party, PARTIES, NEEDED, OsRng)?;
        secrets.insert(*party, secret);
        first.insert(*party, package);
    }
    let others = |party: &Identifier| {
        let mut others = first.clone();
        others.remove(party);
        others
    };
    let mut kept = BTreeMap::new();
    let mut dealt: BTreeMap<Identifier, BTreeMap<_, _>> = BTreeMap::new();
    for (party, secret) in secrets {
        let (secret, packages) = dkg::part2(secret, &others(&party))?;
        kept.insert(party, secret);
        for (to, package) in packages {
            dealt.entry(to).or_default().insert(party, package);
        }
    }
    for (party, secret) in &kept {
        let received = dealt.get(party).context("packages for each party")?;
        std::hint::black_box(dkg::part3(secret, &others(party), received)?);
    }
    Ok(())
}

/// Three parties' keys, to be dealt anew.
pub(crate) struct Renewal {
    keys: Vec<KeyPackage>,
    public: PublicKeyPackage,
}

impl Renewal {
    pub(crate) fn new() -> Result<Self> {
        let (shares, public) = generate_with_dealer(PARTIES, NEEDED, IdentifierList::Default, OsRng)?;
        let keys = shares
            .into_values()
            .map(KeyPackage::try_from)
            .collect::<Result<_, _>>()?;
        Ok(Self { keys, public })
    }

    /// Two parties deal, and all three take what they were dealt, in one thread.
    pub(crate) fn refresh(&self) -> Result<()> {
        let parties: Vec<_> = self.keys.iter().map(|key| *key.identifier()).collect();
        let (mut keys, mut public) = (self.keys.clone(), self.public.clone());
        for _dealer in 0..NEEDED {
            let (dealt, next) = compute_refreshing_shares(public, &parties, &mut OsRng)?;
            let taken = dealt.into_iter().zip(&keys);
            keys = taken
                .map(|(dealt, key)| refresh_share(dealt, key))
                .collect::<Result<_, _>>()?;
            public = next;
        }
        std::hint::black_box((keys, public));
        Ok(())
    }

    /// Two parties give the third its share back, in one thread.
    pub(crate) fn repair(&self) -> Result<()> {
        let [lost, helpers @ ..] = self.keys.as_slice() else {
            bail!("three parties");
        };
        let names: Vec<_> = helpers.iter().map(|key| *key.identifier()).collect();
        let deltas = helpers
            .iter()
            .map(|key| repair_share_part1::<Secp256K1Sha256TR, _>(&names, key, &mut OsRng, *lost.identifier()))
            .collect::<Result<Vec<_>, _>>()?;
        let sigmas: Vec<_> = names
            .iter()
            .map(|name| {
                let received: Vec<_> = deltas.iter().filter_map(|dealt| dealt.get(name).copied()).collect();
                repair_share_part2(&received)
            })
            .collect();
        std::hint::black_box(repair_share_part3(&sigmas, *lost.identifier(), &self.public)?);
        Ok(())
    }
}
