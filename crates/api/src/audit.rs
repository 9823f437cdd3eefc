//! The audit chain of a wallet: what each entry says, how it is encoded, and how a reader checks the chain.
//!
//! Every entry is hashed together with the hash before it, the wallet and its number, so that an entry can't be
//! changed, moved, dropped or shown under another wallet without every later hash changing. Checkpoints
//! (`threshold::checkpoint`) sign the newest hash, so whoever holds one can tell whether the chain still contains it.

use alloc::{string::String, vec::Vec};
use sha2::{Digest, Sha256};
use twofold_threshold::id::{DeviceId, EpochId, RequestDigest, WalletId};

use crate::reply::AuditLine;

mod told;

/// Version of the entry encoding.
const VERSION: u8 = 1;
/// Separates the chain's hashes from all others.
const CHAIN_TAG: &[u8] = b"twofold/audit-chain/1";
/// Most inputs that an entry may name when it is read.
const MOST_INPUTS: usize = 10_000;
/// Most bytes of a text when it is read.
const MOST_TEXT: usize = 1024;

/// One entry: when, and what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// By the server's clock, in seconds since 1970.
    pub at: u64,
    /// What happened.
    pub event: Event,
}

/// What happened to a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The ceremony ended and the server keeps its share.
    Created {
        /// The device that ran the ceremony.
        device: DeviceId,
        /// The first epoch.
        epoch: EpochId,
        /// The group key, compressed.
        group_key: [u8; 33],
        /// Hash of the device list.
        device_list: [u8; 32],
    },
    /// The server gave out its share of a test signature (a message that can be no sighash).
    TestSigned {
        /// The device that asked.
        device: DeviceId,
        /// The request it was given to.
        request: RequestDigest,
    },
    /// The test signature was shown; from here on the wallet is in use.
    Activated {
        /// The device that showed it.
        device: DeviceId,
    },
    /// The wallet has another name.
    Renamed {
        /// The device that asked.
        device: DeviceId,
        /// The new name.
        name: String,
    },
    /// The server gave out its shares for a transaction.
    Signed(Signed),
    /// The server gave out its share for a text (BIP-322).
    MessageSigned {
        /// The device that asked.
        device: DeviceId,
        /// The request it was given to.
        request: RequestDigest,
        /// Keychain and index of the address that it was signed for.
        path: [u32; 2],
        /// BIP-322's tagged hash of the text.
        message: [u8; 32],
    },
    /// A transaction goes out to the network.
    Broadcast {
        /// The device that asked.
        device: DeviceId,
        /// In internal byte order.
        txid: [u8; 32],
    },
    /// A device showed a checkpoint that this chain lacks: the server was rolled back, and signing stops.
    Fenced {
        /// The device that showed it.
        device: DeviceId,
        /// The checkpoint's generation.
        generation: u32,
        /// The checkpoint's number.
        seq: u64,
        /// The checkpoint's hash.
        chain: [u8; 32],
    },
    /// The key was dealt anew: the shares of the epoch before are dead.
    Refreshed {
        /// The device that ran the refresh.
        device: DeviceId,
        /// The new epoch.
        epoch: EpochId,
        /// Hash of the device list from here on.
        device_list: [u8; 32],
    },
    /// A fence was lifted; from here on the log counts another generation. What an older one signed past `fork` was lost.
    Lifted {
        /// The generation that begins.
        generation: u32,
        /// The last entry that is sure to be of both.
        fork: u64,
        /// The epoch that signs from here on.
        epoch: EpochId,
        /// On whose word.
        by: Lift,
    },
    /// Something about the wallet's shape was asked for or done.
    Shape {
        /// The device that did it; zeroes for the operator and for recovery.
        device: DeviceId,
        /// What was done.
        step: ShapeStep,
        /// To what: the list's new head, or the digest of what is asked for; zeroes for a freeze.
        subject: [u8; 32],
    },
}

/// On whose word a fence was lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lift {
    /// The anchor's, which no backup takes back: it agrees on epoch and device list.
    Anchor,
    /// Recovery's, signed.
    Recovery,
    /// The operator's and a person's.
    Operator {
        /// The device that the person said yes on.
        device: DeviceId,
        /// What the operator gave as the reason.
        reason: String,
    },
    /// Every device's that was in use lately, after the time that notice takes.
    Devices,
}

