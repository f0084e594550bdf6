//! Every request the services saw, for `GET /inspect/requests`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::wire_time;
use crate::metered::Meter;

/// Requests remembered; older ones are forgotten.
const REMEMBERED: usize = 200_000;

/// One request, still changing while it runs.
pub(crate) struct Seen {
    /// The service's key.
    pub(crate) service: &'static str,
    /// `service` or `storage`.
    pub(crate) door: &'static str,
    pub(crate) method: String,
    pub(crate) path: String,
    /// The query without signatures.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) host: Option<String>,
    pub(crate) range: Option<String>,
    pub(crate) had_authorization: bool,
    /// As they came in, without the credential itself.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) part: Option<u32>,
    pub(crate) at: Timestamp,
    pub(crate) received: Arc<Meter>,
    pub(crate) sent: Arc<Meter>,
    /// Status and time of the answer, once there is one. Its body may still be on its way.
    pub(crate) answer: OnceLock<(u16, Timestamp)>,
    /// What a fault rule did, in its own words.
    pub(crate) faults: Vec<Value>,
    /// Digests in the answer that a fault made wrong.
    pub(crate) wrong_digests: AtomicU16,
}

impl Seen {
    fn to_json(&self) -> Value {
        json!({
            "service": self.service,
            "door": self.door,
            "method": self.method,
            "path": self.path,
            "query": self.query.iter().cloned().collect::<BTreeMap<_, _>>(),
            "host": self.host,
            "range": self.range,
            "had_authorization": self.had_authorization,
            "headers": self.headers,
            "part": self.part,
            "at": wire_time(self.at),
            "bytes_received": self.received.bytes.load(Ordering::Relaxed),
            "bytes_sent": self.sent.bytes.load(Ordering::Relaxed),
            "status": self.answer.get().map(|(status, _)| status),
            "answered_at": self.answer.get().map(|(_, at)| wire_time(*at)),
            "faults": self.faults,
            "wrong_digests": self.wrong_digests.load(Ordering::Relaxed),
        })
    }
}

/// The requests, oldest first.
#[derive(Default)]
pub(crate) struct RequestLog {
    seen: Mutex<VecDeque<Arc<Seen>>>,
}

impl RequestLog {
    pub(crate) fn add(&self, seen: Arc<Seen>) {
        let mut list = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if list.len() == REMEMBERED {
            list.pop_front();
        }
        list.push_back(seen);
    }

    pub(crate) fn to_json(&self) -> Vec<Value> {
        let list = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter().map(|seen| seen.to_json()).collect()
    }

    pub(crate) fn clear(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
