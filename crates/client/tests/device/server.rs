//! The server: real cosigner, real framework, no sockets.

use std::sync::{Arc, LazyLock, Mutex};

use bitcoin::consensus::encode::serialize;
use bitcoin::hashes::Hash;
use bitcoin::{Address, Amount, Block, Network, OutPoint, Transaction, TxMerkleNode, TxOut, merkle_tree};
use bytes::Bytes;
use connectrpc::{ConnectRpcService, RequestContext};
use futures::stream::StreamExt as _;
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use twofold_api::invitation::{Invitation, Trust};
use twofold_api::public_url::PublicUrl;
use twofold_api::signature::Proof;
use twofold_api::{Reason, Refusal, reply, request};
use twofold_client::port::{HttpCall, HttpReply};
use twofold_client::recovery::AgeSealer;
use twofold_cosigner::port::record::{self, Coin, Mined, WalletTransaction};
use twofold_cosigner::port::store::{Batch, Store, Write};
use twofold_cosigner::testing::{MemoryAnchor, MemoryChain, MemoryStore, SetClock};
use twofold_cosigner::{Caller, Config, Cosigner, Kek, Keks, Minted, Newcomer, StartFault};
use twofold_threshold::create::Closing;
use twofold_threshold::id::{DeviceId, EpochId, RequestDigest, WalletId};
use twofold_threshold::secret::Secret32;
use twofold_threshold::sign::Commitment;
use twofold_wire::service::{Events, Procedures, Service};

pub(crate) const NOW: u64 = 1_800_000_000;
/// The highest fee that the operator of a server with an anchor lets pass, in satoshi.
pub(crate) const MOST_FEE: u64 = 15_000;

pub(crate) type Cosign = Cosigner<MemoryStore, MemoryChain, SetClock>;

/// Changes a reply on its way out, as a hostile server would.
pub(crate) type Twist<T> = Mutex<Option<Box<dyn FnMut(T) -> Result<T, Refusal> + Send>>>;

/// What a hostile server does to its own replies.
#[derive(Default)]
pub(crate) struct Twists {
    pub(crate) begin_create: Twist<reply::CreateBegun>,
    pub(crate) finish_create: Twist<reply::CreateFinished>,
    pub(crate) begin_refresh: Twist<reply::RefreshBegun>,
    pub(crate) sign: Twist<reply::Signed>,
    pub(crate) hello: Twist<reply::Greeting>,
    pub(crate) sync: Twist<reply::Synced>,
    pub(crate) audit: Twist<reply::Audit>,
    pub(crate) test_sign: Twist<reply::TestSigned>,
    pub(crate) broadcast: Twist<reply::Sent>,
    pub(crate) derived: Twist<reply::Derived>,
    pub(crate) list: Twist<reply::Wallets>,
    pub(crate) wallet: Twist<reply::Wallet>,
    pub(crate) shape: Twist<reply::Shape>,
    pub(crate) pairing: Twist<reply::Pairing>,
}

pub(crate) struct Server {
    pub(crate) cosigner: Cosign,
    pub(crate) store: MemoryStore,
    pub(crate) chain: MemoryChain,
    pub(crate) clock: SetClock,
    pub(crate) twists: Twists,
    /// The commitments for test signatures that devices sent, one for each request.
    pub(crate) commitments: Mutex<Vec<Commitment>>,
    /// The co-signatures that were answered, each as often as it was.
    pub(crate) given: Mutex<Vec<Given>>,
    url: PublicUrl,
}

/// A co-signature that left the server, with the request that it answers.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) device: DeviceId,
    pub(crate) request: RequestDigest,
    pub(crate) epoch: EpochId,
    /// What is signed, whole.
    pub(crate) intent: Vec<u8>,
    pub(crate) commitments: Vec<Commitment>,
    pub(crate) reply: reply::Signed,
}

/// Who signed, as the layer in front of the framework found out.
#[derive(Clone)]
enum Admitted {
    Device(Caller, DeviceId, RequestDigest),
    Newcomer(Newcomer),
}

struct Rpc(Arc<Server>);

fn caller(context: &RequestContext) -> Result<Caller, Refusal> {
    match context.extensions().get::<Admitted>() {
        Some(Admitted::Device(caller, ..)) => Ok(caller.clone()),
        _ => Err(Reason::DeviceUnknown.into()),
    }
}

