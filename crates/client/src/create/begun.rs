//! The first round trip, whoever runs recovery.

use twofold_api::request::{BeginCreate, Name};
use twofold_api::seal_key::{Step as SealStep, Usage as SealUsage};
use twofold_intent::ChainName;
use twofold_threshold::create::device::{AwaitRecovery, Start, ToSign};
use twofold_threshold::create::{RecoveryOpening, ServerRound, ToRecovery};
use twofold_threshold::device_list;
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::secret::{Secret32, UnlockKey};
use twofold_threshold::words::RecoveryWords;

use super::pending::Pending;
use super::{FIRST_EPOCH, Step};
use crate::client::Client;
use crate::fault::{Breach, Fault};
use crate::home;
use crate::keystore::record::{Reader, Writer};
use crate::port::{KeystoreFault, Platform};
use crate::recovery::AgeSealer;

/// What the device keeps of a ceremony that has begun, beside the threshold crate's own record of it.
pub(super) struct Begun {
    pub(super) name: Name,
    pub(super) chain: ChainName,
    /// Height of the chain when the server was asked.
    pub(super) birthday: u32,
    /// The device list's first entry.
    pub(super) entry: Vec<u8>,
    pub(super) sealing: SealSecret,
}

impl Begun {
    /// Writes a record that begins with the ceremony.
    pub(super) fn write(&self, version: u8, ceremony: &[u8]) -> Writer {
        Writer::new(version)
            .var(ceremony)
            .var(self.name.as_str().as_bytes())
            .var(self.chain.to_string().as_bytes())
            .fixed(&self.birthday.to_be_bytes())
            .var(&self.entry)
            .fixed(self.sealing.expose().expose())
    }

    /// Reads what [`Begun::write`] wrote, the ceremony apart.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, KeystoreFault> {
        Ok(Self {
            name: reader.text()?.parse().map_err(|_| reader.damaged())?,
            chain: home::chain(reader.text()?).map_err(|_| reader.damaged())?,
            birthday: u32::from_be_bytes(reader.array()?),
            entry: reader.var()?.to_vec(),
            sealing: SealSecret::new(Secret32::new(reader.array()?)),
        })
    }
}

impl<P: Platform> Client<P> {
    /// Takes the ceremony that recovery opened to where recovery has its turn. Nothing is durable yet.
    pub(super) async fn begin_ceremony(
        &mut self,
        recovery: RecoveryOpening,
        name: &Name,
        recovery_elsewhere: bool,
        progress: &mut (dyn FnMut(Step) + Send),
    ) -> Result<(AwaitRecovery, ToRecovery, Begun), Fault> {
        let chain = self.joined()?.chain;
        let (wallet, ceremony) = (recovery.wallet(), recovery.ceremony());
        let sealing = SealSecret::generate(&mut self.random);
        let entry = device_list::Draft::first(wallet, *self.session.device_key(), sealing.public());
        let signature = self.session.device().sign_raw(&entry.signing_bytes());
        let entry = entry.signed(signature)?;
        let start = Start {
            ceremony,
            server: self.session.server,
            entry: entry.clone(),
            unlock: UnlockKey::generate(&mut self.random),
            recovery,
        };
        let (device, opening) = start.begin(&mut self.random)?;
        progress(Step::Opening);
        let opening = opening.to_bytes();
        let build = |session: &crate::session::Session, key: &twofold_api::seal_key::SealTo, random: &mut P::Random| {
            let usage = SealUsage {
                wallet,
                epoch: FIRST_EPOCH,
                step: SealStep::BeginCreate,
                device: session.device_id(),
            };
            let unlock = key.seal(device.unlock(), &usage, random).map_err(|_| Breach::SealKey)?;
            Ok(BeginCreate {
                wallet,
                name: name.clone(),
                opening: opening.clone(),
                unlock,
                recovery_elsewhere,
            })
        };
        let (answer, _) = self.call_sealed(None, build).await?;
        progress(Step::Dealing);
        let round = ServerRound::try_from(answer.server_round.as_slice())?;
        let (device, to_recovery) = device.receive(round, &AgeSealer, &mut self.random)?;
        let begun = Begun {
            name: name.clone(),
            chain,
            birthday: answer.birthday,
            entry: entry.to_bytes(),
            sealing,
        };
        Ok((device, to_recovery, begun))
    }

    /// Signs the transcript and makes all that is needed to finish durable.
    pub(super) async fn close_ceremony(
        &mut self,
        to_sign: ToSign,
        begun: Begun,
        words: Option<RecoveryWords>,
    ) -> Result<Pending, Fault> {
        let signature = self.session.device().sign_raw(&to_sign.signing_bytes());
        let ceremony = to_sign.signed(signature)?;
        let wallet = ceremony.transcript().wallet();
        let pending = Pending {
            ceremony: ceremony.to_secret_bytes(),
            begun,
            words,
        };
        self.save_pending(wallet, &pending).await?;
        Ok(pending)
    }
}
