//! A key's chain of epochs with what recovery needs to follow it: the package that recovery last sealed itself, then
//! each refresh since then.

use alloc::vec::Vec;

use super::{Contents, FirstPackage, OpenAsRecovery};
use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    device_list::{Act, Change, DeviceList, Entry, MAX_ENTRIES, MAX_ENTRY},
    id::{EpochId, Party},
    identity::IdentityKey,
    refresh::{Ground, Link},
    share::PublicShares,
    transcript::{FirstTranscript, Signed, Transcript},
    words::RecoveryIdentity,
};

/// The most refreshes that a chain holds. Before it is full recovery, present, seals its share anew.
pub const MAX_LINKS: usize = 512;
/// The longest refresh: a transcript and the envelopes of as many devices as there may be.
const MAX_LINK: usize = 32 * 1_024;
/// The longest first transcript, and the longest package.
const MAX_FIRST: usize = 8 * 1_024;

/// From the transcript that recovery signed when the key was made to the newest epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainFrom<T> {
    created: Signed<T>,
    package: FirstPackage,
    /// The device list, entry by entry: it says whose refreshes count.
    list: Vec<Vec<u8>>,
    links: Vec<Link>,
}

/// The chain of a wallet's taproot key.
pub type Chain = ChainFrom<Transcript>;

/// Recovery's share at the newest epoch of a chain.
#[derive(Debug)]
pub struct Opened {
    /// The share and the unlock key.
    pub contents: Contents,
    /// What everybody knows of that epoch.
    pub public: PublicShares,
}

impl<T: FirstTranscript> ChainFrom<T> {
    /// A chain as far as it is known. It is held to its transcripts and signatures when it is walked or opened.
    #[must_use]
    pub const fn new(created: Signed<T>, package: FirstPackage, list: Vec<Vec<u8>>, links: Vec<Link>) -> Self {
        Self {
            created,
            package,
            list,
            links,
        }
    }

    /// The transcript that all three parties signed.
    #[must_use]
    pub const fn created(&self) -> &Signed<T> {
        &self.created
    }

    /// What recovery last sealed itself.
    #[must_use]
    pub const fn package(&self) -> &FirstPackage {
        &self.package
    }

    /// The refreshes since the key was made.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The newest epoch, as the chain has it.
    #[must_use]
    pub fn epoch(&self) -> EpochId {
        match self.links.last() {
            Some(link) => link.signed().transcript().epoch(),
            None => self.created.transcript().epoch(),
        }
    }

    /// The entries of the device list.
    #[must_use]
    pub fn list(&self) -> &[Vec<u8>] {
        &self.list
    }

    /// The device list that the chain carries, all of it verified from the first transcript on.
    pub fn devices(&self) -> Result<DeviceList, Fault> {
        let mut walk = self.walk()?;
        for entry in walk.rest {
            walk.append(entry)?;
        }
        Ok(walk.ground.list)
    }

    /// Who recovery is now: whose words signed the first transcript, or whom the device list has put in their place.
    pub fn recovery(&self) -> Result<RecoveryIdentity, Fault> {
        let first = *self.created.transcript().recovery();
        let replaces = |entry: &Vec<u8>| {
            let change = Change::try_from(entry.as_slice());
            change.is_ok_and(|change| matches!(change.act(), Act::ReplaceRecovery(_)))
        };
        if !self.list.iter().any(replaces) {
            return Ok(first);
        }
        Ok(self.devices()?.replaced().copied().unwrap_or(first))
    }

    /// The same chain from what other words have sealed. Whether those are the ones that the list names is seen when the
    /// chain is walked or opened.
    #[must_use]
    pub fn resealed(self, package: FirstPackage, list: Vec<Vec<u8>>) -> Self {
        Self { package, list, ..self }
    }

