use std::vec::Vec;

use super::*;
use crate::{
    fixture::{Parties, Wallet, libsecp},
    id::RequestDigest,
};

fn inputs() -> [InputToSign; 3] {
    [
        InputToSign {
            path: [0, 0],
            message: [1; 32],
        },
        InputToSign {
            path: [0, 7],
            message: [2; 32],
        },
        InputToSign {
            path: [1, 3],
            message: [3; 32],
        },
    ]
}

#[test]
fn device_and_server_sign_three_inputs_in_one_request() {
    for seed in 1..=4 {
        let mut parties = Parties::new(seed);
        let Wallet { server, device, .. } = parties.create();
        let inputs = inputs();
        let rng = &mut parties.rng;
        let id = parties.device.public().device_id();
        let (nonces, commitments) =
            DeviceSession::commit(&device.share, &device.public, &id, &inputs, &[9; 32], b"nonce", rng).unwrap();
        let request = RequestDigest([8; 32]);
        let waiting = nonces.bind(request);
        let cached = server.public.child([0, 7]).unwrap();
        let asked: Vec<_> = inputs
            .iter()
            .map(|i| InputToCosign {
                path: i.path,
                message: i.message,
                tweak: (i.path == [0, 7]).then_some(&cached),
            })
            .collect();
        let reply = cosign(
            &server.share,
            &server.public,
            &asked,
            &commitments,
            request,
            &parties.server.public(),
            rng,
        )
        .unwrap()
        .sign(&parties.server, &[5; 32]);
        let reply = CosignReply::try_from(reply.to_bytes().as_slice()).unwrap();
        let signatures = waiting
            .receive(
                &reply,
                &device.share,
                &device.public,
                &parties.server.public(),
                &[5; 32],
            )
            .unwrap();
        for (input, signature) in inputs.iter().zip(&signatures) {
            let key = *device.public.child(input.path).unwrap().output_key();
            assert!(libsecp(&key, &input.message, signature));
        }
    }
}
