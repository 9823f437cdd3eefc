//! Two machines with one wallet: adding, striking off, freezing, and a server that lies about who is who.

mod digits;
mod sealing;

use futures::executor::block_on;

use twofold_api::Reason;
use twofold_client::devices::{Arrival, Outcome, about};
use twofold_client::fault::{Breach, Usage};
use twofold_client::wallet::Wallet;
use twofold_client::{Client, Fault, Fencing, Notice};
use twofold_cosigner::testing::MemoryStore;
use twofold_threshold::device_list::{Act, Change, Proposal, Signer};
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::identity::IdentitySecret;
use twofold_threshold::words::RecoverySecret;

use crate::world::{Bench, World, create, paying, sats};

/// A machine with a wallet that holds money, and the wallet's recovery words.
pub(crate) struct Laptop {
    pub(crate) world: World,
    pub(crate) client: Client<Bench>,
    pub(crate) wallet: Wallet,
    pub(crate) words: RecoverySecret,
}

/// Another machine, with the wallet too.
pub(crate) struct Phone {
    pub(crate) world: World,
    pub(crate) client: Client<Bench>,
    pub(crate) wallet: Wallet,
}

impl Laptop {
    pub(crate) async fn new() -> Self {
        Box::pin(Self::make()).await
    }

    async fn make() -> Self {
        let mut world = World::new().await;
        let mut client = world.join().await.expect("joins");
        let made = create(&mut client).await.expect("creates");
        let words = made.words.secret().expect("words");
        let mut wallet = made.wallet;
        client.confirm_words(&mut wallet).await.expect("confirms");
        for _ in 0..2 {
            let address = client.receive_fresh(&mut wallet).await.expect("receives");
            client.sync(&mut wallet).await.expect("syncs");
            world.server.fund(&address, sats(100_000)).await;
        }
        client.sync(&mut wallet).await.expect("syncs");
        Self {
            world,
            client,
            wallet,
            words,
        }
    }

    /// Adds another machine, with the words as the second voice.
    pub(crate) async fn add(&mut self) -> Phone {
        Box::pin(self.add_phone()).await
    }

    async fn add_phone(&mut self) -> Phone {
        let introduction = self.client.introduce(&mut self.wallet).await.expect("introduces");
        let mut world = self.world.another();
        let (mut client, card) = world.join_wallet(&introduction).await.expect("joins");
        let before = client.arrive().await.expect("looks");
        assert_eq!(before, [Arrival::NotYet(card.clone())]);
        let added = self
            .client
            .enrol_device(&mut self.wallet, &card, Some(&self.words))
            .await;
        assert_eq!(added.expect("adds"), Outcome::Done);
        drop(client);
        let mut client = world.open().await;
        let arrived = client.arrive().await.expect("takes it in");
        assert!(matches!(&arrived[..], [Arrival::Arrived { name, .. }] if name == "savings"));
        assert_eq!(client.arrive().await.expect("looks"), []);
        let mut wallet = client.open_wallet(None).await.expect("is there");
        client.sync(&mut wallet).await.expect("syncs");
        Phone { world, client, wallet }
    }
}

#[test]
fn a_second_machine_has_the_same_wallet_and_signs() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        assert_eq!(phone.wallet.descriptor(), laptop.wallet.descriptor());
        assert_eq!(phone.wallet.ledger().balance().confirmed, sats(200_000));
        let draft = phone.client.draft(&mut phone.wallet, &paying(30_000)).expect("drafts");
        phone
            .client
            .send(&mut phone.wallet, draft)
            .await
            .expect("the phone signs");
        laptop.client.sync(&mut laptop.wallet).await.expect("syncs");
        let draft = laptop
            .client
            .draft(&mut laptop.wallet, &paying(30_000))
            .expect("drafts");
        laptop
            .client
            .send(&mut laptop.wallet, draft)
            .await
            .expect("the laptop signs");
        let devices = phone.client.devices(&mut phone.wallet).await.expect("reads").listed;
        let told: Vec<_> = devices
            .iter()
            .map(|d| (d.name.as_str(), d.this, d.approver, d.confirmed))
            .collect();
        assert_eq!(told, [("laptop", false, true, true), ("phone", true, false, true)]);
        // Without its home the phone can be nobody else's.
        drop(phone.client);
        assert!(phone.world.open().await.open_wallet(None).await.is_ok());
    });
}

