//! Bytes of an Ethereum transaction, and call data, through to the effects.

use twofold_intent::evm::transaction::{Fee, Transaction, facts, parse};
use twofold_intent::evm::{Account, Address, ChainId, Effect, TxKind, U256};

use crate::{Seed, Target, choice, seed};

pub(crate) const TARGET: Target = Target {
    name: "ethereum",
    run,
    stages: &[
        "nothing",
        "TRANSACTION_EMPTY",
        "TRANSACTION_NOT_RLP",
        "TRANSACTION_TRAILING_BYTES",
        "TRANSACTION_TYPE",
        "BLOB_TRANSACTION",
        "AUTHORIZATION_TRANSACTION",
        "NO_CHAIN_ID",
        "ALREADY_SIGNED",
        "TRANSACTION_FIELDS",
        "TRANSACTION_FIELD",
        "CHAIN_ID",
        "GAS_TOO_HIGH",
        "FEE_PER_GAS_TOO_HIGH",
        "PRIORITY_ABOVE_MAX",
        "ZERO_ADDRESS",
        "NO_CODE",
        "creation",
        "transaction",
        "call: unknown",
        "call",
    ],
    seeds,
};

const ME: Address = Address::repeat_byte(0xaa);
const TOKEN: Address = Address::repeat_byte(0x70);

fn run(input: &[u8]) -> &'static str {
    let Some((case, bytes)) = choice(input) else {
        return "nothing";
    };
    if case % 2 == 0 { transaction(bytes) } else { call(bytes) }
}

fn transaction(bytes: &[u8]) -> &'static str {
    let read = match parse(bytes) {
        Ok(read) => read,
        Err(refused) => return refused.reason(),
    };
    assert_eq!(read.unsigned(), bytes, "a second spelling");
    let account = Account {
        chain: read.chain,
        address: ME,
    };
    let other = Account {
        chain: ChainId::try_from(read.chain.number() % 1_000 + 1).expect("small"),
        address: ME,
    };
    assert!(
        other.chain == read.chain || facts(&read, &other).is_err(),
        "another chain's"
    );
    match facts(&read, &account) {
        Ok(facts) => {
            assert_eq!(facts.digest, read.digest());
            assert!(facts.charge() >= facts.value && !facts.effects.is_empty());
            let _ = facts.to_string();
            if read.to.is_create() { "creation" } else { "transaction" }
        }
        Err(refused) => refused.reason(),
    }
}

fn call(data: &[u8]) -> &'static str {
    let account = Account {
        chain: ChainId::MAINNET,
        address: ME,
    };
    let call = calling(data);
    let facts = facts(&call, &account).expect("only its data is anybody's");
    assert!(!facts.effects.is_empty(), "no effect");
    assert!(facts.effects.len() <= 300, "more than a person reads");
    for effect in &facts.effects {
        let _ = effect.to_string();
    }
    if facts.effects.iter().any(|effect| matches!(effect, Effect::Unknown(_))) {
        "call: unknown"
    } else {
        "call"
    }
}

fn calling(data: &[u8]) -> Transaction {
    Transaction {
        chain: ChainId::MAINNET,
        nonce: 1,
        gas_limit: 100_000,
        fee: Fee::Dynamic {
            max_fee_per_gas: 20_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            access: Vec::new(),
        },
        to: TxKind::Call(TOKEN),
        value: U256::ZERO,
        data: data.to_vec().into(),
    }
}

/// Call data of a selector and words; a word is the number, whatever it stands for.
fn words(selector: u32, words: &[u64]) -> Vec<u8> {
    let words = words.iter().flat_map(|word| U256::from(*word).to_be_bytes::<32>());
    selector.to_be_bytes().into_iter().chain(words).collect()
}

