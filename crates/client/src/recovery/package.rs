//! The recovery package as a file: what recovery needs beside its words, to be kept anywhere.
//!
//! It holds the age file that only the words open (recovery's share and the unlock key), the transcript that all three
//! parties signed, what recovery needs of each refresh since, and of the wallet's place in the world. Whoever has the file without the
//! words learns the wallet's addresses and nothing that signs.

use bitcoin::Address;
use twofold_intent::{Account, ChainName, Keychain};
use twofold_threshold::identity::{Domain, IdentitySecret, Signature64};
use twofold_threshold::package::{Chain, Contents, FirstPackage, Opened};
use twofold_threshold::share::PublicShares;
use twofold_threshold::transcript::SignedTranscript;
use twofold_threshold::words::RecoverySecret;

use super::file::{self, FileFault, FileKind};
use super::{AgeOpener, RecoveryFault};
use crate::home;
use crate::keystore::record::Writer;
use crate::port::KeystoreFault;
use crate::wallet::Record;

const KIND: FileKind = FileKind::Package;
/// age's own name for its text form.
const AGE: &str = "AGE ENCRYPTED FILE";
/// The device's word on what the transcript does not say: name, network, birthday.
const PLACE: Domain = Domain::new("recovery/package");

/// A recovery package, its signatures checked. Nothing is open.
#[derive(Debug)]
pub struct RecoveryPackage {
    name: String,
    chain: ChainName,
    birthday: u32,
    epochs: Chain,
    signature: Signature64,
    public: PublicShares,
    account: Account,
}

/// What opening a package with its words has proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The wallet.
    pub wallet: String,
    /// What its device calls it.
    pub name: String,
    /// Its network, as the device says.
    pub network: ChainName,
    /// The epoch of the share.
    pub epoch: u32,
    /// The group key's short fingerprint.
    pub fingerprint: String,
    /// The wallet's descriptor.
    pub descriptor: String,
    /// Its first address.
    pub first_address: Address,
}

impl RecoveryPackage {
    /// The package of a wallet of this device's.
    pub(crate) fn of(record: &Record, device: &IdentitySecret) -> Result<Self, RecoveryFault> {
        let epochs = record.epochs().map_err(RecoveryFault::Package)?;
        let mut unsigned = Self::checked(record.name.clone(), record.chain, record.birthday, epochs)?;
        unsigned.signature = device.sign(PLACE, &unsigned.place());
        unsigned.verify()?;
        Ok(unsigned)
    }

    /// All but the device's signature.
    fn checked(name: String, chain: ChainName, birthday: u32, epochs: Chain) -> Result<Self, RecoveryFault> {
        let public = epochs.public().map_err(RecoveryFault::Package)?;
        let account = Account::from_group_key(chain.network(), public.group_key(), *public.chain_code())
            .map_err(|_| FileFault::Damaged(KIND))?;
        Ok(Self {
            name,
            chain,
            birthday,
            epochs,
            signature: Signature64([0; 64]),
            public,
            account,
        })
    }

    fn verify(&self) -> Result<(), RecoveryFault> {
        if self.is_by_device(PLACE, &self.place(), &self.signature) {
            Ok(())
        } else {
            Err(FileFault::Damaged(KIND).into())
        }
    }

    /// Whether a device of the wallet signed this: the one that made the wallet, or any on the list that the package has.
    /// Whoever was struck off since can show an older list, and an older share with it: only a refresh ends that.
    pub(super) fn is_by_device(&self, domain: Domain, message: &[u8], signature: &Signature64) -> bool {
        if self.epochs.list().is_empty() {
            let device = self.transcript().transcript().device();
            return device.verify(domain, message, signature).is_ok();
        }
        self.epochs.devices().is_ok_and(|list| {
            let mut devices = list.devices().iter();
            devices.any(|device| device.identity().verify(domain, message, signature).is_ok())
        })
    }

    fn body(&self) -> Writer {
        file::writer()
            .var(self.name.as_bytes())
            .var(self.chain.to_string().as_bytes())
            .fixed(&self.birthday.to_be_bytes())
            .var(&self.epochs_bytes())
            .var(&self.epochs.package().to_bytes())
    }

    /// The first transcript, where that and the device it names are all there is; else the whole chain, which has it.
    fn epochs_bytes(&self) -> Vec<u8> {
        if self.epochs.links().is_empty() && self.epochs.list().len() <= 1 {
            self.epochs.created().to_bytes()
        } else {
            self.epochs.to_bytes()
        }
    }