fn twisted<T>(twist: &Twist<T>, reply: T) -> Result<T, Refusal> {
    match twist.lock().expect("not poisoned").as_mut() {
        Some(twist) => twist(reply),
        None => Ok(reply),
    }
}

/// What of a request for a co-signature is kept until it is answered: epoch, intent and commitments.
type Spent = (EpochId, (Vec<u8>, Vec<Commitment>));

macro_rules! procedures {
    ($($name:ident: $request:ident -> $reply:ident $(, twist $twist:ident)? $(, commits |$asked:ident| $commitment:expr)?
        $(, gives |$spent:ident| $given:expr)?;)*) => {
        impl Service for Rpc {
            async fn join(&self, context: RequestContext, join: request::Join) -> Result<reply::Joined, Refusal> {
                let Some(Admitted::Newcomer(newcomer)) = context.extensions().get::<Admitted>() else {
                    return Err(Reason::SignatureMissing.into());
                };
                self.0.cosigner.join(newcomer.clone().bind(join)?).await
            }

            $(async fn $name(
                &self,
                context: RequestContext,
                request: request::$request,
            ) -> Result<reply::$reply, Refusal> {
                $({
                    let $asked = &request;
                    self.0.commitments.lock().expect("not poisoned").push($commitment);
                })?
                $(let spent = {
                    let $spent = &request;
                    ($spent.epoch, $given)
                };)?
                let reply = self.0.cosigner.$name(caller(&context)?.bind(request)?).await?;
                $({
                    let $spent = spent;
                    self.0.note(&context, $spent, &reply);
                })?
                $(let reply = twisted(&self.0.twists.$twist, reply)?;)?
                Ok(reply)
            })*

            async fn confirm_change(
                &self,
                context: RequestContext,
                request: request::ConfirmChange,
            ) -> Result<reply::Done, Refusal> {
                // Nobody signs in here: the server's own tests have a provider.
                let nobody = core::future::ready(Err(Reason::TokenInvalid.into()));
                self.0.cosigner.confirm_change(caller(&context)?.bind(request)?, nobody).await
            }

            async fn find_wallets(&self, _: RequestContext, _: request::FindWallets) -> Result<reply::Wallets, Refusal> {
                Err(Reason::DeviceUnknown.into())
            }

            async fn find_addresses(
                &self,
                _: RequestContext,
                _: request::FindAddresses,
            ) -> Result<reply::Addresses, Refusal> {
                Err(Reason::DeviceUnknown.into())
            }

            async fn watch(
                &self,
                context: RequestContext,
                request: request::Watch,
            ) -> Result<Events<reply::Pulse>, Refusal> {
                let asked = caller(&context)?.bind(request)?;
                self.0.cosigner.watching(&asked).await?;
                let pulse = self.0.cosigner.pulse(&asked).await?;
                Ok(futures::stream::iter([Ok(pulse), Ok(pulse)]).boxed())
            }
        }
    };
}

procedures! {
    hello: Hello -> Greeting, twist hello;
    begin_create: BeginCreate -> CreateBegun, twist begin_create;
    finish_create: FinishCreate -> CreateFinished, twist finish_create, commits |asked| {
        *Closing::try_from(asked.closing.as_slice()).expect("a closing").test_commitment()
    };
    test_sign: TestSign -> TestSigned, twist test_sign, commits |asked| asked.commitment;
    activate: Activate -> Done;
    list_wallets: ListWallets -> Wallets, twist list;
    get_wallet: GetWallet -> Wallet, twist wallet;
    rename_wallet: RenameWallet -> Done;
    sign: Sign -> Signed, twist sign, gives |asked| (asked.psbt.clone(), asked.commitments.clone());
    sign_message: SignMessage -> Signed, twist sign, gives |asked| (format!("{asked:?}").into_bytes(), vec![asked.commitment]);
    broadcast: Broadcast -> Sent, twist broadcast;
    sync: Sync -> Synced, twist sync;
    estimate_fees: EstimateFees -> Fees;
    get_audit: GetAudit -> Audit, twist audit;
    derive_address: DeriveAddress -> Derived, twist derived;
    change_devices: ChangeDevices -> Asked;
    set_freeze: SetFreeze -> Asked;
    cancel_change: CancelChange -> Done;
    get_shape: GetShape -> Shape, twist shape;
    invite_device: InviteDevice -> DeviceInvited;
    rename_device: RenameDevice -> Done;
    lift_fence: LiftFence -> Done;
    get_recovery: GetRecovery -> Recovery;
    ask_recovery: AskRecovery -> Asked;
    recover: Recover -> Recovered;
    begin_refresh: BeginRefresh -> RefreshBegun, twist begin_refresh;
    finish_refresh: FinishRefresh -> RefreshFinished;
    repair_recovery: RepairRecovery -> Recovered;
    replace_recovery: ReplaceRecovery -> Done;
    repair_server: RepairServer -> Done;
    pair_device: PairDevice -> Pairing, twist pairing;
    roll_forward: RollForward -> Done;
}