/// What was done about a wallet's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum ShapeStep {
    /// A change was asked for; it waits.
    Asked = 1,
    /// A change that waited was cancelled.
    Cancelled = 2,
    /// The operator said yes to a change that waits.
    OperatorAgreed = 3,
    /// A device has another name; the subject is the device.
    DeviceRenamed = 4,
    /// The device list has a new entry.
    ListChanged = 5,
    /// The wallet was frozen.
    Frozen = 6,
    /// The wallet signs again.
    Unfrozen = 7,
    /// A device objected to what recovery asks for.
    Objected = 8,
    /// A code for another machine was minted.
    Invited = 9,
    /// The server helped to give a device its share; the subject is what recovery signed for.
    Repaired = 10,
    /// The operator said how long a recovery of this wallet waits.
    WaitSet = 11,
    /// The operator said no to a change that waited.
    OperatorRefused = 12,
    /// The person, who signed in anew with a second factor, said yes to a change that waits.
    PersonAgreed = 13,
}

impl ShapeStep {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Asked,
        Self::Cancelled,
        Self::OperatorAgreed,
        Self::DeviceRenamed,
        Self::ListChanged,
        Self::Frozen,
        Self::Unfrozen,
        Self::Objected,
        Self::Invited,
        Self::Repaired,
        Self::WaitSet,
        Self::OperatorRefused,
        Self::PersonAgreed,
    ];
}

/// A transaction that the server gave its shares for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The device that asked.
    pub device: DeviceId,
    /// The request it was given to.
    pub request: RequestDigest,
    /// In internal byte order.
    pub txid: [u8; 32],
    /// What the amounts count: `btc`.
    pub asset: String,
    /// What the transaction costs the wallet, fee included, in the asset's smallest unit.
    pub charge: u64,
    /// How much of that was not charged already (for another version, or an earlier request, of the same spend).
    pub added: u64,
    /// The fee, in the asset's smallest unit.
    pub fee: u64,
    /// The wallet's outpoints it spends: txid in internal byte order and index in little endian, 36 bytes each.
    pub inputs: Vec<[u8; 36]>,
}

/// Why an entry can't be read, or a chain is not whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditFault {
    /// The bytes are no entry of this version.
    #[error("audit entry can't be read: {0}")]
    Unreadable(&'static str),
    /// An entry is missing, or out of its place.
    #[error("audit entry {found} stands where {expected} should be")]
    Gap {
        /// The number that should be there.
        expected: u64,
        /// The number that is.
        found: u64,
    },
    /// An entry's hash is not the hash over it and all before it.
    #[error("audit entry {0} was changed: its hash does not fit the chain")]
    Broken(u64),
}

/// Where a chain stands: its last number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// Number of the last entry; 0 where there is none.
    pub seq: u64,
    /// Its hash; zeros where there is none.
    pub chain: [u8; 32],
}

impl ChainHead {
    /// Before the first entry.
    pub const START: Self = Self { seq: 0, chain: [0; 32] };

    /// The head after one more entry.
    #[must_use]
    pub fn next(&self, wallet: WalletId, entry: &[u8]) -> Self {
        let seq = self.seq.saturating_add(1);
        // All parts before the entry have a fixed length, so no two different chains hash the same bytes.
        let chain = Sha256::new()
            .chain_update(CHAIN_TAG)
            .chain_update(wallet.0)
            .chain_update(seq.to_be_bytes())
            .chain_update(self.chain)
            .chain_update(entry)
            .finalize()
            .into();
        Self { seq, chain }
    }
}

/// Checks that `lines` follow `from` without a gap or a change, and reads them.
pub fn verify(wallet: WalletId, from: ChainHead, lines: &[AuditLine]) -> Result<(ChainHead, Vec<Entry>), AuditFault> {
    let mut head = from;
    let mut entries = Vec::with_capacity(lines.len());
    for line in lines {
        let next = head.next(wallet, &line.entry);
        if line.seq != next.seq {
            return Err(AuditFault::Gap {
                expected: next.seq,
                found: line.seq,
            });
        }
        if line.chain != next.chain {
            return Err(AuditFault::Broken(line.seq));
        }
        entries.push(Entry::from_bytes(&line.entry)?);
        head = next;
    }
    Ok((head, entries))
}

