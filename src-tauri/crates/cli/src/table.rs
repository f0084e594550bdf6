//! Rows under one another, and figures as people write them.

/// Rows with columns as wide as their widest cell; the last column is not filled up.
pub(crate) fn rows(cells: &[Vec<String>]) -> Vec<String> {
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            if !text.is_empty() {
                text.push_str("  ");
            }
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - cell.chars().count()));
        }
        text.trim_end().to_owned()
    };
    cells.iter().map(line).collect()
}

/// Bytes in binary units.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut unit = 0_usize;
    let mut rest = bytes;
    while rest >= 1_024 && unit + 1 < UNITS.len() {
        rest /= 1_024;
        unit += 1;
    }
    if unit == 0 {
        return format!("{bytes} B");
    }
    let tenths = u128::from(bytes) * 10 / (1_u128 << (10 * unit));
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// A size that may not be known.
pub(crate) fn size_or_none(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), size)
}

/// Milliseconds since the Unix epoch as a time of this computer, or nothing where they are no time.
pub(crate) fn time(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds).map_or_else(
        |_| String::new(),
        |at| at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_one_another() {
        let cells = [["a", "bb", "c"], ["aaa", "ü", ""]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(rows(&cells), ["a    bb  c", "aaa  ü"]);
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        let sizes = [0, 1_023, 1_024, 1_536, 200 << 20, u64::MAX].map(size);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "200.0 MiB", "16383.9 PiB"]);
    }
}