/// A KEK by its number.
pub(crate) fn kek(number: u8) -> Kek {
    Kek::new(Secret32::new([number; 32]))
}

/// How a refusal is answered.
pub(crate) fn refused(refusal: &Refusal) -> HttpReply {
    HttpReply {
        status: twofold_wire::error::http_status(refusal.reason.code()),
        headers: vec![("content-type".into(), "application/json".into())],
        body: twofold_wire::error::connect_json(refusal),
    }
}

/// The operator's key, which no server has.
pub(crate) static OFFLINE: LazyLock<age::x25519::Identity> = LazyLock::new(age::x25519::Identity::generate);

impl Server {
    pub(crate) async fn new() -> Arc<Self> {
        Self::over(MemoryStore::new()).await
    }

    pub(crate) async fn over(store: MemoryStore) -> Arc<Self> {
        let parts = (store, MemoryChain::new(), SetClock::at(NOW));
        Self::start(parts, None).await.expect("opens")
    }

    /// Another server as this one is now, at the same chain.
    pub(crate) async fn again(&self) -> Arc<Self> {
        let copy = MemoryStore::new();
        copy.with(|tables| *tables = self.store.with(|tables| tables.clone()));
        let parts = (copy, self.chain.clone(), SetClock::at(NOW));
        Self::start(parts, None).await.expect("opens")
    }

    /// Starts over a store, a chain and a clock, with an anchor where one is given, and settles what a restore left to do.
    pub(crate) async fn start(
        parts: (MemoryStore, MemoryChain, SetClock),
        anchor: Option<(&MemoryAnchor, bool)>,
    ) -> Result<Arc<Self>, StartFault> {
        Self::start_under(parts, anchor, (3, None)).await
    }

    /// The same, under a KEK and maybe the one that takes its place.
    pub(crate) async fn start_under(
        (store, chain, clock): (MemoryStore, MemoryChain, SetClock),
        anchor: Option<(&MemoryAnchor, bool)>,
        (number, next): (u8, Option<u8>),
    ) -> Result<Arc<Self>, StartFault> {
        let (kek, next) = (kek(number), next.map(kek));
        let keks = Keks {
            kek: &kek,
            next: next.as_ref(),
        };
        let mut config = Config::new(Network::Regtest);
        if anchor.is_some() {
            config.sanity.max_fee = Amount::from_sat(MOST_FEE);
        }
        config.offline_key = Some(OFFLINE.to_public().to_string().parse().expect("an age recipient"));
        let opened = Cosigner::open(store.clone(), chain.clone(), clock.clone(), AgeSealer, keks, config);
        let mut cosigner = opened.await?;
        if let Some((anchor, anew)) = anchor {
            cosigner = cosigner.anchored(anchor.clone(), anew).await?;
            cosigner.settle_restore().await?;
        }
        let url = "https://wallet.test:8443".parse().expect("a URL");
        let server = Arc::new(Self {
            cosigner,
            store,
            chain,
            clock,
            twists: Twists::default(),
            commitments: Mutex::default(),
            given: Mutex::default(),
            url,
        });
        server.follow().await;
        Ok(server)
    }

    fn note(&self, context: &RequestContext, (epoch, (intent, commitments)): Spent, reply: &reply::Signed) {
        let Some(Admitted::Device(_, device, request)) = context.extensions().get::<Admitted>() else {
            return;
        };
        self.given.lock().expect("not poisoned").push(Given {
            device: *device,
            request: *request,
            epoch,
            intent,
            commitments,
            reply: reply.clone(),
        });
    }

