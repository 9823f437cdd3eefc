//! Ports of this machine that others reach, beyond those that are meant.

use std::{
    collections::BTreeSet,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::Finding;
use crate::config::Config;

/// Where an operator logs in.
const SSH: u16 = 22;

pub(super) fn open(config: &Config, _: u64) -> Vec<Finding> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    if tables.iter().all(Result::is_err) {
        let remedy = "run this where /proc/net can be read";
        return vec![Finding::warn(
            "ports",
            "the kernel's table of ports can't be read",
            remedy,
        )];
    }
    let tables = tables.into_iter().flatten();
    let mut beyond: BTreeSet<u16> = tables.flat_map(|table| listening(&table)).collect();
    beyond.remove(&config.listen.port());
    beyond.remove(&SSH);
    if beyond.is_empty() {
        return vec![Finding::well(
            "ports",
            format!("open to others: {} and ssh at most", config.listen.port()),
        )];
    }
    let list: Vec<_> = beyond.iter().map(u16::to_string).collect();
    let remedy = "stop what listens there (ss -ltnp says who), bind it to loopback, or let the firewall drop it";
    vec![Finding::warn(
        "ports",
        format!("others reach port {} too", list.join(", ")),
        remedy,
    )]
}

/// The ports of a table as the kernel writes it where somebody listens for others than this machine.
fn listening(table: &str) -> Vec<u16> {
    const LISTENING: &str = "0A";
    let rows = table.lines().skip(1).filter_map(|row| {
        let mut words = row.split_whitespace().skip(1);
        let (local, state) = (words.next()?, words.nth(1)?);
        let (address, port) = local.split_once(':')?;
        let reached = state == LISTENING && !address_of(address)?.to_canonical().is_loopback();
        u16::from_str_radix(port, 16).ok().filter(|_| reached)
    });
    rows.collect()
}

/// An address in the kernel's spelling: words of four bytes, each in the machine's own order.
fn address_of(hex: &str) -> Option<IpAddr> {
    let bytes = hex::decode(hex).ok()?;
    let ordered: Vec<u8> = bytes.chunks(4).flat_map(|word| word.iter().rev().copied()).collect();
    if let Ok(four) = <[u8; 4]>::try_from(ordered.as_slice()) {
        return Some(Ipv4Addr::from(four).into());
    }
    <[u8; 16]>::try_from(ordered.as_slice())
        .ok()
        .map(|six| Ipv6Addr::from(six).into())
}

#[cfg(test)]
mod tests {
    use super::listening;

    #[test]
    fn ports_that_others_reach_are_read_off_the_kernels_table() {
        let head = "  sl  local_address rem_address   st tx_queue rx_queue\n";
        let four = "   0: 0100007F:20FB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n\
                    \x20  1: 00000000:20FB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n\
                    \x20  2: 0A00000A:0016 0B00000A:C350 01 00000000:00000000 00:00000000 00000000     0\n";
        assert_eq!(listening(&format!("{head}{four}")), [8443_u16]);
        let six = "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0\n\
                   \x20  1: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0\n";
        assert_eq!(listening(&format!("{head}{six}")), [80_u16]);
        assert!(listening("rubbish\nrubbish\n1: x y z\n").is_empty());
    }
}
