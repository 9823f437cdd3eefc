//! Invitations, joining, names and lists.

use futures::executor::block_on;
use twofold_api::{Reason, Refusal, reply::Wallets, request};
use twofold_threshold::id::WalletId;

use crate::fixture::{House, Phone, START, name};

#[test]
fn an_invitation_enrols_one_device_once() {
    let house = House::new();
    let minted = block_on(house.mind.mint_invitation(None)).unwrap();
    let (phone, late) = (Phone::new(), Phone::new());
    let call = phone.call("Join", None, &minted.code);
    let joined = Phone::send_join(&house, &call, minted.code).unwrap();
    assert_eq!(
        Phone::send_join(&house, &call, minted.code).unwrap(),
        joined,
        "the same request again"
    );
    house.refuses(Reason::InvitationInvalid, || late.join(&house, minted.code));
    house.refuses(Reason::InvitationInvalid, || phone.join(&house, minted.code));
    assert_eq!(house.user_of(&phone).0, joined.user);
}

#[test]
fn an_invitation_ends() {
    let house = House::new();
    let minted = block_on(house.mind.mint_invitation(Some(60))).unwrap();
    assert_eq!(minted.expires, START + 60);
    let phone = Phone::new();
    house.clock.set(START + 60);
    phone.clock.set(START + 60);
    house.refuses(Reason::InvitationInvalid, || phone.join(&house, minted.code));
}

#[test]
fn an_enrolled_device_does_not_use_up_an_invitation() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let minted = block_on(house.mind.mint_invitation(None)).unwrap();
    house.refuses(Reason::NotPermitted, || phone.join(&house, minted.code));
    Phone::new()
        .join(&house, minted.code)
        .expect("still good for somebody else");
}

#[test]
fn two_devices_at_one_invitation_at_once_leave_one_enrolled() {
    let house = House::new();
    let minted = block_on(house.mind.mint_invitation(None)).unwrap();
    let phones: Vec<_> = (0..8).map(|_| Phone::new()).collect();
    let calls: Vec<_> = phones
        .iter()
        .map(|phone| phone.call("Join", None, &minted.code))
        .collect();
    let done = std::thread::scope(|scope| {
        let joins: Vec<_> = calls
            .iter()
            .map(|call| {
                let (house, code) = (&house, minted.code);
                scope.spawn(move || {
                    let newcomer = house
                        .mind
                        .authenticate_newcomer(&call.proof)
                        .unwrap()
                        .arrived(&call.body)
                        .unwrap();
                    let asked = request::Join {
                        code: Some(code),
                        device_name: name("phone"),
                    };
                    block_on(house.mind.join(newcomer.bind(asked).unwrap())).is_ok()
                })
            })
            .collect();
        joins
            .into_iter()
            .filter(|_| true)
            .map(|join| join.join().unwrap())
            .filter(|done| *done)
            .count()
    });
    assert_eq!(done, 1);
    assert_eq!(house.rows().devices.len(), 1);
}

#[test]
fn a_code_is_kept_only_as_its_hash_and_never_printed() {
    let house = House::new();
    let minted = block_on(house.mind.mint_invitation(None)).unwrap();
    let rows = format!("{:?}", house.rows());
    assert!(!rows.contains(&format!("{:?}", minted.code)));
    let asked = request::Join {
        code: Some(minted.code),
        device_name: name("phone"),
    };
    let phone = Phone::new();
    let call = phone.call("Join", None, &minted.code);
    let newcomer = house
        .mind
        .authenticate_newcomer(&call.proof)
        .unwrap()
        .arrived(&call.body)
        .unwrap();
    let printed = format!("{minted:?} {asked:?} {:?}", newcomer.bind(asked.clone()).unwrap());
    assert!(printed.contains("phone"), "{printed}");
    let code = format!("{:?}", minted.code);
    assert!(!printed.contains(code.trim_matches(['[', ']'])), "{printed}");
}

#[test]
fn a_user_sees_their_own_wallets_and_no_others() {
    let house = House::new();
    let (phone, neighbour) = (Phone::joined(&house), Phone::joined(&house));
    let mine: Vec<_> = (0..2).map(|_| phone.create(&house).id.0).collect();
    neighbour.create(&house);
    let asked = house
        .let_in(&phone.call("ListWallets", None, b""), request::ListWallets::default())
        .unwrap();
    let told = block_on(house.mind.list_wallets(asked)).unwrap();
    assert_eq!(told.wallets.iter().map(|line| line.wallet).collect::<Vec<_>>(), mine);
    assert!(
        told.wallets
            .iter()
            .all(|line| line.name == "savings" && line.epoch == 1)
    );
}

/// A page of the wallets that a device is shown.
fn page(house: &House, phone: &Phone, after: Option<WalletId>) -> Result<Wallets, Refusal> {
    let call = phone.call("ListWallets", None, after.as_ref().map_or(b"", |after| &after.0));
    let asked = house.let_in(&call, request::ListWallets { after })?;
    block_on(house.mind.list_wallets(asked))
}

#[test]
fn wallets_past_a_hundred_are_on_another_page() {
    let house = House::new();
    let (phone, neighbour) = (Phone::joined(&house), Phone::joined(&house));
    let (first, last) = (phone.create(&house), phone.create(&house));
    let theirs = neighbour.create(&house);
    // Nobody can vouch for these, so none of them is shown; they fill the page all the same.
    let bare = |n: u8| WalletId([n; 16]);
    house.store.more_wallets(first.id, (1..=103).map(bare));

    let told = page(&house, &phone, None).unwrap();
    assert_eq!(told.wallets.len(), 1);
    assert_eq!((told.wallets[0].wallet, told.after), (first.id.0, Some(bare(99).0)));
    let told = page(&house, &phone, told.after.map(WalletId)).unwrap();
    assert_eq!(told.wallets.len(), 1);
    assert_eq!((told.wallets[0].wallet, told.after), (last.id.0, None));
    let told = page(&house, &phone, Some(last.id)).unwrap();
    assert_eq!((told.wallets.len(), told.after), (0, None));

    // Somebody else's wallet is no place to go on from, as one that is not there.
    for after in [theirs.id, bare(200)] {
        house.refuses(Reason::WalletNotFound, || page(&house, &phone, Some(after)));
    }
}

#[test]
fn the_audit_chain_is_told_in_pieces_that_verify() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    for round in 0..250 {
        let call = phone.call("RenameWallet", Some(purse.id), &[]);
        let asked = request::RenameWallet {
            wallet: purse.id,
            name: name(&format!("n{round}")),
            checkpoint: purse.newest.get(),
        };
        block_on(house.mind.rename_wallet(house.let_in(&call, asked).unwrap())).unwrap();
    }
    let (mut head, mut entries) = (twofold_api::audit::ChainHead::START, 0);
    loop {
        let call = phone.call("GetAudit", Some(purse.id), &head.seq.to_be_bytes());
        let asked = house
            .let_in(
                &call,
                request::GetAudit {
                    wallet: purse.id,
                    from: head.seq + 1,
                    checkpoint: None,
                },
            )
            .unwrap();
        let told = block_on(house.mind.get_audit(asked)).unwrap();
        let (next, read) = twofold_api::audit::verify(purse.id, head, &told.lines).unwrap();
        entries += read.len();
        head = next;
        if !told.more {
            break;
        }
    }
    assert_eq!(entries, 253);
    assert_eq!(head, house.state(&purse).head());
}
