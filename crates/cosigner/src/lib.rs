//! The server's mind: authentication, policy, charging, audit, checkpoints and co-signing over ports
