//! Devices in this process: the client crate with its keystore in memory, over TLS to the server's own process.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bitcoin::{
    Amount, OutPoint, Psbt, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, XOnlyPublicKey,
    absolute::LockTime, hashes::Hash as _, key::TweakedPublicKey, transaction::Version,
};
use rand_core::{OsRng, RngCore as _};
use twofold_api::{
    invitation::Invitation,
    pairing::{Card, Introduction},
};
use twofold_client::{
    Client, Fault,
    deadline::{ATTEMPTS, PAUSE},
    join::Money,
    keystore::{Cost, Passphrase, Unlocked, memory::Memory},
    port::{Clock, Keystore as _, Platform},
    wallet::Wallet,
};
use twofold_intent::{Account, Keychain};
use twofold_threshold::{
    id::WalletId,
    secret::{Secret32, UnlockKey},
    share::PublicShares,
    words::RecoverySecret,
};

use crate::line::{Line, Mischief};
use crate::oracle::Oracle;

/// What this process lends a client.
#[derive(Debug)]
pub(crate) enum Lab {}

impl Platform for Lab {
    type Transport = Line;
    type Keystore = Memory;
    type Clock = Brisk;
    type Random = OsRng;
}

/// The machine's time, with the pauses between two sends of a request cut short. Deadlines stay as they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brisk;

impl Clock for Brisk {
    #[expect(clippy::disallowed_methods, reason = "a test's rim: time enters here")]
    fn now(&self) -> u64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }

    async fn sleep(&self, span: Duration) {
        let pause = span <= PAUSE * 2_u32.pow(ATTEMPTS);
        tokio::time::sleep(if pause { span / 20 } else { span }).await;
    }
}

/// A device that has joined, closed: each [`Enrolled::open`] is a process of its own to the server.
#[derive(Debug)]
pub(crate) struct Enrolled {
    invitation: Invitation,
    keystore: Memory,
    /// The words of the wallets that it made, in their order.
    words: Vec<RecoverySecret>,
}

fn passphrase() -> Result<Passphrase> {
    Ok(Passphrase::new("correct horse battery staple".to_owned())?)
}

impl Enrolled {
    /// Joins the server of an invitation and makes wallets of these names.
    pub(crate) async fn new(invitation: &str, wallets: &[&str]) -> Result<Self> {
        let invitation: Invitation = invitation.parse()?;
        let keystore = Memory::default();
        let keys = Unlocked::create(keystore, &passphrase()?, Cost::new(8, 1, 1)?, &mut OsRng).await?;
        let line = Line::new(&invitation, Arc::default(), Mischief::None)?;
        let mut client = Box::pin(Client::<Lab>::join(
            keys,
            line,
            Brisk,
            OsRng,
            &invitation,
            &"lab".parse()?,
        ))
        .await?;
        let mut words = Vec::new();
        for name in wallets {
            let mut made = client.create(&name.parse()?, &mut |_| ()).await?;
            client.confirm_words(&mut made.wallet).await?;
            words.push(made.words.secret()?);
        }
        let (keystore, ..) = client.close();
        Ok(Self {
            invitation,
            keystore,
            words,
        })
    }

    /// The words of the first wallet that it made.
    pub(crate) fn words(&self) -> Result<&RecoverySecret> {
        self.words.first().context("a wallet of its own")
    }

    /// The words of the wallets that it made, in their order.
    pub(crate) fn all_words(&self) -> &[RecoverySecret] {
        &self.words
    }

    /// Another machine, which another one's introduction has let in; its card is to be carried back.
    pub(crate) async fn introduced(introduction: &Introduction) -> Result<(Self, Card)> {
        let keys = Unlocked::create(Memory::default(), &passphrase()?, Cost::new(8, 1, 1)?, &mut OsRng).await?;
        let line = Line::new(&introduction.invitation, Arc::default(), Mischief::None)?;
        let name = "another".parse()?;
        let joining = Client::<Lab>::join_wallet(keys, line, Brisk, OsRng, introduction, &name, Money::Play);
        let (client, card) = Box::pin(joining).await?;
        let (keystore, ..) = client.close();
        let another = Self {
            invitation: introduction.invitation.to_string().parse()?,
            keystore,
            words: Vec::new(),
        };
        Ok((another, card))
    }

    /// The device itself, on its own keystore: what it writes is there for the next. One at a time.
    pub(crate) async fn client(&self, oracle: &Arc<Oracle>, mischief: Mischief) -> Result<Client<Lab>> {
        self.client_on(self.keystore.clone(), oracle, mischief).await
    }

    async fn client_on(&self, keystore: Memory, oracle: &Arc<Oracle>, mischief: Mischief) -> Result<Client<Lab>> {
        let keys = Unlocked::unlock(keystore, &passphrase()?).await?;
        let line = Line::new(&self.invitation, Arc::clone(oracle), mischief)?;
        Ok(Client::open(keys, line, Brisk, OsRng).await?)
    }

    /// Another process of the same device, with a copy of its keystore.
    pub(crate) async fn open(&self, wallet: &str, oracle: &Arc<Oracle>, mischief: Mischief) -> Result<Device> {
        let client = self.client_on(copy(&self.keystore).await?, oracle, mischief).await?;
        Device::of(client, wallet).await
    }
}

impl Device {
    /// A client with one of its wallets open.
    pub(crate) async fn of(client: Client<Lab>, wallet: &str) -> Result<Self> {
        let wallet = client.open_wallet(Some(wallet)).await?;
        let template = template(wallet.ledger().account())?;
        Ok(Self {
            client,
            wallet,
            template,
        })
    }
}