    /// An invitation with which recovery may ask for a lost device's place.
    pub(crate) async fn invite_recovery(&self, wallet: WalletId, wait: Option<u64>) -> Invitation {
        let minted = self.cosigner.mint_recovery(wallet, None, wait).await.expect("mints");
        self.invitation(&minted)
    }

    pub(crate) async fn invite(&self) -> Invitation {
        let minted = self.cosigner.mint_invitation(None).await.expect("mints");
        self.invitation(&minted)
    }

    fn invitation(&self, minted: &Minted) -> Invitation {
        Invitation {
            url: self.url.clone(),
            trust: Trust::WebRoots,
            server: self.cosigner.identity(),
            code: minted.code,
            expires: minted.expires,
        }
    }

    /// Answers one request as it came over the wire.
    pub(crate) async fn answer(self: &Arc<Self>, call: &HttpCall) -> HttpReply {
        let uri = self.url.target(&call.path);
        let headers = call
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        let proof = match Proof::parse(call.method, &uri, headers) {
            Ok(proof) => proof,
            Err(fault) => return refused(&fault.into()),
        };
        let admitted = if call.path.ends_with("/Join") {
            self.cosigner
                .authenticate_newcomer(&proof)
                .and_then(|newcomer| newcomer.arrived(&call.body))
                .map(Admitted::Newcomer)
        } else {
            self.cosigner
                .authenticate(&proof)
                .await
                .and_then(|caller| caller.arrived(&call.body))
                .map(|caller| Admitted::Device(caller, proof.key().device_id(), proof.digest()))
        };
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => return refused(&refusal),
        };
        let mut builder = http::Request::builder().method(call.method).uri(&call.path);
        for (name, value) in &call.headers {
            builder = builder.header(name, value);
        }
        let mut http = builder
            .body(Full::new(Bytes::from(call.body.clone())))
            .expect("a request");
        http.extensions_mut().insert(admitted);
        let framework = ConnectRpcService::new(Procedures::new(Arc::new(Rpc(Arc::clone(self)))));
        let reply = framework.oneshot(http).await.expect("infallible");
        let (parts, body) = reply.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().expect("text").to_owned()));
        HttpReply {
            status: parts.status.as_u16(),
            headers: headers.collect(),
            body: body.collect().await.expect("whole").to_bytes().to_vec(),
        }
    }

    /// Mines a block with everything in the mempool and reads it.
    pub(crate) async fn mine(&self) -> u32 {
        self.mine_with(None).await
    }

    /// The same, with a payment to an address.
    pub(crate) async fn fund(&self, address: &Address, value: Amount) {
        self.mine_with(Some(TxOut {
            value,
            script_pubkey: address.script_pubkey(),
        }))
        .await;
    }

    async fn mine_with(&self, payment: Option<TxOut>) -> u32 {
        let height = self.chain.with(|chain| {
            let last = chain.blocks.last().expect("a genesis block").header;
            let height = u32::try_from(chain.blocks.len()).expect("small");
            let mut all = vec![paying(
                height,
                TxOut {
                    value: Amount::ONE_BTC,
                    script_pubkey: [0x51].to_vec().into(),
                },
            )];
            all[0].input[0].previous_output = OutPoint::null();
            all.extend(payment.map(|output| paying(height, output)));
            all.extend(std::mem::take(&mut chain.mempool).into_values());
            let ids = all.iter().map(|transaction| transaction.compute_txid().to_raw_hash());
            let mut header = bitcoin::block::Header {
                prev_blockhash: last.block_hash(),
                merkle_root: TxMerkleNode::from_raw_hash(merkle_tree::calculate_root(ids).expect("not empty")),
                time: last.time + 600,
                nonce: 0,
                ..last
            };
            while !header.target().is_met_by(header.block_hash()) {
                header.nonce += 1;
            }
            chain.blocks.push(Block { header, txdata: all });
            height
        });
        self.follow().await;
        height
    }

    /// Reads what the chain has into the index, as the block follower does.
    pub(crate) async fn follow(&self) {
        let blocks = self.chain.with(|chain| chain.blocks.clone());
        let tip = self.store.tip().await.expect("reads").map_or(0, |tip| tip.height + 1);
        for (height, block) in (0..).zip(&blocks).skip(usize::try_from(tip).expect("small")) {
            let hash = block.block_hash().to_byte_array();
            let row = record::Block {
                height,
                hash,
                header: serialize(&block.header),
            };
            self.write(vec![Write::PutBlock(row)]).await;
            for (position, transaction) in (0..).zip(&block.txdata) {
                let branch = branch(&block.txdata, position as usize);
                self.index(
                    transaction,
                    Some(Mined {
                        height,
                        hash,
                        position,
                        branch,
                    }),
                )
                .await;
            }
        }
        for transaction in self.chain.with(|chain| chain.mempool.clone()).into_values() {
            self.index(&transaction, None).await;
        }
    }

    async fn index(&self, transaction: &Transaction, block: Option<Mined>) {
        let keys: Vec<[u8; 32]> = transaction.output.iter().filter_map(output_key).collect();
        let scripts = self.store.scripts(keys).await.expect("reads");
        let spends: Vec<[u8; 36]> = transaction
            .input
            .iter()
            .map(|input| outpoint(input.previous_output))
            .collect();
        let spent = self.store.coins(spends).await.expect("reads");
        let txid = transaction.compute_txid();
        let mut wallets: Vec<_> = scripts
            .iter()
            .map(|script| script.wallet)
            .chain(spent.iter().map(|coin| coin.wallet))
            .collect();
        wallets.sort_unstable_by_key(|wallet| wallet.0);
        wallets.dedup();
        let mut writes = Vec::new();
        for (vout, output) in (0..).zip(&transaction.output) {
            let Some(script) = scripts
                .iter()
                .find(|script| Some(script.output_key) == output_key(output))
            else {
                continue;
            };
            writes.push(Write::AddCoin(Coin {
                wallet: script.wallet,
                outpoint: outpoint(OutPoint::new(txid, vout)),
                value: output.value.to_sat(),
                keychain: script.keychain,
                index: script.index,
            }));
        }
        for wallet in wallets {
            writes.push(Write::PutTransaction(WalletTransaction {
                wallet,
                txid: txid.to_byte_array(),
                transaction: serialize(transaction),
                block: block.clone(),
                seen: NOW,
                gone: false,
                cursor: 0,
            }));
        }
        if !writes.is_empty() {
            self.write(writes).await;
        }
    }

    async fn write(&self, writes: Vec<Write>) {
        self.store
            .commit(Batch {
                expect: Vec::new(),
                writes,
            })
            .await
            .expect("commits");
    }
}

