//! Texts signed for an address: what is signed, what is refused, and that no coin moves by it.

use bitcoin::{Psbt, TapSighashType, secp256k1};
use futures::executor::block_on;
use rstest::rstest;
use twofold_api::{
    Reason, Refusal,
    audit::Event,
    limits, reply, request,
    seal_key::{SealedUnlockKey, Step},
};
use twofold_intent::{Keychain, MessageFacts, message};
use twofold_threshold::{
    checkpoint::Checkpoint,
    id::{EpochId, WalletId},
    identity::Signature64,
    secret::UnlockKey,
    sign::{AwaitingReply, Commitment, CosignReply, DeviceSession, InputToSign},
};

use crate::{
    fixture::{Call, House, Phone, Purse, random, rng},
    testing::memory::Fate,
};

const PATH: [u32; 2] = [0, 3];

/// A request for a text's signature that can be sent again and again, with the nonce that waits for its reply.
struct Asked {
    call: Call,
    wallet: WalletId,
    epoch: EpochId,
    path: [u32; 2],
    text: Vec<u8>,
    commitment: Commitment,
    sealed: SealedUnlockKey,
    checkpoint: Checkpoint,
    facts: MessageFacts,
    awaiting: AwaitingReply,
}

impl Asked {
    fn new(house: &House, phone: &Phone, purse: &Purse, text: &[u8]) -> Self {
        let keychain = Keychain::try_from(PATH[0]).unwrap();
        let facts = message::facts(text, &purse.account, keychain, PATH[1]).expect("a plain text");
        let nonce: [u8; 16] = random();
        let input = InputToSign {
            path: PATH,
            message: facts.sighash,
        };
        let (nonces, commitments) = DeviceSession::commit(
            &purse.share,
            &purse.public,
            &phone.id(),
            &[input],
            &facts.hash,
            &nonce,
            &mut rng(),
        )
        .unwrap();
        let sealed = phone.seal(house, purse.id, purse.epoch().number, Step::SignMessage, &purse.unlock);
        phone.next_nonce.set(Some(nonce));
        let mut body = text.to_vec();
        body.extend_from_slice(&commitments[0].to_bytes());
        let call = phone.call("SignMessage", Some(purse.id), &body);
        Self {
            awaiting: nonces.bind(call.proof.digest()),
            call,
            wallet: purse.id,
            epoch: purse.epoch(),
            path: PATH,
            text: text.to_vec(),
            commitment: commitments[0],
            sealed,
            checkpoint: purse.newest.get(),
            facts,
        }
    }

    fn request(&self) -> request::SignMessage {
        request::SignMessage {
            wallet: self.wallet,
            epoch: self.epoch,
            path: self.path,
            message: self.text.clone(),
            commitment: self.commitment,
            unlock: self.sealed.clone(),
            checkpoint: self.checkpoint,
        }
    }

    /// Whatever comes back goes past the oracle.
    fn send(&self, house: &House) -> Result<reply::Signed, Refusal> {
        let asked = house.let_in(&self.call, self.request())?;
        let signed = block_on(house.mind.sign_message(asked))?;
        let half = CosignReply::try_from(signed.cosign.as_slice()).expect("a half");
        let [server] = half.commitments.as_slice() else {
            panic!("one commitment for one text");
        };
        let mut key = [0; 32];
        key[..4].copy_from_slice(&self.path[0].to_be_bytes());
        key[4..8].copy_from_slice(&self.path[1].to_be_bytes());
        key[16..].copy_from_slice(&self.wallet.0);
        house.oracle.saw(server, &self.commitment, self.facts.sighash, key);
        Ok(signed)
    }

    fn finish(self, house: &House, purse: &Purse, signed: &reply::Signed) -> Signature64 {
        let server = house.mind.identity();
        purse.note(&signed.head, &server);
        let half = CosignReply::try_from(signed.cosign.as_slice()).expect("a half");
        let context = purse.newest.get().digest();
        let signatures = self
            .awaiting
            .receive(&half, &purse.share, &purse.public, &server, &context);
        signatures.expect("the server's half is good")[0]
    }
}

fn ready() -> (House, Phone, Purse) {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    (house, phone, purse)
}

fn counted(house: &House, purse: &Purse, asset: &str) -> u64 {
    let windows = house.state(purse).windows;
    windows
        .iter()
        .filter(|window| window.asset == asset)
        .map(|window| window.sum)
        .sum()
}

