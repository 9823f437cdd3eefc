use crate::{
    fixture::{Parties, libsecp},
    id::Party,
    sign::test_message,
};

#[test]
fn three_parties_make_a_key_and_the_test_signature_verifies_in_libsecp256k1() {
    // Several seeds, so that group keys with even and odd y both occur.
    let mut parities = [false; 2];
    for seed in 1..=12 {
        let mut parties = Parties::new(seed);
        let wallet = parties.create();
        let public = &wallet.device.public;
        assert_eq!(public, &wallet.server.public);
        assert_eq!(wallet.server.transcript, wallet.device.transcript);
        parities[usize::from(public.group_key()[0] & 1)] = true;
        let key: [u8; 32] = public.group_key()[1..].try_into().unwrap();
        assert!(libsecp(
            &key,
            &test_message(public.epoch()),
            &wallet.device.test_signature
        ));
        public.verify_test_signature(&wallet.device.test_signature).unwrap();

        let t = wallet.device.transcript.transcript();
        let contents = wallet
            .server
            .package
            .open(
                &parties.recovery.identity().public(),
                &parties.age,
                t,
                wallet.device.transcript.signature(Party::Recovery),
            )
            .unwrap();
        assert_eq!(contents.share.party(), Party::Recovery);
        assert_eq!(contents.unlock.digest(), wallet.device.unlock.digest());
    }
    assert_eq!(parities, [true, true], "choose other seeds");
}
