//! SQLite behind the cosigner's storage port