/// `multicall(bytes[])` of one call.
fn batch(call: &[u8]) -> Vec<u8> {
    let mut data = words(0xac96_50d8, &[0x20, 1, 0x20, call.len() as u64]);
    data.extend(call);
    data.resize(4 + (data.len() - 4).next_multiple_of(32), 0);
    data
}

fn seeds() -> Vec<Seed> {
    let approve = words(0x095e_a7b3, &[0xe0, 5]);
    let transfer = words(0xa905_9cbb, &[0xb0, 5]);
    let base = calling(&transfer);
    let with = |change: fn(&mut Transaction)| {
        let mut transaction = base.clone();
        change(&mut transaction);
        transaction.unsigned()
    };
    let plain = base.unsigned();
    let legacy = with(|it| it.fee = Fee::Legacy { gas_price: 7 });
    // The list with three fields more, as a signature is.
    let signed = |mut fields: Vec<u8>| {
        let body = fields.split_off(3);
        let length = u8::try_from(body.len() + 3).expect("short");
        [&[2, 0xf8, length], body.as_slice(), &[1, 1, 1]].concat()
    };
    let transactions: [(&str, Vec<u8>); 18] = [
        ("empty", Vec::new()),
        ("dynamic", plain.clone()),
        ("legacy", legacy),
        (
            "listed",
            with(|it| {
                it.fee = Fee::AccessList {
                    gas_price: 7,
                    access: Vec::new(),
                }
            }),
        ),
        ("creation", with(|it| it.to = TxKind::Create)),
        ("cut", plain[..plain.len() - 1].to_vec()),
        ("trailing", [plain.as_slice(), &[0]].concat()),
        ("another-type", vec![5, 0xc0]),
        ("blobs", [&[3], &plain[1..]].concat()),
        ("authorization", [&[4], &plain[1..]].concat()),
        ("no-chain", vec![0xc6, 1, 1, 1, 0x80, 1, 0x80]),
        ("no-fields", vec![0xc0]),
        ("zero-chain", vec![0xc9, 1, 1, 1, 0x80, 1, 1, 0x80, 0x80, 0x80]),
        ("a-list-as-value", vec![0xc9, 1, 1, 1, 0x80, 0xc0, 1, 1, 0x80, 0x80]),
        ("much-gas", with(|it| it.gas_limit = u64::MAX)),
        ("dear-gas", with(|it| it.fee = Fee::Legacy { gas_price: u128::MAX })),
        ("zero-address", with(|it| it.to = TxKind::Call(Address::ZERO))),
        (
            "no-code",
            with(|it| (it.to, it.data) = (TxKind::Create, <_>::default())),
        ),
    ];
    let tip = Fee::Dynamic {
        max_fee_per_gas: 1,
        max_priority_fee_per_gas: 2,
        access: Vec::new(),
    };
    let tipped = Transaction {
        fee: tip,
        ..base.clone()
    }
    .unsigned();
    let aggregate = [
        words(0x252d_ba42, &[0x20, 1, 0x20, 0xb0, 0x40, transfer.len() as u64]),
        transfer.clone(),
        vec![0; 28],
    ];
    let calls: [(&str, Vec<u8>); 8] = [
        ("call-none", Vec::new()),
        ("call-transfer", transfer),
        ("call-approve", approve.clone()),
        ("call-everything", words(0xa22c_b465, &[0xe0, 1])),
        ("call-batch", batch(&batch(&approve))),
        ("call-deep", batch(&batch(&batch(&batch(&batch(&approve)))))),
        ("call-aggregate", aggregate.concat()),
        ("call-unknown", words(0xdead_beef, &[1])),
    ];
    let mut seeds = vec![
        ("nothing".into(), Vec::new()),
        seed("signed", 0, &signed(plain)),
        seed("tip", 0, &tipped),
    ];
    seeds.extend(transactions.into_iter().map(|(name, bytes)| seed(name, 0, &bytes)));
    seeds.extend(calls.into_iter().map(|(name, bytes)| seed(name, 1, &bytes)));
    seeds
}
