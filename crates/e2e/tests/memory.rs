//! The memory of the server's process, searched from outside once it has signed and is idle.

use std::{
    collections::HashSet,
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::hkdf;
use bitcoin::{
    Network, TapTweakHash, XOnlyPublicKey,
    bip32::{ChainCode, ChildNumber, Fingerprint, Xpub},
    secp256k1::{All, PublicKey, Scalar, Secp256k1, SecretKey},
};
use rusqlite::Connection;
use twofold_e2e::Deployment;
use twofold_threshold::{id::Party, seal, secret::Secret32, share::Share};

use crate::{
    device::{Enrolled, Secrets},
    kills::runtime,
    line::Mischief,
    oracle::{Oracle, verify},
};

const WALLET: &str = "savings";
const SIGNS: usize = 30;

/// What a process can write to, as it is now.
pub(crate) struct Memory(Vec<Region>);

struct Region {
    name: String,
    bytes: Vec<u8>,
}

impl Memory {
    pub(crate) fn of(process: u32) -> Result<Self> {
        let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
        let memory = File::open(format!("/proc/{process}/mem"))?;
        let mut regions = Vec::new();
        for line in maps.lines() {
            let mut words = line.split_whitespace();
            let (range, rights) = (words.next().context("a range")?, words.next().context("its rights")?);
            if !rights.starts_with("rw") {
                continue;
            }
            let (start, end) = range.split_once('-').context("a range")?;
            let (start, end) = (u64::from_str_radix(start, 16)?, u64::from_str_radix(end, 16)?);
            let mut bytes = vec![0; usize::try_from(end - start)?];
            // The kernel's own pages can't be read.
            if memory.read_exact_at(&mut bytes, start).is_ok() {
                regions.push(Region {
                    name: line.to_owned(),
                    bytes,
                });
            }
        }
        ensure!(!regions.is_empty(), "nothing can be read of process {process}");
        Ok(Self(regions))
    }

    /// Where it holds these bytes.
    fn places(&self, needle: &[u8]) -> Vec<String> {
        let mut places = Vec::new();
        for Region { name, bytes } in &self.0 {
            for (place, byte) in bytes.iter().enumerate() {
                if *byte == needle[0] && bytes[place..].starts_with(needle) {
                    places.push(format!("{place:#x} of {name}"));
                }
            }
        }
        places
    }

    /// Where it holds these bytes as they are, the other way round (as limbs of a number lie) or as hexadecimal.
    pub(crate) fn places_of_secret(&self, secret: &[u8; 32]) -> Vec<String> {
        let reversed: Vec<u8> = secret.iter().rev().copied().collect();
        [
            self.places(secret),
            self.places(&reversed),
            self.places(hex::encode(secret).as_bytes()),
        ]
        .concat()
    }

    /// Every 32 bytes at a place where numbers lie that could be a secret number: not text, not a table, not zeros.
    fn numbers(&self) -> HashSet<[u8; 32]> {
        let mut numbers = HashSet::new();
        for Region { bytes, .. } in &self.0 {
            for place in (0..bytes.len().saturating_sub(31)).step_by(8) {
                if bytes[place] == 0 && bytes[place + 1] == 0 {
                    continue;
                }
                let Ok(number) = <[u8; 32]>::try_from(&bytes[place..place + 32]) else {
                    continue;
                };
                let mut seen = [false; 256];
                for byte in number {
                    seen[usize::from(byte)] = true;
                }
                if seen.iter().filter(|there| **there).count() >= 22 {
                    numbers.insert(number);
                }
            }
        }
        numbers
    }

    /// The numbers in it whose public points are among these.
    fn discrete_logarithms(&self, points: &HashSet<[u8; 32]>) -> Vec<XOnlyPublicKey> {
        let secp = Secp256k1::new();
        let mut found = Vec::new();
        for number in self.numbers() {
            let mut reversed = number;
            reversed.reverse();
            for number in [number, reversed] {
                let Ok(secret) = SecretKey::from_slice(&number) else {
                    continue;
                };
                let (point, _) = secret.x_only_public_key(&secp);
                if points.contains(&point.serialize()) {
                    found.push(point);
                }
            }
        }
        found
    }
}

fn x_of(point: &[u8; 33]) -> [u8; 32] {
    let mut x = [0; 32];
    x.copy_from_slice(&point[1..]);
    x
}

/// The key of the outer seal, from the operator's file.
fn outer(data: &Path) -> Result<[u8; 32]> {
    let kek = hex::decode(fs::read_to_string(data.join("kek"))?.trim())
        .map_err(|fault| anyhow::anyhow!("the KEK: {fault}"))?;
    let mut key = [0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"twofold/kek/1")
        .extract(&kek)
        .expand(&[b"outer seal"], hkdf::HKDF_SHA256)
        .and_then(|material| material.fill(&mut key))
        .map_err(|_| anyhow::anyhow!("HKDF"))?;
    Ok(key)
}

/// The server's share, which takes the unlock key and the KEK.
fn server_share(secrets: &Secrets, data: &Path, outer: [u8; 32]) -> Result<SecretKey> {
    let database = Connection::open(data.join("data/twofold.db"))?;
    let sealed: Vec<u8> = database.query_row(
        "SELECT sealed FROM shares WHERE wallet = ?",
        [secrets.wallet.0.as_slice()],
        |row| row.get(0),
    )?;
    let aad = secrets.public.share_aad(secrets.wallet, Party::Server);
    let inner = seal::open(&Secret32::new(outer), &aad, &sealed)?;
    let unlock = Secret32::new(secrets.unlock);
    let share = Share::open(&unlock, secrets.wallet, Party::Server, &secrets.public, &inner)?;
    let record = share.to_secret_bytes();
    Ok(SecretKey::from_slice(record.last_chunk::<32>().context("a share")?)?)
}

/// The share as it signs for the first receiving address: tweaked by BIP-32 and BIP-341, negated or not on the way.
fn tweaked(secp: &Secp256k1<All>, secrets: &Secrets, share: SecretKey) -> Result<Vec<SecretKey>> {
    let mut key = Xpub {
        network: Network::Regtest.into(),
        depth: 0,
        parent_fingerprint: Fingerprint::default(),
        child_number: ChildNumber::Normal { index: 0 },
        public_key: PublicKey::from_slice(secrets.public.group_key())?,
        chain_code: ChainCode::from(*secrets.public.chain_code()),
    };
    let mut child = share;
    for index in [0, 0] {
        let number = ChildNumber::from_normal_idx(index)?;
        let (tweak, _) = key.ckd_pub_tweak(number)?;
        child = child.add_tweak(&Scalar::from(tweak))?;
        key = key.ckd_pub(secp, number)?;
    }
    let (internal, _) = key.public_key.x_only_public_key();
    let taproot = TapTweakHash::from_key_and_tweak(internal, None).to_scalar();
    let mut all = vec![share, share.negate(), child, child.negate()];
    for key in [child, child.negate()] {
        let output = key.add_tweak(&taproot)?;
        all.extend([output, output.negate()]);
    }
    Ok(all)
}

#[test]
fn o06_the_servers_memory_holds_no_nonce_no_share_and_no_unlock_key_after_signing() -> Result<()> {
    let mut deployment = Deployment::start()?;
    let enrolled = runtime()?.block_on(Enrolled::new(&deployment.invitation, &[WALLET]))?;
    let oracle = Arc::new(Oracle::default());
    let secrets = runtime()?.block_on(async {
        let mut device = enrolled.open(WALLET, &oracle, Mischief::None).await?;
        for _ in 0..SIGNS {
            let psbt = device.spend();
            verify(&device.sign(psbt).await?)?;
        }
        device.secrets().await
    })?;
    let outer = outer(&deployment.data())?;
    let share = server_share(&secrets, &deployment.data(), outer)?;
    let secp = Secp256k1::new();
    ensure!(
        share.public_key(&secp).serialize() == *secrets.public.verifying_share(Party::Server),
        "that is not the server's share"
    );
    // Connections are closed, and what went on beside requests has come round.
    thread::sleep(Duration::from_secs(2));
    let memory = Memory::of(deployment.server()?.child().id())?;

    // What must be there is found: the key of the outer seal.
    ensure!(!memory.places_of_secret(&outer).is_empty(), "the search finds nothing");
    let mut found = memory.places_of_secret(&secrets.unlock);
    for key in tweaked(&secp, &secrets, share)? {
        let places = memory.places_of_secret(&key.secret_bytes());
        found.extend(places.into_iter().map(|place| format!("{place} (share)")));
    }
    ensure!(found.is_empty(), "unlock key or share are in memory: {found:#?}");
    let points = oracle.points();
    ensure!(points.len() == 2 * SIGNS, "{} points", points.len());
    let nonces = memory.discrete_logarithms(&points.iter().map(x_of).collect());
    ensure!(nonces.is_empty(), "nonces are in memory: {nonces:?}");
    Ok(())
}

#[test]
fn the_search_of_a_memory_finds_a_number_by_its_point_whichever_way_it_lies() -> Result<()> {
    let secp = Secp256k1::new();
    let secret = SecretKey::from_slice(&std::array::from_fn::<u8, 32, _>(|place| {
        u8::try_from(place * 7 % 251 + 1).unwrap_or(1)
    }))?;
    let (point, _) = secret.x_only_public_key(&secp);
    for reversed in [false, true] {
        let mut bytes = secret.secret_bytes();
        if reversed {
            bytes.reverse();
        }
        let memory = Memory(vec![Region {
            name: "here".into(),
            bytes: [&[0; 24], &bytes[..], &[0; 40]].concat(),
        }]);
        let found = memory.discrete_logarithms(&HashSet::from([point.serialize()]));
        ensure!(found == [point], "{found:?}");
        ensure!(
            memory.places_of_secret(&secret.secret_bytes()) == ["0x18 of here"],
            "the bytes themselves"
        );
    }
    Ok(())
}
