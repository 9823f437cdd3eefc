//! Hostile peer, toxic proxy, fake clock, regtest harness, vectors
