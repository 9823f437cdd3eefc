use super::*;
use alloc::vec;
use proptest::prelude::*;

fn event() -> impl Strategy<Value = Event> {
    let device = || any::<[u8; 32]>().prop_map(DeviceId);
    let hash = || any::<[u8; 32]>();
    prop_oneof![
        (device(), any::<u32>(), hash(), any::<[u8; 32]>(), any::<u8>(), hash()).prop_map(
            |(device, number, transcript, x, first, device_list)| {
                let mut group_key = [first; 33];
                group_key[1..].copy_from_slice(&x);
                Event::Created {
                    device,
                    epoch: EpochId { number, transcript },
                    group_key,
                    device_list,
                }
            }
        ),
        (device(), hash()).prop_map(|(device, request)| Event::TestSigned {
            device,
            request: RequestDigest(request)
        }),
        device().prop_map(|device| Event::Activated { device }),
        (device(), "\\PC{0,64}").prop_map(|(device, name)| Event::Renamed { device, name }),
        (
            device(),
            hash(),
            hash(),
            "[a-z]{1,8}",
            any::<[u64; 3]>(),
            prop::collection::vec(hash(), 0..5)
        )
            .prop_map(|(device, request, txid, asset, [charge, added, fee], inputs)| {
                let inputs = inputs
                    .into_iter()
                    .map(|hash| {
                        let mut outpoint = [7; 36];
                        outpoint[..32].copy_from_slice(&hash);
                        outpoint
                    })
                    .collect();
                Event::Signed(Signed {
                    device,
                    request: RequestDigest(request),
                    txid,
                    asset,
                    charge,
                    added,
                    fee,
                    inputs,
                })
            }),
        (device(), any::<u32>(), hash(), hash()).prop_map(|(device, number, transcript, device_list)| {
            Event::Refreshed {
                device,
                epoch: EpochId { number, transcript },
                device_list,
            }
        }),
        (device(), hash()).prop_map(|(device, txid)| Event::Broadcast { device, txid }),
        (device(), any::<u32>(), any::<u64>(), hash()).prop_map(|(device, generation, seq, chain)| Event::Fenced {
            device,
            generation,
            seq,
            chain
        }),
        (device(), hash(), any::<[u32; 2]>(), hash()).prop_map(|(device, request, path, message)| {
            Event::MessageSigned {
                device,
                request: RequestDigest(request),
                path,
                message,
            }
        }),
        (any::<u32>(), any::<u64>(), any::<u32>(), hash(), lift()).prop_map(
            |(generation, fork, number, transcript, by)| Event::Lifted {
                generation,
                fork,
                epoch: EpochId { number, transcript },
                by,
            }
        ),
        (device(), 0_usize..9, hash()).prop_map(|(device, step, subject)| Event::Shape {
            device,
            step: ShapeStep::ALL[step],
            subject
        }),
    ]
}

fn lift() -> impl Strategy<Value = Lift> {
    prop_oneof![
        Just(Lift::Anchor),
        Just(Lift::Recovery),
        (any::<[u8; 32]>(), "\\PC{0,64}").prop_map(|(device, reason)| Lift::Operator {
            device: DeviceId(device),
            reason,
        }),
        Just(Lift::Devices),
    ]
}

fn lines(wallet: WalletId, entries: &[Entry]) -> Vec<AuditLine> {
    let mut head = ChainHead::START;
    entries
        .iter()
        .map(|entry| {
            let entry = entry.to_bytes();
            head = head.next(wallet, &entry);
            AuditLine {
                seq: head.seq,
                entry,
                chain: head.chain,
            }
        })
        .collect()
}

proptest! {
    #[test]
    fn an_entry_reads_back_as_it_was_written(at in any::<u64>(), event in event()) {
        let entry = Entry { at, event };
        prop_assert_eq!(Entry::from_bytes(&entry.to_bytes()), Ok(entry));
    }

    #[test]
    fn whatever_reads_has_one_encoding(at in any::<u64>(), event in event(), place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = Entry { at, event }.to_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(read) = Entry::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes(), bytes);
        }
    }

    #[test]
    fn rubbish_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Entry::from_bytes(&bytes);
    }

    #[test]
    fn a_chain_with_any_bit_changed_is_found_out(
        events in prop::collection::vec((any::<u64>(), event()), 1..5),
        line in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let wallet = WalletId([3; 16]);
        let entries: Vec<_> = events.into_iter().map(|(at, event)| Entry { at, event }).collect();
        let good = lines(wallet, &entries);
        let (head, read) = verify(wallet, ChainHead::START, &good).expect("an honest chain");
        prop_assert_eq!(read, entries);
        prop_assert_eq!(head.seq, good.len() as u64);

        let mut bad = good.clone();
        let line = line.index(bad.len());
        let place = place.index(bad[line].entry.len());
        bad[line].entry[place] ^= 1 << bit;
        let found = matches!(verify(wallet, ChainHead::START, &bad), Err(AuditFault::Broken(_)));
        prop_assert!(found);
    }
}

#[test]
fn a_dropped_moved_or_borrowed_entry_is_found_out() {
    let wallet = WalletId([3; 16]);
    let entry = |at| Entry {
        at,
        event: Event::Activated {
            device: DeviceId([1; 32]),
        },
    };
    let good = lines(wallet, &[entry(1), entry(2), entry(3)]);

    let dropped = vec![good[0].clone(), good[2].clone()];
    assert_eq!(
        verify(wallet, ChainHead::START, &dropped),
        Err(AuditFault::Gap { expected: 2, found: 3 })
    );

    let mut renumbered = dropped.clone();
    renumbered[1].seq = 2;
    assert_eq!(
        verify(wallet, ChainHead::START, &renumbered),
        Err(AuditFault::Broken(2))
    );

    assert_eq!(
        verify(WalletId([4; 16]), ChainHead::START, &good),
        Err(AuditFault::Broken(1))
    );

    let middle = ChainHead {
        seq: good[0].seq,
        chain: good[0].chain,
    };
    assert!(verify(wallet, middle, &good[1..]).is_ok());
}
