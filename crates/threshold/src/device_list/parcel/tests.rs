use super::*;
use crate::fixture::{Parties, rng};

/// A wallet, a new device, and the parcel that the first device leaves for it.
struct Scene {
    parties: Parties,
    new: IdentitySecret,
    sealing: SealSecret,
    parcel: Parcel,
    public: PublicShares,
    unlock: UnlockKey,
}

fn scene() -> Scene {
    let mut parties = Parties::new(1);
    let run = parties.until_closing();
    let unlock = Parties::copy_of(&run.unlock);
    let (_, completion) = run
        .server
        .receive(
            &run.closing,
            &run.unlock,
            &crate::fixture::REQUEST,
            &parties.server,
            &mut parties.rng,
        )
        .unwrap();
    let created = run.device.receive(&completion).unwrap();
    let (new, sealing) = (IdentitySecret::generate(&mut rng(7)), SealSecret::generate(&mut rng(8)));
    let list = DeviceList::first(parties.wallet, parties.recovery.identity().public(), &parties.entry()).unwrap();
    let parcel = Parcel::seal(
        &created.share,
        &created.public,
        &unlock,
        &list,
        (&new.public(), &sealing.public()),
        &parties.device,
        &mut rng(9),
    )
    .unwrap();
    Scene {
        parties,
        new,
        sealing,
        parcel,
        public: created.public,
        unlock,
    }
}

#[test]
fn a_parcel_opens_for_the_device_that_it_is_for_and_gives_the_share() {
    let Scene {
        parties,
        new,
        sealing,
        parcel,
        public,
        unlock,
    } = scene();
    let bytes = parcel.to_bytes();
    assert!(bytes.len() <= 2048);
    let read = Parcel::try_from(bytes.as_slice()).unwrap();
    assert_eq!(read, parcel);
    let opened = read
        .open(parties.wallet, &parties.device.public(), &new.public(), &sealing)
        .unwrap();
    assert_eq!(opened.public, public);
    assert_eq!(opened.unlock.expose().expose(), unlock.expose().expose());
    assert_eq!(opened.recovery, parties.recovery.identity().public());
    assert_eq!(opened.list, parties.entry().head());
}

#[test]
fn a23_a_parcel_of_a_servers_own_or_changed_by_it_is_refused() {
    let Scene {
        parties,
        new,
        sealing,
        parcel,
        ..
    } = scene();
    let (device, own) = (parties.device.public(), new.public());
    let bytes = parcel.to_bytes();
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        let refused =
            Parcel::try_from(bad.as_slice()).and_then(|bad| bad.open(parties.wallet, &device, &own, &sealing));
        assert!(refused.is_err(), "byte {at}");
        assert!(Parcel::try_from(&bytes[..at]).is_err());
    }
    let stranger = IdentitySecret::generate(&mut rng(3)).public();
    assert!(
        parcel.open(parties.wallet, &stranger, &own, &sealing).is_err(),
        "another sender"
    );
    assert!(
        parcel.open(parties.wallet, &device, &stranger, &sealing).is_err(),
        "another device"
    );
    assert!(
        parcel.open(WalletId([9; 16]), &device, &own, &sealing).is_err(),
        "another wallet"
    );
    let other = SealSecret::generate(&mut rng(4));
    assert!(
        parcel.open(parties.wallet, &device, &own, &other).is_err(),
        "another key"
    );
}