impl Entry {
    /// The entry in its one encoding: version, kind, time, then the fields; integers in big endian, texts and lists
    /// after their 32-bit length.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.push(VERSION);
        out.push(self.event.kind());
        out.extend_from_slice(&self.at.to_be_bytes());
        match &self.event {
            Event::Created {
                device,
                epoch,
                group_key,
                device_list,
            } => {
                out.extend_from_slice(&device.0);
                out.extend_from_slice(&epoch.number.to_be_bytes());
                out.extend_from_slice(&epoch.transcript);
                out.extend_from_slice(group_key);
                out.extend_from_slice(device_list);
            }
            Event::Refreshed {
                device,
                epoch,
                device_list,
            } => {
                out.extend_from_slice(&device.0);
                out.extend_from_slice(&epoch.number.to_be_bytes());
                out.extend_from_slice(&epoch.transcript);
                out.extend_from_slice(device_list);
            }
            Event::TestSigned { device, request } => {
                out.extend_from_slice(&device.0);
                out.extend_from_slice(&request.0);
            }
            Event::Activated { device } => out.extend_from_slice(&device.0),
            Event::Renamed { device, name } => {
                out.extend_from_slice(&device.0);
                put_bytes(&mut out, name.as_bytes());
            }
            Event::Signed(signed) => {
                out.extend_from_slice(&signed.device.0);
                out.extend_from_slice(&signed.request.0);
                out.extend_from_slice(&signed.txid);
                put_bytes(&mut out, signed.asset.as_bytes());
                out.extend_from_slice(&signed.charge.to_be_bytes());
                out.extend_from_slice(&signed.added.to_be_bytes());
                out.extend_from_slice(&signed.fee.to_be_bytes());
                put_count(&mut out, signed.inputs.len());
                for input in &signed.inputs {
                    out.extend_from_slice(input);
                }
            }
            Event::Broadcast { device, txid } => {
                out.extend_from_slice(&device.0);
                out.extend_from_slice(txid);
            }
            Event::Fenced {
                device,
                generation,
                seq,
                chain,
            } => {
                out.extend_from_slice(&device.0);
                out.extend_from_slice(&generation.to_be_bytes());
                out.extend_from_slice(&seq.to_be_bytes());
                out.extend_from_slice(chain);
            }
            Event::MessageSigned {
                device,
                request,
                path,
                message,
            } => {
                out.extend_from_slice(&device.0);
                out.extend_from_slice(&request.0);
                out.extend_from_slice(&path[0].to_be_bytes());
                out.extend_from_slice(&path[1].to_be_bytes());
                out.extend_from_slice(message);
            }
            Event::Lifted {
                generation,
                fork,
                epoch,
                by,
            } => {
                out.extend_from_slice(&generation.to_be_bytes());
                out.extend_from_slice(&fork.to_be_bytes());
                out.extend_from_slice(&epoch.number.to_be_bytes());
                out.extend_from_slice(&epoch.transcript);
                by.put(&mut out);
            }
            Event::Shape { device, step, subject } => {
                out.extend_from_slice(&device.0);
                out.push(*step as u8);
                out.extend_from_slice(subject);
            }
        }
        out
    }

    /// Reads an entry. Whatever reads is written back as the same bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AuditFault> {
        let mut reader = Reader(bytes);
        if reader.array::<1>()? != [VERSION] {
            return Err(AuditFault::Unreadable("another version; update this program"));
        }
        let [kind] = reader.array::<1>()?;
        let at = reader.u64()?;
        let event = match kind {
            1 => Event::Created {
                device: DeviceId(reader.array()?),
                epoch: EpochId {
                    number: u32::from_be_bytes(reader.array()?),
                    transcript: reader.array()?,
                },
                group_key: reader.array()?,
                device_list: reader.array()?,
            },
            2 => Event::TestSigned {
                device: DeviceId(reader.array()?),
                request: RequestDigest(reader.array()?),
            },
            3 => Event::Activated {
                device: DeviceId(reader.array()?),
            },
            4 => Event::Renamed {
                device: DeviceId(reader.array()?),
                name: reader.text()?,
            },
            5 => Event::Signed(Signed {
                device: DeviceId(reader.array()?),
                request: RequestDigest(reader.array()?),
                txid: reader.array()?,
                asset: reader.text()?,
                charge: reader.u64()?,
                added: reader.u64()?,
                fee: reader.u64()?,
                inputs: reader.outpoints()?,
            }),
            6 => Event::Broadcast {
                device: DeviceId(reader.array()?),
                txid: reader.array()?,
            },
            7 => Event::Fenced {
                device: DeviceId(reader.array()?),
                generation: u32::from_be_bytes(reader.array()?),
                seq: reader.u64()?,
                chain: reader.array()?,
            },
            8 => Event::MessageSigned {
                device: DeviceId(reader.array()?),
                request: RequestDigest(reader.array()?),
                path: [u32::from_be_bytes(reader.array()?), u32::from_be_bytes(reader.array()?)],
                message: reader.array()?,
            },
            9 => Event::Lifted {
                generation: u32::from_be_bytes(reader.array()?),
                fork: reader.u64()?,
                epoch: EpochId {
                    number: u32::from_be_bytes(reader.array()?),
                    transcript: reader.array()?,
                },
                by: Lift::read(&mut reader)?,
            },
            20 => Event::Shape {
                device: DeviceId(reader.array()?),
                step: reader.shape_step()?,
                subject: reader.array()?,
            },
            16 => Event::Refreshed {
                device: DeviceId(reader.array()?),
                epoch: EpochId {
                    number: u32::from_be_bytes(reader.array()?),
                    transcript: reader.array()?,
                },
                device_list: reader.array()?,
            },
            _ => {
                return Err(AuditFault::Unreadable(
                    "a kind of entry this program does not know; update it",
                ));
            }
        };
        if reader.0.is_empty() {
            Ok(Self { at, event })
        } else {
            Err(AuditFault::Unreadable("bytes after the end"))
        }
    }
}

