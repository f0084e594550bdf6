//! File names: what is taken comes back letter for letter, what would fail later is refused at once.

use super::browse::files_of;
use crate::{
    content::{bytes, fetch, put},
    target::Target,
};
use labferry_model::ProblemCode;

/// Names that have broken clients: separators, escapes, both forms of composed letters, directions, reserved words.
const ODD: [&str; 30] = [
    "plain.csv",
    "with space.csv",
    " leading space",
    "Größe über Maß.txt",
    "A\u{30a}ngstro\u{308}m.txt",
    "Ångström.txt",
    "データ.csv",
    "данные.csv",
    "📈 plot.png",
    "\u{202e}gpj.exe",
    "a+b&c=d.txt",
    "100%.txt",
    "%2e%2e.txt",
    "%2F.txt",
    "a?b#c.txt",
    "semi;colon,comma.txt",
    "quote\"apostrophe'.txt",
    "back\\slash.txt",
    "<tag>&amp;.txt",
    "[1]{2}|3^4`5~.txt",
    "folder/inside/file.txt",
    "folder/con",
    "C:\\data\\x.txt",
    "contents",
    ".hidden",
    "trailing.",
    "-dash",
    "1",
    "nul",
    "draft/files/other",
];

pub(crate) async fn names_come_back_as_they_were_given(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let longest = format!("{}.txt", "é".repeat(125));
    let names: Vec<&str> =
        ODD.into_iter().chain([longest.as_str()]).filter(|name| provider.check_name(name).is_ok()).collect();
    let facts = provider.capabilities().await.unwrap();
    let by_name = target.finds_by_name(&*provider, &place).await;
    let least = match (target.offers("free names", names.len() >= 20), by_name) {
        (true, true) => 25,
        (true, false) => 20,
        (false, _) => 10,
    };
    assert!(names.len() >= least, "most names are usable: {names:?}");
    for (seed, name) in names.iter().enumerate() {
        let content = bytes(seed as u64, 100 + seed as u64);
        let file = put(&*provider, &place, name, &content, None).await;
        if by_name {
            let found = provider.find_file(&place, name).await.unwrap();
            assert_eq!(found.as_ref(), Some(&file), "{name:?}");
        }
        let fetched = fetch(&*provider, &file.path, None, None).await.unwrap();
        assert!(fetched.bytes == content, "{name:?} came back with other bytes");
    }
    if !target.offers("list", facts.listable) || !target.offers("delete", facts.delete) {
        return;
    }
    let files = files_of(&*provider, &place).await;
    let mut listed: Vec<_> = files.iter().map(|file| file.name.clone()).collect();
    let mut expected: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
    for file in files {
        provider.delete(&file.path).await.unwrap();
    }
    assert!(files_of(&*provider, &place).await.is_empty());
}

pub(crate) async fn hostile_names_are_refused_before_anything_is_sent(target: &Target) {
    let provider = target.connect();
    let limit = usize::try_from(provider.capabilities().await.unwrap().name_limit).unwrap();
    let too_long = "x".repeat(limit + 1);
    let too_long_in_bytes = "é".repeat(limit / 2 + 1);
    for name in [
        "",
        ".",
        "..",
        "../up.txt",
        "a/../b",
        "a/./b",
        "a//b",
        "a/../b.csv",
        "a//b.csv",
        "/etc/passwd.csv",
        "/etc/passwd",
        "a/",
        "line\nbreak",
        "nul\0byte",
        "\u{7f}",
        &too_long,
        &too_long_in_bytes,
    ] {
        let problem = provider.check_name(name).unwrap_err();
        assert_eq!(problem.code, ProblemCode::NameRefused, "{name:?}");
        assert!(problem.detail.is_some_and(|words| words.len() > 10), "{name:?} is refused without a reason");
    }
    // Words that mean something in the service's own addresses, where there are any.
    if target.offers("reserved names", provider.check_name("commit").is_err()) {
        assert!(provider.check_name("x/content").is_err());
    }
    assert!(target.lab().requests().await.is_empty());
}
