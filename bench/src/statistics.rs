//! Medians, ratios and how numbers are written.

/// The middle value; the mean of the two middle ones of an even number. 0 of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[count / 2],
        count => (values[count / 2 - 1] + values[count / 2]) / 2.0,
    }
}

/// How often `b` fits into `a`; 0 where there is no `b`.
pub(crate) fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}

/// Three significant digits or whole numbers, with a space between thousands.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 || size == 0.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), ""), |(whole, rest)| (whole, rest));
    let mut grouped = String::new();
    let count = whole.trim_start_matches('-').len();
    for (index, digit) in whole.chars().enumerate() {
        let left = whole.len() - index;
        if digit != '-' && left < count && left.is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    if rest.is_empty() { grouped } else { format!("{grouped}.{rest}") }
}

/// A time in the unit that suits it.
pub(crate) fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{} s", number(s)),
        s if s >= 1e-3 => format!("{} ms", number(s * 1e3)),
        s => format!("{} µs", number(s * 1e6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_whatever_the_order() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median([]), 0.0);
    }

    #[test]
    fn a_ratio_of_nothing_is_no_infinity() {
        assert_eq!(ratio(3.0, 2.0), 1.5);
        assert_eq!(ratio(3.0, 0.0), 0.0);
    }

    #[test]
    fn numbers_keep_three_digits() {
        let written: Vec<String> =
            [0.0, 0.0123, 1.234, 12.34, 123.4, 1234.5, 1_234_567.0, -12_345.0].map(number).into();
        assert_eq!(written, ["0.00", "0.012", "1.23", "12.3", "123", "1 234", "1 234 567", "-12 345"]);
        assert_eq!([1.5, 0.0123, 0.000_012].map(time), ["1.50 s", "12.3 ms", "12.0 µs"]);
    }
}
