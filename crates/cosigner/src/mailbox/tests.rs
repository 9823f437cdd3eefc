use super::*;

const NOW: u64 = 1_000;

fn letter(number: u8) -> Vec<u8> {
    vec![number; 8]
}

fn put(boxes: &Mailboxes, code: u8, side: Side, number: u8, now: u64) -> Result<usize, Reason> {
    let who = (UserId([code / 10; 16]), DeviceId([side as u8; 32]));
    let met = boxes.meet([code; 32], who, side, letter(number), now);
    met.map(|letters| letters.len()).map_err(|refusal| refusal.reason)
}

#[test]
fn letters_go_in_one_by_one_in_turn() {
    let boxes = Mailboxes::default();
    assert_eq!(put(&boxes, 1, Side::Host, 2, NOW), Err(Reason::OutOfOrder));
    for (side, number) in [(Side::Newcomer, 1), (Side::Host, 2), (Side::Newcomer, 3)] {
        assert_eq!(put(&boxes, 1, side, number, NOW), Ok(usize::from(number)));
        // The same again changes nothing.
        assert_eq!(put(&boxes, 1, side, number, NOW), Ok(usize::from(number)));
    }
    let all: Vec<_> = (1..=3).map(letter).collect();
    let looked = boxes
        .meet(
            [1; 32],
            (UserId([0; 16]), DeviceId([1; 32])),
            Side::Host,
            Vec::new(),
            NOW,
        )
        .unwrap();
    assert_eq!(looked, all);
}

#[test]
fn a23_no_letter_is_replaced_and_none_comes_twice_in_a_row() {
    let boxes = Mailboxes::default();
    put(&boxes, 1, Side::Newcomer, 1, NOW).unwrap();
    assert_eq!(put(&boxes, 1, Side::Newcomer, 9, NOW), Err(Reason::OutOfOrder));
    put(&boxes, 1, Side::Host, 2, NOW).unwrap();
    assert_eq!(put(&boxes, 1, Side::Host, 9, NOW), Err(Reason::OutOfOrder));
    put(&boxes, 1, Side::Newcomer, 3, NOW).unwrap();
    for side in [Side::Newcomer, Side::Host] {
        assert_eq!(put(&boxes, 1, side, 9, NOW), Err(Reason::OutOfOrder));
    }
}

#[test]
fn a16_mailboxes_are_bounded_in_number_and_in_life() {
    let boxes = Mailboxes::default();
    for code in 0..5 {
        put(&boxes, code, Side::Newcomer, 1, NOW).unwrap();
    }
    assert_eq!(put(&boxes, 5, Side::Newcomer, 1, NOW), Err(Reason::QuotaExceeded));
    // Somebody else has room, and so has this one when the time of the others is over.
    put(&boxes, 10, Side::Newcomer, 1, NOW).unwrap();
    let later = NOW + PAIRING_SECONDS + 1;
    put(&boxes, 5, Side::Newcomer, 1, later).unwrap();
    assert_eq!(boxes.0.lock().unwrap().len(), 1);
    for code in 0..MOST + 10 {
        let code = u32::try_from(code).unwrap().to_be_bytes();
        let (mut name, mut user) = ([7; 32], [7; 16]);
        name[..4].copy_from_slice(&code);
        user[..4].copy_from_slice(&code);
        drop(boxes.meet(name, (UserId(user), DeviceId(name)), Side::Newcomer, letter(1), later));
    }
    assert_eq!(boxes.0.lock().unwrap().len(), MOST);
}