#[test]
fn a24_a_machine_alone_only_asks_and_every_other_is_told() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        let found = phone
            .client
            .find_device(&mut phone.wallet, "laptop")
            .await
            .expect("finds");
        let asked = phone
            .client
            .revoke_device(&mut phone.wallet, found.id, None)
            .await
            .expect("asks");
        let Outcome::Waits(waiting) = asked else {
            panic!("one machine revoked another: {asked:?}")
        };
        laptop.client.take_notices();
        laptop.client.sync(&mut laptop.wallet).await.expect("syncs");
        let wallet = laptop.wallet.id();
        assert_eq!(laptop.client.take_notices(), [Notice::ChangesWait { wallet, count: 1 }]);
        laptop
            .client
            .cancel_change(&mut laptop.wallet, waiting.change)
            .await
            .expect("cancels");
        assert_eq!(
            laptop.client.devices(&mut laptop.wallet).await.expect("reads").waiting,
            []
        );
        let gone = laptop
            .client
            .approve_change(&mut laptop.wallet, waiting.change, None)
            .await;
        assert!(matches!(gone, Err(Fault::Usage(Usage::NoSuchChange { change })) if change == waiting.change));
    });
}

#[test]
fn a23_what_waits_is_told_by_the_entry_that_was_signed_and_not_by_the_servers_word() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        let found = phone
            .client
            .find_device(&mut phone.wallet, "laptop")
            .await
            .expect("finds");
        let asked = phone.client.revoke_device(&mut phone.wallet, found.id, None).await;
        let Outcome::Waits(mut waiting) = asked.expect("asks") else {
            panic!("one machine revoked another")
        };
        waiting.what = "enrol".into();
        let told = about(&waiting);
        assert_eq!((told.what.as_str(), told.device), ("revoke", Some(found.id)));
        waiting.entry.clear();
        assert_eq!(
            about(&waiting).what,
            "enrol",
            "where nothing was signed there is no more to go by"
        );
    });
}

#[test]
fn an_entry_that_others_made_stale_is_signed_anew_and_is_nobodys_breach() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        let found = laptop
            .client
            .find_device(&mut laptop.wallet, "phone")
            .await
            .expect("finds");
        let asked = laptop.client.make_approver(&mut laptop.wallet, found.id, None).await;
        let Outcome::Waits(waiting) = asked.expect("asks") else {
            panic!("one machine made an approver")
        };
        refresh(&mut laptop).await;
        phone.client.sync(&mut phone.wallet).await.expect("syncs");
        let stale = phone
            .client
            .approve_change(&mut phone.wallet, waiting.change, None)
            .await;
        assert!(matches!(stale, Err(Fault::Usage(Usage::StaleChange { change })) if change == waiting.change));
    });
}