/// What a wallet's parties keep secret, or what gives it away when it is found: for searching where it must not be.
pub(crate) struct Secrets {
    pub(crate) wallet: WalletId,
    pub(crate) unlock: [u8; 32],
    pub(crate) public: PublicShares,
}

impl Device {
    /// Waits until the server has read all blocks up to this height for the wallet.
    pub(crate) async fn until_read(&mut self, height: u64) -> Result<()> {
        for _ in 0..200 {
            let told = self.client.sync(&mut self.wallet).await?;
            if u64::from(told.tip_height) >= height && told.scanning.is_none() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the server did not read block {height}")
    }

    /// The wallet's public shares, epoch included, as the server tells them.
    pub(crate) async fn public(&mut self) -> Result<String> {
        let wallet = self.wallet.id();
        let asked = format!("{{\"wallet\":\"{}\"}}", STANDARD.encode(wallet.0));
        let told = self.client.rpc("GetWallet", &asked, Some(wallet)).await?;
        let told: serde_json::Value = serde_json::from_str(&told)?;
        Ok(told["publicShares"].as_str().context("the public shares")?.to_owned())
    }

    /// Reads the wallet's secrets out of the open keystore.
    pub(crate) async fn secrets(&mut self) -> Result<Secrets> {
        let wallet = self.wallet.id();
        let public = STANDARD.decode(self.public().await?)?;
        let public = PublicShares::try_from(public.as_slice())?;

        let (keys, _) = self.client.keystore();
        let record = keys
            .load(&format!("wallet-{wallet}").parse()?)
            .await?
            .context("the record")?;
        let windows = || {
            record
                .windows(32)
                .map(|window| <[u8; 32]>::try_from(window).unwrap_or_default())
        };
        // The transcript beside it names its digest: that is how it is found, wherever the record has it.
        let unlock = windows()
            .find(|window| {
                let digest = UnlockKey::new(Secret32::new(*window)).digest();
                record.windows(32).any(|there| there == digest)
            })
            .context("the unlock key")?;
        Ok(Secrets { wallet, unlock, public })
    }
}

/// A keystore with the same bytes, which shares nothing with the first.
async fn copy(keystore: &Memory) -> Result<Memory> {
    let copy = Memory::default();
    for name in keystore.names().await? {
        let bytes = keystore.load(&name).await?.context("what was listed")?;
        copy.save(&name, &bytes).await?;
    }
    Ok(copy)
}

/// A client with one wallet open.
pub(crate) struct Device {
    pub(crate) client: Client<Lab>,
    pub(crate) wallet: Wallet,
    template: Psbt,
}

impl Device {
    /// Spends a coin that the wallet never had: to co-signers as good as one that no block holds yet.
    pub(crate) fn spend_of(&self, coin: [u8; 32]) -> Psbt {
        self.spend_at(OutPoint::new(Txid::from_byte_array(coin), 0))
    }

    /// Spends this coin of [`COIN`], paid to the wallet's first address.
    pub(crate) fn spend_at(&self, coin: OutPoint) -> Psbt {
        let mut psbt = self.template.clone();
        for input in &mut psbt.unsigned_tx.input {
            input.previous_output = coin;
        }
        psbt
    }

    /// The same of a coin that nothing else spends.
    pub(crate) fn spend(&self) -> Psbt {
        let mut coin = [0; 32];
        OsRng.fill_bytes(&mut coin);
        self.spend_of(coin)
    }

    /// Has it co-signed.
    pub(crate) async fn sign(&mut self, psbt: Psbt) -> Result<Psbt, Fault> {
        let draft = self.client.examine(&self.wallet, psbt)?;
        self.client.cosign(&mut self.wallet, draft).await
    }
}

/// What every coin of these wallets is worth, in satoshi.
pub(crate) const COIN: u64 = 1_000_000;

/// One input of the wallet, one payment to somebody else (the x coordinate of secp256k1's generator), change.
fn template(account: &Account) -> Result<Psbt> {
    const PAID: u64 = 400_000;
    const FEE: u64 = 1_000;
    let generator = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798".parse::<XOnlyPublicKey>()?;
    let input = TxIn {
        previous_output: OutPoint::null(),
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    };
    let payment = TxOut {
        value: Amount::from_sat(PAID),
        script_pubkey: ScriptBuf::new_p2tr_tweaked(TweakedPublicKey::dangerous_assume_tweaked(generator)),
    };
    let change = TxOut {
        value: Amount::from_sat(COIN - PAID - FEE),
        script_pubkey: account.script(Keychain::Internal, 0)?,
    };
    let mut psbt = Psbt::from_unsigned_tx(Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![input],
        output: vec![payment, change],
    })?;
    let spent = psbt.inputs.first_mut().context("an input")?;
    let internal = account.internal_key(Keychain::External, 0)?;
    spent.witness_utxo = Some(TxOut {
        value: Amount::from_sat(COIN),
        script_pubkey: account.script(Keychain::External, 0)?,
    });
    spent.tap_internal_key = Some(internal);
    let origin = account.origin(Keychain::External, 0)?;
    spent.tap_key_origins.insert(internal, (Vec::new(), origin));
    let change = psbt.outputs.last_mut().context("change")?;
    let internal = account.internal_key(Keychain::Internal, 0)?;
    change.tap_internal_key = Some(internal);
    let origin = account.origin(Keychain::Internal, 0)?;
    change.tap_key_origins.insert(internal, (Vec::new(), origin));
    Ok(psbt)
}
