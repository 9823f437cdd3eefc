//! The operator's words as the cosigner's settings.

use bitcoin::{Amount, FeeRate};

use super::Config;
use crate::fault::Fault;

impl Config {
    /// What the cosigner is told at the start.
    pub(crate) fn cosigner(&self) -> Result<twofold_cosigner::Config, Fault> {
        let mut settings = twofold_cosigner::Config::new(self.bitcoin.chain()?);
        env!("CARGO_PKG_VERSION").clone_into(&mut settings.version);
        settings.ceremonies_per_user = self.limits.ceremonies_per_user;
        settings.ceremonies = self.limits.ceremonies;
        settings.wallets_per_user = self.limits.wallets_per_user;
        settings.devices_per_user = self.limits.devices_per_user;
        settings.several_devices = self.people.several_devices;
        settings.new_wallets = self.people.new_wallets;
        settings.step_up = self.people.step_up_seconds;
        settings.backends = self.backends()?;
        settings.issued_per_wallet = self.limits.issued_per_wallet;
        settings.refreshes_per_day = self.limits.refreshes_per_day;
        settings.sanity.max_fee_rate = FeeRate::from_sat_per_vb(self.policy.max_fee_rate_sat_vb)
            .ok_or_else(|| Fault::Config("policy.max_fee_rate_sat_vb is beyond what a rate can be".into()))?;
        settings.sanity.max_fee = Amount::from_sat(self.policy.max_fee_sat);
        settings.sanity.max_fee_percent = self.policy.max_fee_percent;
        settings.waits = twofold_cosigner::Waits {
            short: self.waits.short_seconds,
            notice: self.waits.notice_seconds,
            long: self.waits.long_seconds,
            recovery: self.waits.recovery_seconds,
        };
        settings.trust_clock = self.trust_clock;
        settings.offline_key = match self.backup.recipient.as_deref().map(str::trim) {
            Some(text) => {
                let key = text.parse();
                Some(key.map_err(|fault| Fault::Config(format!("backup.recipient: `{text}` is {fault}")))?)
            }
            None => None,
        };
        Ok(settings)
    }
}