    fn place(&self) -> Vec<u8> {
        self.body().finish().to_vec()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.body().fixed(&self.signature.0).finish().to_vec()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, RecoveryFault> {
        let mut reader = file::reader(KIND, bytes)?;
        let mut parts = || -> Result<_, KeystoreFault> {
            let (name, chain) = (reader.text()?.to_owned(), reader.text()?);
            let chain = home::chain(chain).map_err(|_| reader.damaged())?;
            let birthday = u32::from_be_bytes(reader.array()?);
            let (epochs, package) = (reader.var()?, reader.var()?);
            Ok((name, chain, birthday, epochs, package, Signature64(reader.array()?)))
        };
        let (name, chain, birthday, epochs, package, signature) =
            parts().map_err(|fault| file::read_fault(KIND, &fault))?;
        reader.finish().map_err(|fault| file::read_fault(KIND, &fault))?;
        let package = FirstPackage::try_from(package).map_err(RecoveryFault::Package)?;
        let epochs = match Chain::try_from(epochs) {
            Ok(epochs) if epochs.package() == &package => epochs,
            Ok(_) => return Err(FileFault::Damaged(KIND).into()),
            Err(_) => {
                let created = SignedTranscript::try_from(epochs).map_err(RecoveryFault::Package)?;
                Chain::new(created, package, Vec::new(), Vec::new())
            }
        };
        let mut read = Self::checked(name, chain, birthday, epochs)?;
        read.signature = signature;
        read.verify()?;
        Ok(read)
    }

    /// The package as a file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let preamble = format!(
            "Twofold recovery package of the wallet {:?} on {}, {}.\n\
             The 25 recovery words open it, here or with the stock age tool (docs/recover.md). Keep copies wherever you \
             like,\nbut never beside the words. Without the words it shows the wallet's addresses, and signs nothing.\n\n{}",
            self.name,
            self.chain,
            self.public.fingerprint(),
            file::armor(AGE, self.epochs.package().sealed())
        );
        file::write(KIND, &preamble, &self.to_bytes())
    }

    /// Reads a package's file and checks every signature in it.
    pub fn parse(text: &str) -> Result<Self, RecoveryFault> {
        let package = Self::from_bytes(&file::read(KIND, text)?)?;
        // The copy that the stock tool reads must be as good as the one read here.
        if file::unarmor(AGE, text).as_deref() != Some(package.epochs.package().sealed()) {
            return Err(RecoveryFault::AgeFile);
        }
        Ok(package)
    }

    /// What everybody knows of the wallet's key.
    #[must_use]
    pub const fn public(&self) -> &PublicShares {
        &self.public
    }

    /// The wallet's public half.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The wallet's network: the device's word alone, for neither keys nor signatures depend on it.
    #[must_use]
    pub const fn chain(&self) -> ChainName {
        self.chain
    }

    /// What the device calls the wallet.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The transcript that all three signed.
    #[must_use]
    pub const fn transcript(&self) -> &SignedTranscript {
        self.epochs.created()
    }

    /// Opens the package with the words' secret. The share is held against the verifying share of the transcript, and the
    /// transcript against the words' own signature.
    pub(crate) fn open(&self, secret: &RecoverySecret) -> Result<Contents, RecoveryFault> {
        let identity = secret.public();
        if identity != self.epochs.recovery().map_err(RecoveryFault::Package)? {
            return Err(RecoveryFault::OtherWords);
        }
        let opener = AgeOpener::new(secret).map_err(|_| RecoveryFault::OtherWords)?;
        let Opened { contents, public } = self
            .epochs
            .open(&identity.signing, &opener)
            .map_err(RecoveryFault::Package)?;
        debug_assert_eq!(public, self.public);
        Ok(contents)
    }

    /// Proves with the words that recovery's share is the right one. No key is rebuilt, and nothing secret comes out.
    pub fn check(&self, secret: &RecoverySecret) -> Result<Checked, RecoveryFault> {
        drop(self.open(secret)?);
        let first_address = self
            .account
            .address(Keychain::External, 0)
            .map_err(|_| FileFault::Damaged(KIND))?;
        Ok(Checked {
            wallet: self.transcript().transcript().wallet().to_string(),
            name: self.name.clone(),
            network: self.chain,
            epoch: self.public.epoch().number,
            fingerprint: self.public.fingerprint(),
            descriptor: self.account.descriptor_multipath(),
            first_address,
        })
    }
}