#[test]
fn a_text_is_signed_logged_counted_and_costs_nothing() {
    let (house, phone, purse) = ready();
    let asked = Asked::new(&house, &phone, &purse, b"this address is mine");
    let facts = asked.facts.clone();
    let signed = asked.send(&house).unwrap();
    let signature = asked.finish(&house, &purse, &signed);
    let proof = message::proof(&facts, &signature.0).expect("libsecp256k1 agrees");
    assert!(proof.starts_with("smp"), "{proof}");

    let Some(Event::MessageSigned { path, message, .. }) = house.audit(&purse).pop().map(|entry| entry.event) else {
        panic!("the last entry is no signed text");
    };
    assert_eq!((path, message), (PATH, message::hash(b"this address is mine")));
    let rows = house.rows();
    assert!(rows.charges.is_empty() && rows.issued.is_empty());
    assert_eq!(
        (
            counted(&house, &purse, "btc"),
            counted(&house, &purse, crate::rpc::COUNTED)
        ),
        (0, 1)
    );
}

#[test]
fn a07_the_same_request_for_a_text_runs_once_and_gets_the_same_bytes() {
    let (mut house, phone, purse) = ready();
    let asked = Asked::new(&house, &phone, &purse, b"once");
    let entries = house.audit(&purse).len();
    let first = asked.send(&house).unwrap();
    assert_eq!(asked.send(&house).as_ref(), Ok(&first));
    house.restart();
    assert_eq!(asked.send(&house).as_ref(), Ok(&first));
    assert_eq!((house.audit(&purse).len(), house.oracle.len()), (entries + 1, 1));
    assert_eq!(counted(&house, &purse, crate::rpc::COUNTED), 1);
}

#[test]
fn p30_old_commitments_with_another_text_get_a_fresh_commitment() {
    let (house, phone, purse) = ready();
    let first = Asked::new(&house, &phone, &purse, b"one");
    first.send(&house).unwrap();
    let mut second = Asked::new(&house, &phone, &purse, b"two");
    second.commitment = first.commitment;
    second.send(&house).unwrap();
    assert_eq!(house.oracle.len(), 2, "the server's commitment was not fresh");
}

#[test]
fn p20_a_lost_reply_to_a_text_is_repeated_and_one_that_was_not_stored_is_made_afresh() {
    for fate in [Fate::Refuse, Fate::CommitUnheard] {
        let (mut house, phone, purse) = ready();
        let asked = Asked::new(&house, &phone, &purse, b"a text");
        house.store.fates([fate]);
        assert_eq!(asked.send(&house).unwrap_err().reason, Reason::StoreUnavailable);
        // A restart forgets the sealing key: then there must be a record to answer from.
        if fate == Fate::CommitUnheard {
            house.restart();
        }
        let entries = house.audit(&purse).len();
        let reply = asked.send(&house).unwrap();
        assert_eq!(asked.send(&house).unwrap(), reply);
        let added = house.audit(&purse).len() - entries;
        asked.finish(&house, &purse, &reply);
        assert_eq!(added, usize::from(fate == Fate::Refuse));
    }
}

#[test]
fn o07_a_text_that_cannot_be_written_down_gets_no_signature() {
    let (house, phone, purse) = ready();
    let asked = Asked::new(&house, &phone, &purse, b"a text");
    house.store.fates([Fate::Refuse]);
    house.refuses(Reason::StoreUnavailable, || asked.send(&house));
    asked.send(&house).expect("it can be written down again");
}

type Twist = fn(&mut Asked);

#[rstest]
#[case::a_text_too_long(|asked: &mut Asked| asked.text = vec![b'a'; limits::TEXT_BYTES + 1], Reason::Malformed)]
#[case::no_such_keychain(|asked: &mut Asked| asked.path = [2, 0], Reason::Malformed)]
#[case::a_hardened_index(|asked: &mut Asked| asked.path = [0, 1 << 31], Reason::Malformed)]
#[case::an_epoch_less(|asked: &mut Asked| asked.epoch.number -= 1, Reason::StaleEpoch)]
#[case::an_epoch_more(|asked: &mut Asked| asked.epoch.number += 1, Reason::StaleEpoch)]
#[case::another_transcript(|asked: &mut Asked| asked.epoch.transcript = [0; 32], Reason::StaleEpoch)]
#[case::another_wallet(|asked: &mut Asked| asked.wallet = WalletId([9; 16]), Reason::PartyMismatch)]
fn p26_p27_a_misshapen_request_for_a_text_is_refused_and_nothing_is_counted(
    #[case] twist: Twist,
    #[case] reason: Reason,
) {
    let (house, phone, purse) = ready();
    let mut asked = Asked::new(&house, &phone, &purse, b"a text");
    twist(&mut asked);
    house.refuses(reason, || asked.send(&house));
    let honest = Asked::new(&house, &phone, &purse, b"a text");
    honest.send(&house).expect("an honest text goes on");
}

