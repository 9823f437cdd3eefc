//! Signatures that were given out and that the chain does not have: whoever holds one can still send it.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use twofold_api::audit::Event;
use twofold_threshold::id::DeviceId;

use crate::client::Client;
use crate::fault::Fault;
use crate::port::Platform;
use crate::wallet::Wallet;

/// A transaction that the server signed its half of, and that neither chain nor mempool has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outstanding {
    /// Its id.
    pub txid: Txid,
    /// The device that it was signed for.
    pub device: DeviceId,
    /// The coins that it spends, all of them still unspent: spending one of them otherwise makes it void.
    pub inputs: Vec<OutPoint>,
}

impl<P: Platform> Client<P> {
    /// The transactions that signatures were given out for and that could still be sent, by the server's log, which is
    /// verified. Bring the wallet up to date first.
    pub async fn outstanding(&mut self, wallet: &mut Wallet) -> Result<Vec<Outstanding>, Fault> {
        let audited = self.audit(wallet).await?;
        let known: Vec<Txid> = wallet.ledger.history().iter().map(|entry| entry.txid).collect();
        let unspent: Vec<OutPoint> = wallet.ledger.coins().iter().map(|coin| coin.outpoint).collect();
        let signed = audited.entries.into_iter().filter_map(|entry| match entry.event {
            Event::Signed(signed) => Some(signed),
            _ => None,
        });
        let mut outstanding: Vec<Outstanding> = Vec::new();
        for signed in signed {
            let txid = Txid::from_byte_array(signed.txid);
            let inputs: Vec<OutPoint> = signed.inputs.iter().map(outpoint).collect();
            let live = !known.contains(&txid) && inputs.iter().all(|input| unspent.contains(input));
            if live && !outstanding.iter().any(|other| other.txid == txid) {
                outstanding.push(Outstanding {
                    txid,
                    device: signed.device,
                    inputs,
                });
            }
        }
        Ok(outstanding)
    }
}

/// An outpoint out of the log: txid in internal byte order, index in little endian.
fn outpoint(bytes: &[u8; 36]) -> OutPoint {
    let (mut txid, mut index) = ([0; 32], [0; 4]);
    txid.copy_from_slice(&bytes[..32]);
    index.copy_from_slice(&bytes[32..]);
    OutPoint::new(Txid::from_byte_array(txid), u32::from_le_bytes(index))
}