    /// The epoch that the key was made in. A key that a wallet gained later stands on a later entry of the list, and maybe
    /// on other words than the wallet's first; what all three signed says which.
    fn walk(&self) -> Result<Walk<'_>, Fault> {
        let transcript = self.created.transcript();
        let (first, rest) = self.list.split_first().ok_or(FaultKind::Length)?;
        let entry = Entry::try_from(first.as_slice())?;
        let list = DeviceList::first(transcript.wallet(), *transcript.first_recovery(), &entry)
            .map_err(|_| FaultKind::IdentitySignature)?;
        let foreign = || Fault::of(FaultKind::ForeignCeremony, Party::Device);
        let mut walk = Walk {
            ground: Ground {
                wallet: transcript.wallet(),
                server: *transcript.identity(Party::Server),
                recovery: *transcript.recovery(),
                list,
                public: transcript.public_shares()?,
            },
            rest,
            both: false,
        };
        walk.reach(transcript.device_list_head()).map_err(|_| foreign())?;
        let Ground { recovery, list, .. } = &walk.ground;
        let named = recovery == transcript.recovery() && *list.recovery() == recovery.signing;
        if named && walk.ground.lists(transcript.identity(Party::Device)) {
            Ok(walk)
        } else {
            Err(foreign())
        }
    }

    /// Adds a refresh to the end, if it follows. `list` is the device list up to there.
    pub fn push(&mut self, list: Vec<Vec<u8>>, link: Link) -> Result<(), Fault> {
        if self.links.len() >= MAX_LINKS {
            return Err(FaultKind::Count.into());
        }
        let mut longer = Self { list, ..self.clone() };
        longer.links.push(link.for_recovery());
        longer.newest()?;
        *self = longer;
        Ok(())
    }

    /// What everybody knows of the newest epoch. Every transcript on the way there is checked, and that recovery signed
    /// what it sealed for one of these epochs.
    pub fn public(&self) -> Result<PublicShares, Fault> {
        let (public, sealed) = self.followed()?;
        if sealed {
            Ok(public)
        } else {
            Err(Fault::of(FaultKind::ForeignCeremony, Party::Recovery))
        }
    }

    /// The same where what recovery sealed may be of an epoch that comes after those of this chain.
    pub fn newest(&self) -> Result<PublicShares, Fault> {
        self.followed().map(|(public, _)| public)
    }

    /// The newest epoch, and whether what recovery sealed itself is of one on the way there: it may be of a later one, where
    /// the words were replaced since.
    fn followed(&self) -> Result<(PublicShares, bool), Fault> {
        let mut public = self.created.transcript().public_shares()?;
        let recovery = self.recovery()?;
        let mut sealed = self.is_sealed_at(&public, &recovery.signing)?;
        if !self.links.is_empty() {
            let mut walk = self.walk()?;
            for link in &self.links {
                walk.ground.public = walk.next(link)?;
                // What comes after the package is sealed to whoever opens that.
                if sealed && *link.signed().transcript().recovery() != recovery {
                    return Err(foreign_refresh());
                }
                sealed |= self.is_sealed_at(&walk.ground.public, &recovery.signing)?;
            }
            public = walk.ground.public;
        }
        Ok((public, sealed))
    }

    /// Whether what recovery sealed itself is of this epoch; then it must be signed for it, by the words that count.
    fn is_sealed_at(&self, public: &PublicShares, recovery: &IdentityKey) -> Result<bool, Fault> {
        if self.package.epoch() != public.epoch() {
            return Ok(false);
        }
        let wallet = self.created.transcript().wallet();
        self.package.verify(wallet, public, recovery)?;
        Ok(true)
    }

    /// Opens the chain as recovery: what recovery sealed itself, then one envelope of each refresh since.
    pub fn open(&self, identity: &IdentityKey, opener: &impl OpenAsRecovery) -> Result<Opened, Fault> {
        let first = self.created.transcript();
        if self.recovery()?.signing != *identity {
            return Err(FaultKind::UnexpectedIdentity.into());
        }
        // New words have signed no first transcript. Their package names its epoch by the hash of that epoch's transcript,
        // so theirs is the signature that the chain is held to.
        let own = first.recovery().signing == *identity;
        let signature = self.created.signature(Party::Recovery);
        if own && self.links.is_empty() {
            return Ok(Opened {
                contents: self.package.open(identity, opener, first, signature)?,
                public: first.public_shares()?,
            });
        }
        if own {
            first.verify(Party::Recovery, signature)?;
        }
        let mut walk = self.walk()?;
        let mut contents = self.sealed_at(&walk.ground, first.unlock_digest(), identity, opener)?;
        for link in &self.links {
            let public = walk.next(link)?;
            contents = match contents {
                Some(Contents { share, .. }) => {
                    let (share, unlock, _) = link.open_followed(&walk.ground, public.clone(), &share, opener)?;
                    Some(Contents { share, unlock })
                }
                None => None,
            };
            walk.ground.public = public;
            if contents.is_none() {
                let digest = link.signed().transcript().unlock_digest();
                contents = self.sealed_at(&walk.ground, digest, identity, opener)?;
            }
        }
        let contents = contents.ok_or_else(|| Fault::of(FaultKind::ForeignCeremony, Party::Recovery))?;
        Ok(Opened {
            contents,
            public: walk.ground.public,
        })
    }

    /// What recovery sealed itself, if that was at this epoch.
    fn sealed_at(
        &self,
        ground: &Ground,
        unlock_digest: &[u8; 32],
        identity: &IdentityKey,
        opener: &impl OpenAsRecovery,
    ) -> Result<Option<Contents>, Fault> {
        if self.package.epoch() != ground.public.epoch() {
            return Ok(None);
        }
        let at = (ground.wallet, &ground.public);
        self.package.open_at(identity, opener, at, unlock_digest).map(Some)
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let writer = Writer::new(Kind::PackageChain)
            .var(&self.created.to_bytes())
            .var(&self.package.to_bytes())
            .u32(count(self.list.len()));
        let writer = self.list.iter().fold(writer, |writer, entry| writer.var(entry));
        self.links
            .iter()
            .fold(writer.u32(count(self.links.len())), |writer, link| {
                writer.var(&link.to_bytes())
            })
            .finish()
    }
}