#[test]
fn a_second_approver_agrees_to_what_the_first_asks_for() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        let found = laptop
            .client
            .find_device(&mut laptop.wallet, "phone")
            .await
            .expect("finds");
        let made = laptop
            .client
            .make_approver(&mut laptop.wallet, found.id, Some(&laptop.words))
            .await;
        assert_eq!(made.expect("makes it one"), Outcome::Done);
        // A third machine: asked for by the phone, agreed to on the laptop.
        let introduction = phone.client.introduce(&mut phone.wallet).await.expect("introduces");
        let mut world = laptop.world.another();
        world.random();
        let (mut tablet, card) = world.join_wallet(&introduction).await.expect("joins");
        let asked = phone
            .client
            .enrol_device(&mut phone.wallet, &card, None)
            .await
            .expect("asks");
        let Outcome::Waits(waiting) = asked else {
            panic!("one machine added another: {asked:?}")
        };
        let agreed = laptop
            .client
            .approve_change(&mut laptop.wallet, waiting.change, None)
            .await;
        assert_eq!(agreed.expect("agrees"), Outcome::Done);
        // The laptop had the last word and left the share; the entry is signed by the phone that the tablet knows.
        let arrived = tablet.arrive().await.expect("takes it in");
        assert!(matches!(&arrived[..], [Arrival::Arrived { .. }]), "{arrived:?}");
        let mut wallet = tablet.open_wallet(None).await.expect("is there");
        tablet.sync(&mut wallet).await.expect("syncs");
        let draft = tablet.draft(&mut wallet, &paying(10_000)).expect("drafts");
        tablet.send(&mut wallet, draft).await.expect("signs");
    });
}

#[test]
fn a_revoked_machine_is_refused_at_once_and_what_it_signed_is_listed() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        // The phone has a signature that it did not send.
        let draft = phone.client.draft(&mut phone.wallet, &paying(30_000)).expect("drafts");
        let spent: Vec<_> = draft.facts().outpoints().collect();
        let kept = phone.client.cosign(&mut phone.wallet, draft).await.expect("signs");
        let txid = kept.unsigned_tx.compute_txid();

        let found = laptop
            .client
            .find_device(&mut laptop.wallet, "phone")
            .await
            .expect("finds");
        let revoked = laptop
            .client
            .revoke_device(&mut laptop.wallet, found.id, Some(&laptop.words))
            .await;
        assert_eq!(revoked.expect("revokes"), Outcome::Done);
        assert!(
            laptop
                .client
                .devices(&mut laptop.wallet)
                .await
                .expect("reads")
                .refresh_due
        );
        let refused = phone.client.sync(&mut phone.wallet).await.expect_err("refused");
        assert_eq!(refused.reason(), Some(Reason::DeviceNotListed));
        let draft = phone.client.draft(&mut phone.wallet, &paying(10_000)).expect("drafts");
        let refused = phone
            .client
            .cosign(&mut phone.wallet, draft)
            .await
            .expect_err("refused");
        assert_eq!(refused.reason(), Some(Reason::DeviceNotListed));
        let outstanding = laptop.client.outstanding(&mut laptop.wallet).await.expect("lists");
        assert_eq!((outstanding.len(), outstanding[0].txid), (1, txid));
        assert_eq!((outstanding[0].device, &outstanding[0].inputs), (found.id, &spent));
    });
}

#[test]
fn c17_a_signature_that_is_not_on_the_chain_is_listed_until_its_coins_are_spent_otherwise() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        let draft = phone.client.draft(&mut phone.wallet, &paying(30_000)).expect("drafts");
        let from: Vec<_> = draft.facts().outpoints().collect();
        phone.client.cosign(&mut phone.wallet, draft).await.expect("signs");
        laptop.client.sync(&mut laptop.wallet).await.expect("syncs");
        assert_eq!(
            laptop
                .client
                .outstanding(&mut laptop.wallet)
                .await
                .expect("lists")
                .len(),
            1
        );
        let order = twofold_client::ledger::Order { from, ..paying(50_000) };
        let draft = laptop.client.draft(&mut laptop.wallet, &order).expect("drafts");
        laptop.client.send(&mut laptop.wallet, draft).await.expect("sends");
        assert_eq!(laptop.client.outstanding(&mut laptop.wallet).await.expect("lists"), []);
        laptop.world.server.mine().await;
        laptop.client.sync(&mut laptop.wallet).await.expect("syncs");
        assert_eq!(laptop.client.outstanding(&mut laptop.wallet).await.expect("lists"), []);
    });
}

