//! How long a file must not change before it counts as whole.

use std::time::Duration;

const MIB: f64 = 1_048_576.0;

/// Sizes in bytes and how long a file of that size must rest, in seconds. Small files: what instruments and office programs
/// need between two writes; large ones: copies over a network stall for minutes.
const POINTS: [(f64, f64); 3] = [(64.0 * MIB, 10.0), (1_024.0 * MIB, 60.0), (10_240.0 * MIB, 600.0)];

/// How long files must rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quiet {
    /// By size: 10 s up to 64 MiB, 60 s at 1 GiB, 10 min from 10 GiB on, between them on a straight line in logarithms.
    #[default]
    BySize,
    /// That long, whatever the size.
    Fixed(Duration),
}

impl Quiet {
    /// How long a file of `size` bytes must rest.
    #[must_use]
    pub fn window(self, size: u64) -> Duration {
        if let Self::Fixed(window) = self {
            return window;
        }
        let size = size as f64;
        let (first, last) = (POINTS[0], POINTS[POINTS.len() - 1]);
        if size <= first.0 {
            return Duration::from_secs_f64(first.1);
        }
        let seconds = POINTS.windows(2).find(|pair| size <= pair[1].0).map_or(last.1, |pair| {
            let ((from, low), (to, high)) = (pair[0], pair[1]);
            let share = (size / from).ln() / (to / from).ln();
            low * (high / low).powf(share)
        });
        Duration::from_secs_f64(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_grows_with_the_size_and_meets_its_points() {
        let seconds = |size: u64| Quiet::BySize.window(size).as_secs_f64();
        assert!((seconds(0) - 10.0).abs() < 1e-9 && (seconds(64 << 20) - 10.0).abs() < 1e-9);
        assert!((seconds(1 << 30) - 60.0).abs() < 1e-6);
        assert!((seconds(10 << 30) - 600.0).abs() < 1e-6 && (seconds(u64::MAX) - 600.0).abs() < 1e-9);
        let sizes: Vec<u64> = (20..40).map(|bits| 1_u64 << bits).collect();
        assert!(sizes.windows(2).all(|pair| seconds(pair[0]) <= seconds(pair[1])));
        assert_eq!(Quiet::Fixed(Duration::from_millis(5)).window(1 << 40), Duration::from_millis(5));
    }
}