#[test]
fn f19_a_strangers_wallet_and_a_missing_one_are_answered_alike() {
    let (house, phone, purse) = ready();
    let stranger = Phone::joined(&house);
    let asked = Asked::new(&house, &stranger, &purse, b"mine, all mine");
    let refused = house.refuses(Reason::WalletNotFound, || asked.send(&house));
    let missing = stranger.call("SignMessage", Some(WalletId([8; 16])), b"");
    let request = request::SignMessage {
        wallet: WalletId([8; 16]),
        ..asked.request()
    };
    let gone = house.refuses(Reason::WalletNotFound, || {
        block_on(house.mind.sign_message(house.let_in(&missing, request)?))
    });
    assert_eq!(refused, gone);
    Asked::new(&house, &phone, &purse, b"mine")
        .send(&house)
        .expect("the owner's");
}

#[test]
fn a25_an_unlock_key_that_is_wrong_or_sealed_for_a_spend_opens_nothing() {
    let (house, phone, purse) = ready();
    let mut asked = Asked::new(&house, &phone, &purse, b"a text");
    for sealed in [
        phone.seal(&house, purse.id, 1, Step::Sign, &purse.unlock),
        phone.seal(&house, purse.id, 1, Step::SignMessage, &UnlockKey::generate(&mut rng())),
    ] {
        asked.sealed = sealed;
        house.refuses(Reason::WrongUnlockKey, || asked.send(&house));
    }
    // And the other way round: what was sealed for a text signs no spend.
    let coin = house.pay(&purse, 100_000, 0);
    let mut spend = phone.spend(&house, &purse, &purse.psbt(&[coin], 40_000));
    spend.sealed = phone.seal(&house, purse.id, 1, Step::SignMessage, &purse.unlock);
    house.refuses(Reason::WrongUnlockKey, || spend.send(&house));
}

#[test]
fn a_wallet_that_is_not_active_signs_no_text() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create_pending(&house);
    let asked = Asked::new(&house, &phone, &purse, b"too early");
    house.refuses(Reason::NotActive, || asked.send(&house));
}

/// The digests of every input of a spend, under both kinds of signature that are given.
fn digests(psbt: &Psbt) -> Vec<[u8; 32]> {
    let coins: Vec<_> = psbt
        .inputs
        .iter()
        .map(|map| map.witness_utxo.clone().unwrap())
        .collect();
    let mut cache = bitcoin::sighash::SighashCache::new(&psbt.unsigned_tx);
    let mut digest = |input, kind| {
        let hash = cache
            .taproot_key_spend_signature_hash(input, &bitcoin::sighash::Prevouts::All(&coins), kind)
            .unwrap();
        *AsRef::<[u8; 32]>::as_ref(&hash)
    };
    (0..coins.len())
        .flat_map(|input| [TapSighashType::Default, TapSighashType::All].map(|kind| digest(input, kind)))
        .collect()
}

/// A thief who has a device and only ever asks for texts.
#[test]
fn p26_what_is_signed_for_a_text_moves_no_coin() {
    let (house, phone, purse) = ready();
    let coin = house.pay(&purse, 100_000, PATH[1]);
    let psbt = purse.psbt(&[coin], 90_000);
    let wanted = digests(&psbt);
    let key = purse.account.script(Keychain::External, PATH[1]).unwrap();
    let key = secp256k1::XOnlyPublicKey::from_slice(&key.as_bytes()[2..]).unwrap();
    let secp = secp256k1::Secp256k1::verification_only();
    let unsigned = bitcoin::consensus::encode::serialize(&psbt.unsigned_tx);
    let texts = [
        psbt.serialize(),
        unsigned,
        wanted[0].to_vec(),
        wanted[1].to_vec(),
        Vec::new(),
    ];
    for text in texts {
        let asked = Asked::new(&house, &phone, &purse, &text);
        assert!(!wanted.contains(&asked.facts.sighash));
        let signed = asked.send(&house).unwrap();
        let signature = asked.finish(&house, &purse, &signed);
        let signature = secp256k1::schnorr::Signature::from_slice(&signature.0).unwrap();
        for digest in &wanted {
            let message = secp256k1::Message::from_digest(*digest);
            assert!(secp.verify_schnorr(&signature, &message, &key).is_err());
        }
    }
    assert_eq!(counted(&house, &purse, "btc"), 0);
}