impl Event {
    /// The kind's number in the encoding; numbers are never given anew.
    const fn kind(&self) -> u8 {
        match self {
            Self::Created { .. } => 1,
            Self::TestSigned { .. } => 2,
            Self::Activated { .. } => 3,
            Self::Renamed { .. } => 4,
            Self::Signed(_) => 5,
            Self::Broadcast { .. } => 6,
            Self::Fenced { .. } => 7,
            Self::MessageSigned { .. } => 8,
            Self::Lifted { .. } => 9,
            Self::Refreshed { .. } => 16,
            Self::Shape { .. } => 20,
        }
    }
}

impl Lift {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Anchor => out.push(1),
            Self::Recovery => out.push(2),
            Self::Operator { device, reason } => {
                out.push(3);
                out.extend_from_slice(&device.0);
                put_bytes(out, reason.as_bytes());
            }
            Self::Devices => out.push(4),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, AuditFault> {
        match reader.array::<1>()? {
            [1] => Ok(Self::Anchor),
            [2] => Ok(Self::Recovery),
            [3] => Ok(Self::Operator {
                device: DeviceId(reader.array()?),
                reason: reader.text()?,
            }),
            [4] => Ok(Self::Devices),
            _ => Err(AuditFault::Unreadable("a lift this program does not know; update it")),
        }
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], AuditFault> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(AuditFault::Unreadable("cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], AuditFault> {
        self.take(N)?
            .try_into()
            .map_err(|_| AuditFault::Unreadable("cut short"))
    }

    fn u64(&mut self) -> Result<u64, AuditFault> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    fn count(&mut self, most: usize) -> Result<usize, AuditFault> {
        let count = u32::from_be_bytes(self.array()?);
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= most)
            .ok_or(AuditFault::Unreadable("too long"))
    }

    fn text(&mut self) -> Result<String, AuditFault> {
        let count = self.count(MOST_TEXT)?;
        let bytes = self.take(count)?;
        core::str::from_utf8(bytes)
            .map(String::from)
            .map_err(|_| AuditFault::Unreadable("text is not UTF-8"))
    }

    fn shape_step(&mut self) -> Result<ShapeStep, AuditFault> {
        let [number] = self.array()?;
        let step = ShapeStep::ALL.into_iter().find(|step| *step as u8 == number);
        step.ok_or(AuditFault::Unreadable("a step this program does not know; update it"))
    }

    fn outpoints(&mut self) -> Result<Vec<[u8; 36]>, AuditFault> {
        let count = self.count(MOST_INPUTS)?;
        (0..count).map(|_| self.array()).collect()
    }
}

#[cfg(test)]
mod tests;
