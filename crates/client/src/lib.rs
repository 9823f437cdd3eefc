//! Drives ceremonies and signing over a transport; sealed keystore; wallet logic
