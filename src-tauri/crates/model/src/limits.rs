//! Defaults of the engine, every one adjustable. Figures come from the project's quality goals
//! (docs/performance.md says what they were measured to cost).

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How hard the engine works and how patient it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Files moved at once, all accounts together.
    pub files: usize,
    /// Parts of one file moved at once.
    pub parts_per_file: usize,
    /// Whether more parts of a file are moved at once while that makes it faster, up to the connections of its account, and
    /// fewer after failures; otherwise always `parts_per_file`. The parts of a new upload are then also larger where a
    /// connection carried the last ones in less than 8 s.
    pub adaptive: bool,
    /// Connections to one account.
    pub connections_per_account: usize,
    /// Connections in all.
    pub connections: usize,
    /// Smallest part, in bytes; doubled until a file has at most `part_count_target` parts.
    pub part_size: u64,
    /// Most parts the planner aims at; below S3's 10,000 with room for growth.
    pub part_count_target: u32,
    /// Tries of one request before the item waits.
    pub tries: u32,
    /// First pause of the full-jitter back-off.
    pub backoff_first: Duration,
    /// Longest pause of the back-off.
    pub backoff_most: Duration,
    /// Longest `Retry-After` that is honoured.
    pub retry_after_most: Duration,
    /// A connection on which no byte moved for this long is given up.
    pub stall: Duration,
    /// Longest wait for a connection.
    pub connect: Duration,
    /// First pause of an item that used up its tries.
    pub item_pause_first: Duration,
    /// Longest pause of such an item.
    pub item_pause_most: Duration,
    /// After this long without success the item needs a person.
    pub item_patience: Duration,
    /// How long a late digest of the service is waited for before the item waits.
    pub digest_patience: Duration,
    /// A download stops when the disk would have less than this left, in bytes.
    pub disk_reserve: u64,
    /// Most bytes a second in each direction, all transfers together; `None` is no limit.
    pub bandwidth: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files: 4,
            parts_per_file: 4,
            adaptive: true,
            connections_per_account: 8,
            connections: 16,
            part_size: 16 << 20,
            part_count_target: 9_000,
            tries: 8,
            backoff_first: Duration::from_secs(1),
            backoff_most: Duration::from_secs(60),
            retry_after_most: Duration::from_secs(600),
            stall: Duration::from_secs(60),
            connect: Duration::from_secs(15),
            item_pause_first: Duration::from_secs(5 * 60),
            item_pause_most: Duration::from_secs(6 * 3600),
            item_patience: Duration::from_secs(7 * 24 * 3600),
            digest_patience: Duration::from_secs(5 * 60),
            disk_reserve: 1 << 30,
            bandwidth: None,
        }
    }
}
