use super::*;
use crate::fixture::{Parties, rng};
use crate::share::Share;

fn aad() -> Aad {
    Aad {
        wallet: WalletId([1; 16]),
        party: Party::Server,
        kind: KeyKind::Taproot,
        epoch: EpochId {
            number: 3,
            transcript: [2; 32],
        },
        schema: Schema::SHARE,
        public_key: [3; 33],
    }
}

#[test]
fn a_seal_opens_under_its_own_key_and_associated_data_only() {
    let key = Secret32::new([7; 32]);
    let sealed = seal(&key, &aad(), b"share", &mut rng(1));
    assert_eq!(sealed.len(), 5 + OVERHEAD);
    assert_eq!(&**open(&key, &aad(), &sealed).unwrap(), b"share");
    let a = aad();
    let others = [
        Aad {
            wallet: WalletId([9; 16]),
            ..a
        },
        Aad {
            party: Party::Device,
            ..a
        },
        Aad {
            epoch: EpochId { number: 4, ..a.epoch },
            ..a
        },
        Aad {
            epoch: EpochId {
                transcript: [9; 32],
                ..a.epoch
            },
            ..a
        },
        Aad {
            schema: Schema::CREATE_SERVER,
            ..a
        },
        Aad {
            public_key: [9; 33],
            ..a
        },
    ];
    for other in others {
        assert_eq!(open(&key, &other, &sealed).unwrap_err().kind, FaultKind::Seal);
    }
    assert!(open(&Secret32::new([8; 32]), &a, &sealed).is_err());
}

#[test]
fn s16_every_flipped_byte_and_every_cut_of_a_sealed_share_is_refused() {
    let wallet = Parties::new(1).create();
    let (share, public) = (&wallet.server.share, &wallet.server.public);
    let key = Secret32::new([7; 32]);
    let sealed = share.seal(&key, public, &mut rng(1));
    for at in 0..sealed.len() {
        let mut bad = sealed.clone();
        bad[at] ^= 0x40;
        let fault = Share::open(&key, share.wallet(), Party::Server, public, &bad).unwrap_err();
        assert_eq!(fault.class(), crate::Class::Unreadable);
        assert!(Share::open(&key, share.wallet(), Party::Server, public, &sealed[..at]).is_err());
    }
    let opened = Share::open(&key, share.wallet(), Party::Server, public, &sealed).unwrap();
    opened.check(public).unwrap();
}

#[test]
fn s17_a_sealed_share_of_another_wallet_party_or_epoch_is_refused() {
    let one = Parties::new(1).create();
    let two = Parties::new(2).create();
    let key = Secret32::new([7; 32]);
    let sealed = one.server.share.seal(&key, &one.server.public, &mut rng(1));
    let open = |wallet, party, public| Share::open(&key, wallet, party, public, &sealed);
    let (wallet, public) = (one.server.share.wallet(), &one.server.public);
    assert!(open(wallet, Party::Server, public).is_ok());
    assert!(open(two.server.share.wallet(), Party::Server, public).is_err());
    assert!(open(wallet, Party::Device, public).is_err());
    assert!(open(wallet, Party::Server, &two.server.public).is_err());
}

#[test]
fn two_seals_of_the_same_differ() {
    let key = Secret32::new([7; 32]);
    let mut rng = rng(1);
    assert_ne!(
        seal(&key, &aad(), b"share", &mut rng),
        seal(&key, &aad(), b"share", &mut rng)
    );
}
