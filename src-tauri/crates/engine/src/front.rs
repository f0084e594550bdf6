//! How far a file that arrives in ranges is there without a gap.

use crate::hash_ahead::Pace;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Gathers what was written and lets the reader follow.
pub(crate) struct Front {
    pace: Arc<Pace>,
    state: Mutex<Written>,
}

#[derive(Default)]
struct Written {
    /// Everything before this byte is there.
    front: u64,
    /// Stretches beyond it, by their first byte: one for each range on its way.
    beyond: BTreeMap<u64, u64>,
}

impl Front {
    pub(crate) fn new(pace: Arc<Pace>) -> Self {
        Self { pace, state: Mutex::default() }
    }

    /// The bytes from `begin` to before `end` are in the file, and will not be written again.
    pub(crate) fn written(&self, begin: u64, end: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Written { front, beyond } = &mut *state;
        match beyond.range_mut(..begin).next_back() {
            _ if begin == *front => *front = end,
            Some((_, before)) if *before == begin => *before = end,
            _ => {
                beyond.insert(begin, end);
            }
        }
        while let Some(end) = beyond.remove(front) {
            *front = end;
        }
        self.pace.reached(*front);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{
        hash_ahead::{HashAhead, Wanted, hash_to_compare},
        tests::Folder,
    };

    #[tokio::test]
    async fn the_reader_never_passes_a_gap() {
        let folder = Folder::new();
        let content: Vec<u8> = (0..4_u8 << 4).cycle().take(6 << 20).collect();
        let path = folder.write("a", &content);
        let size = content.len() as u64;
        let reader = HashAhead::behind(&path, size, Wanted::default());
        let (pace, front) = (reader.pace(), Front::new(reader.pace()));
        let mib = |number: u64| number << 20;
        for (begin, end) in [(3, 4), (1, 2), (4, 5), (5, 6)] {
            front.written(mib(begin), mib(end));
            assert_eq!(front.state.lock().unwrap().front, 0);
        }
        assert_eq!(front.state.lock().unwrap().beyond.len(), 2, "neighbours are one stretch");
        front.written(0, mib(1));
        while pace.hashed() < mib(2) {
            tokio::task::yield_now().await;
        }
        assert_eq!(pace.hashed(), mib(2));
        front.written(mib(2), mib(3));
        let followed = reader.finish().await.unwrap();
        assert_eq!(followed, hash_to_compare(&path, size, &[], &[]).await.unwrap());
        assert_eq!(front.state.lock().unwrap().front, size);
    }
}
