//! What holds for every input, tried with many made by seeds: `LABFERRY_CASES=100000` asks for more. Plans and the cap on
//! bandwidth are tried in the engine's own tests, which see them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod answers;
mod states;
mod words;

/// How many cases of a kind are tried.
pub(crate) fn cases(usual: u64) -> u64 {
    std::env::var("LABFERRY_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

pub(crate) fn one_of<T: Clone>(random: &mut fastrand::Rng, all: &[T]) -> T {
    all[random.usize(0..all.len())].clone()
}

/// Text that nobody sends on purpose.
pub(crate) fn text(random: &mut fastrand::Rng) -> String {
    const PIECES: [&str; 26] = [
        "",
        "a",
        "/",
        "\\",
        ".",
        "..",
        "../..",
        "\0",
        "\n",
        " ",
        "ü",
        "𝄞",
        "\u{202e}",
        "\u{feff}",
        ":",
        "%2F",
        "%",
        "?",
        "#",
        "\"",
        "'",
        "<b>",
        "con",
        "file.csv",
        "0190c7a1-1111-7222-8333-444455556666",
        "18446744073709551616",
    ];
    (0..random.usize(0..6))
        .map(|_| one_of(random, &PIECES))
        .collect::<String>()
        .repeat(one_of(random, &[1, 1, 1, 400]))
}
