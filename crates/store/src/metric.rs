//! The names of what the writer records.

/// The target of spans that are exported as traces. No level of the log concerns them.
pub const SPANS: &str = "otel";
/// Seconds that a commit took, its fsync included.
pub const COMMIT_SECONDS: &str = "twofold_store_commit_seconds";
/// Batches that shared one commit.
pub const COMMIT_BATCHES: &str = "twofold_store_commit_batches";
/// Commits that failed as a whole.
pub const FAILED_COMMITS: &str = "twofold_store_failed_commits_total";
