//! The eight characters after a descriptor's `#` (BIP-380).

const INPUT: &[u8] =
    b"0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
const OUTPUT: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u64; 5] = [
    0x00f5_dee5_1989,
    0x00a9_fdca_3312,
    0x001b_ab10_e32d,
    0x0037_06b1_677a,
    0x0064_4d62_6ffd,
];

/// The checksum of a descriptor written without one; `None` where it holds a character that descriptors cannot.
#[must_use]
pub fn checksum(descriptor: &str) -> Option<String> {
    let mut state = 1_u64;
    let (mut class, mut held) = (0_u64, 0_u8);
    for character in descriptor.bytes() {
        let position = u64::try_from(INPUT.iter().position(|known| *known == character)?).ok()?;
        state = step(state, position & 31);
        class = class * 3 + (position >> 5);
        held += 1;
        if held == 3 {
            state = step(state, class);
            (class, held) = (0, 0);
        }
    }
    if held > 0 {
        state = step(state, class);
    }
    for _ in 0..8 {
        state = step(state, 0);
    }
    state ^= 1;
    Some(
        (0..8)
            .rev()
            .map(|place| char::from(OUTPUT[((state >> (5 * place)) & 31) as usize]))
            .collect(),
    )
}

/// A descriptor of our own making with its checksum.
pub(crate) fn with_checksum(descriptor: String) -> String {
    match checksum(&descriptor) {
        Some(sum) => format!("{descriptor}#{sum}"),
        // Base58, hex and the punctuation we write are all in the alphabet.
        None => descriptor,
    }
}

fn step(state: u64, value: u64) -> u64 {
    let top = state >> 35;
    let mut next = ((state & 0x7_ffff_ffff) << 5) ^ value;
    for (bit, generator) in GENERATOR.iter().enumerate() {
        if (top >> bit) & 1 == 1 {
            next ^= generator;
        }
    }
    next
}

#[cfg(test)]
mod tests;
