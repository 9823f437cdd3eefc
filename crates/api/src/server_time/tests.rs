use twofold_threshold::{id::RequestDigest, identity::IdentitySecret, secret::Secret32};

use super::{ServerTime, ServerTimeFault};

#[test]
fn a_time_is_believed_only_from_the_server_and_for_the_request() {
    let server = IdentitySecret::from_seed(&Secret32::new([1; 32]));
    let stranger = IdentitySecret::from_seed(&Secret32::new([2; 32]));
    let (request, other) = (RequestDigest([3; 32]), RequestDigest([4; 32]));
    let time = ServerTime::sign(&server, request, 1_790_000_000);

    assert_eq!(time.verify(&server.public(), request), Ok(1_790_000_000));
    assert_eq!(time.verify(&stranger.public(), request), Err(ServerTimeFault));
    assert_eq!(time.verify(&server.public(), other), Err(ServerTimeFault));
    let later = ServerTime {
        seconds: time.seconds + 1,
        ..time
    };
    assert_eq!(later.verify(&server.public(), request), Err(ServerTimeFault));
}
