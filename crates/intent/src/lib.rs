//! Intents into digests and facts