#[test]
fn any_machine_freezes_and_the_words_unfreeze() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        phone.client.freeze_wallet(&mut phone.wallet).await.expect("freezes");
        let draft = laptop
            .client
            .draft(&mut laptop.wallet, &paying(10_000))
            .expect("drafts");
        let refused = laptop
            .client
            .cosign(&mut laptop.wallet, draft)
            .await
            .expect_err("frozen");
        assert_eq!(refused.reason(), Some(Reason::WalletFrozen));
        let asked = phone
            .client
            .unfreeze_wallet(&mut phone.wallet, None)
            .await
            .expect("asks");
        assert!(matches!(asked, Outcome::Waits(_)));
        let done = laptop
            .client
            .unfreeze_wallet(&mut laptop.wallet, Some(&laptop.words))
            .await;
        assert_eq!(done.expect("unfreezes"), Outcome::Done);
        let draft = laptop
            .client
            .draft(&mut laptop.wallet, &paying(10_000))
            .expect("drafts");
        laptop.client.cosign(&mut laptop.wallet, draft).await.expect("signs");
    });
}

#[test]
fn a23_a_device_that_the_server_adds_to_the_list_is_refused_and_nothing_is_sealed_to_it() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let list = laptop.world.server.store.with(|tables| {
            let chains = tables.chains.get(&laptop.wallet.id()).expect("chains").clone();
            chains.device_list
        });
        // The server's own device, signed by itself, behind the true entries.
        let mut rng = laptop.world.random();
        let spy = IdentitySecret::generate(&mut rng);
        let act = Act::Enrol {
            identity: spy.public(),
            sealing: SealSecret::generate(&mut rng).public(),
        };
        let recovery = laptop.words.identity().public();
        let known =
            twofold_threshold::device_list::DeviceList::verify(laptop.wallet.id(), recovery, &list).expect("holds");
        let proposal = Proposal::new(&known, act);
        let forged: Change = proposal.signed(Signer::Device(spy.public()), spy.sign_raw(&proposal.signing_bytes()));
        *laptop.world.server.twists.wallet.lock().expect("free") = Some(Box::new(move |mut wallet| {
            wallet.device_list.push(forged.to_bytes());
            Ok(wallet)
        }));
        let refused = laptop.client.devices(&mut laptop.wallet).await;
        assert!(
            matches!(refused, Err(Fault::Breach(Breach::DeviceList(_)))),
            "{refused:?}"
        );
    });
}

#[test]
fn a23_a_new_machine_takes_no_share_that_the_server_sealed_itself() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let introduction = laptop.client.introduce(&mut laptop.wallet).await.expect("introduces");
        let mut world = laptop.world.another();
        let (mut client, card) = world.join_wallet(&introduction).await.expect("joins");
        laptop
            .client
            .enrol_device(&mut laptop.wallet, &card, Some(&laptop.words))
            .await
            .expect("adds");
        *laptop.world.server.twists.shape.lock().expect("free") = Some(Box::new(|mut shape| {
            let last = shape.parcel.len() - 70;
            shape.parcel[last] ^= 1;
            Ok(shape)
        }));
        let refused = client.arrive().await;
        assert!(
            matches!(refused, Err(Fault::Breach(Breach::ForeignParcel))),
            "{refused:?}"
        );
        // What the true server hands over is still good.
        *laptop.world.server.twists.shape.lock().expect("free") = None;
        assert!(matches!(
            &client.arrive().await.expect("takes it in")[..],
            [Arrival::Arrived { .. }]
        ));
    });
}

