//! The cosigner server: HTTP, TLS, limits, telemetry, wiring