fn outpoint(outpoint: OutPoint) -> [u8; 36] {
    serialize(&outpoint).try_into().expect("36 bytes")
}

fn output_key(output: &TxOut) -> Option<[u8; 32]> {
    let script = &output.script_pubkey;
    if script.is_p2tr() {
        script.as_bytes()[2..].try_into().ok()
    } else {
        None
    }
}

fn paying(height: u32, output: TxOut) -> Transaction {
    use bitcoin::{ScriptBuf, Sequence, TxIn, Txid, Witness, absolute::LockTime, transaction::Version};
    let mut from = [9; 32];
    from[..4].copy_from_slice(&height.to_be_bytes());
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::from_consensus(height),
        input: vec![TxIn {
            previous_output: OutPoint::new(Txid::from_byte_array(from), 0),
            script_sig: ScriptBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output: vec![output],
    }
}

fn branch(transactions: &[Transaction], place: usize) -> Vec<[u8; 32]> {
    use bitcoin::hashes::sha256d;
    let ids = transactions
        .iter()
        .map(|transaction| transaction.compute_txid().to_byte_array());
    let (mut level, mut place, mut branch) = (ids.collect::<Vec<_>>(), place, Vec::new());
    while level.len() > 1 {
        if level.len() % 2 == 1 {
            level.push(level[level.len() - 1]);
        }
        branch.push(level[place ^ 1]);
        let pair = |pair: &[[u8; 32]]| sha256d::Hash::hash(&[pair[0], pair[1]].concat()).to_byte_array();
        level = level.chunks(2).map(pair).collect();
        place /= 2;
    }
    branch
}