fn count(reader: &mut Reader<'_>, most: usize) -> Result<usize, Fault> {
    let count = usize::try_from(reader.u32()?).map_err(|_| FaultKind::Count)?;
    if count > most {
        return Err(FaultKind::Count.into());
    }
    Ok(count)
}

/// A refresh that was dealt for another recovery than the one that was there.
fn foreign_refresh() -> Fault {
    Fault {
        kind: FaultKind::ForeignCeremony,
        culprits: Vec::from([Party::Server, Party::Device]),
    }
}

/// A device that the list has not, or a list that has no such head.
fn foreign_device() -> Fault {
    Fault::of(FaultKind::UnexpectedIdentity, Party::Device)
}

/// On the way along a chain: where the wallet stands, and the entries of the list that are still to come.
struct Walk<'a> {
    ground: Ground,
    rest: &'a [Vec<u8>],
    /// The wallet has refreshed two keys at once: from then on it refreshes neither alone.
    both: bool,
}

impl Walk<'_> {
    /// The list goes on by one entry.
    fn append(&mut self, entry: &[u8]) -> Result<(), Fault> {
        let change = Change::try_from(entry)?;
        let appended = self.ground.list.append(&change);
        appended.map_err(|_| foreign_device())?;
        if let Some(replaced) = self.ground.list.replaced() {
            self.ground.recovery = *replaced;
        }
        Ok(())
    }

    /// The list goes on to where `head` is its last entry.
    fn reach(&mut self, head: &[u8; 32]) -> Result<(), Fault> {
        while self.ground.list.head() != head {
            let (entry, rest) = self.rest.split_first().ok_or_else(foreign_device)?;
            self.append(entry)?;
            self.rest = rest;
        }
        Ok(())
    }

    /// What a refresh leads to, once its device is seen to have been on the list that it was sealed to, and all of that
    /// list's devices with it; and recovery, whoever that was then.
    fn next(&mut self, link: &Link) -> Result<PublicShares, Fault> {
        let transcript = link.signed().transcript();
        let ground = &self.ground;
        let public = transcript.follows(ground.wallet, &ground.server, transcript.recovery(), &ground.public)?;
        let both = link.signed().beside().is_some();
        if self.both && !both {
            return Err(foreign_refresh());
        }
        self.both = both;
        self.reach(transcript.device_list_head())?;
        if *transcript.recovery() != self.ground.recovery {
            return Err(foreign_refresh());
        }
        if !self.ground.lists(transcript.device()) || transcript.recipients() != self.ground.recipients() {
            return Err(foreign_device());
        }
        Ok(public)
    }
}

/// Decoding verifies every signature of a transcript, by the identities that it names itself.
impl<T: FirstTranscript> TryFrom<&[u8]> for ChainFrom<T> {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::PackageChain)?;
        let created = Signed::try_from(reader.var(MAX_FIRST)?)?;
        let package = FirstPackage::try_from(reader.var(MAX_FIRST)?)?;
        let list = (0..count(&mut reader, MAX_ENTRIES)?)
            .map(|_| reader.var(MAX_ENTRY).map(<[u8]>::to_vec))
            .collect::<Result<_, _>>()?;
        let links = (0..count(&mut reader, MAX_LINKS)?)
            .map(|_| Link::try_from(reader.var(MAX_LINK)?))
            .collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self::new(created, package, list, links))
    }
}