#[test]
fn a29_a_device_that_is_shown_another_list_than_it_knew_stops_and_says_so() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let phone = laptop.add().await;
        laptop.client.devices(&mut laptop.wallet).await.expect("reads");
        // Another list of as many entries: what the laptop never signed stands where the phone was.
        let first = laptop
            .world
            .server
            .store
            .with(|tables| tables.chains[&laptop.wallet.id()].device_list[0].clone());
        *laptop.world.server.twists.wallet.lock().expect("free") = Some(Box::new(move |mut wallet| {
            wallet.device_list[1].clone_from(&first);
            Ok(wallet)
        }));
        let stopped = laptop.client.devices(&mut laptop.wallet).await;
        assert!(
            matches!(stopped, Err(Fault::Breach(Breach::ListForked { entry: 2 }))),
            "{stopped:?}"
        );
        assert!(laptop.wallet.log_in_doubt());
        // A shorter one is no better.
        *laptop.world.server.twists.wallet.lock().expect("free") = Some(Box::new(|mut wallet| {
            wallet.device_list.truncate(1);
            Ok(wallet)
        }));
        let stopped = laptop.client.devices(&mut laptop.wallet).await;
        assert!(
            matches!(stopped, Err(Fault::Breach(Breach::ListBehind { had: 3, shows: 1 }))),
            "{stopped:?}"
        );
        drop(phone);
    });
}

#[test]
fn a23_a_new_machine_that_was_introduced_by_one_takes_nothing_where_another_listed_it_alone() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        // Introduced by the phone, listed by the laptop with the words: for all the new machine knows, by anybody.
        let introduction = phone.client.introduce(&mut phone.wallet).await.expect("introduces");
        let mut world = laptop.world.another();
        world.random();
        let (mut tablet, card) = world.join_wallet(&introduction).await.expect("joins");
        let added = laptop
            .client
            .enrol_device(&mut laptop.wallet, &card, Some(&laptop.words))
            .await;
        assert_eq!(added.expect("adds"), Outcome::Done);
        let refused = tablet.arrive().await;
        assert!(
            matches!(refused, Err(Fault::Breach(Breach::ForeignParcel))),
            "{refused:?}"
        );
    });
}

async fn refresh(laptop: &mut Laptop) {
    laptop
        .client
        .refresh(&mut laptop.wallet, &mut |_| {})
        .await
        .expect("refreshes");
}

async fn pays(client: &mut Client<Bench>, wallet: &mut Wallet) {
    client.sync(wallet).await.expect("syncs");
    let draft = client.draft(wallet, &paying(10_000)).expect("drafts");
    client.send(wallet, draft).await.expect("signs");
}

#[test]
fn s24_a_list_that_a_restored_server_has_forgotten_some_of_is_taken_over_once_its_fence_was_lifted() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let backup = MemoryStore::new();
        backup.with(|tables| *tables = laptop.world.server.store.with(|tables| tables.clone()));
        let phone = laptop.add().await;
        laptop.client.devices(&mut laptop.wallet).await.expect("reads");
        drop(phone);
        let mut world = laptop.world.fork(backup).await;
        let mut client = world.open().await;
        let mut wallet = client.open_wallet(None).await.expect("is there");
        // As long as it is fenced, a shorter list is the breach that it looks like.
        let stopped = client.devices(&mut wallet).await;
        assert!(
            matches!(stopped, Err(Fault::Breach(Breach::RolledBack { .. }))),
            "{stopped:?}"
        );
        let lifted = client.lift_fence(&mut wallet, Some(&laptop.words)).await;
        assert_eq!(lifted.expect("says yes"), Fencing::Lifted);
        let devices = client.devices(&mut wallet).await.expect("reads");
        assert_eq!(devices.listed.len(), 1);
        client.refresh(&mut wallet, &mut |_| {}).await.expect("refreshes");
        // From here on the list is held to this one again.
        let short = world.server.store.with(|tables| {
            let chains = tables.chains.get_mut(&wallet.id()).expect("chains");
            chains.device_list.clone()
        });
        *world.server.twists.wallet.lock().expect("free") = Some(Box::new(move |mut told| {
            told.device_list = short[..1].to_vec();
            Ok(told)
        }));
        let stopped = client.devices(&mut wallet).await;
        assert!(
            matches!(stopped, Err(Fault::Breach(Breach::ListBehind { had: 2, shows: 1 }))),
            "{stopped:?}"
        );
    });
}
