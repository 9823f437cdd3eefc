use proptest::prelude::*;

use super::*;
use crate::{FaultKind, fixture::rng};

fn head() -> Head {
    Head {
        wallet: WalletId([1; 16]),
        generation: 2,
        seq: 3,
        epoch: EpochId {
            number: 4,
            transcript: [5; 32],
        },
        list: [6; 32],
        chain: [7; 32],
    }
}

#[test]
fn a_checkpoint_is_the_server_s_word_on_every_one_of_its_fields() {
    let server = IdentitySecret::generate(&mut rng(1));
    let checkpoint = head().sign(&server);
    assert_eq!(checkpoint.verify(&server.public()).unwrap(), &head());
    let bytes = checkpoint.to_bytes();
    assert_eq!(bytes.len(), Checkpoint::LEN);
    assert_eq!(Checkpoint::try_from(bytes.as_slice()).unwrap(), checkpoint);
    for at in 2..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        let fault = Checkpoint::try_from(bad.as_slice())
            .unwrap()
            .verify(&server.public())
            .unwrap_err()
            .kind;
        assert_eq!(fault, FaultKind::IdentitySignature, "byte {at}");
    }
    let stranger = IdentitySecret::generate(&mut rng(2)).public();
    assert!(checkpoint.verify(&stranger).is_err());
}

proptest! {
    #[test]
    fn checkpoints_that_decode_encode_back(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(checkpoint) = Checkpoint::try_from(bytes.as_slice()) {
            prop_assert_eq!(checkpoint.to_bytes(), bytes);
        }
    }
}
