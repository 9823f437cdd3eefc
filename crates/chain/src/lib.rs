//! Chain adapters: bitcoind
