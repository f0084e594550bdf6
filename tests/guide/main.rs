//! What the guide and the README's five minutes say works: every line of their `sh` blocks is run as it stands, against a
//! practice lab with seeded records. `docs/guide/README.md` says what a line may use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

// The commands' bench: a lab, and somebody with a data folder. The guide needs a part of it.
#[allow(dead_code)]
#[path = "../cli/bench.rs"]
mod bench;
mod page;
mod replay;

use page::Page;
use replay::Replay;
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The pages of the guide that have lines to run, or the one named in `GUIDE_PAGE`.
fn pages() -> Vec<Page> {
    let folder = project().join("docs/guide");
    let only = std::env::var("GUIDE_PAGE").ok().filter(|name| !name.is_empty());
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let wanted = |file: &PathBuf| {
        let name = file.file_stem().unwrap().to_string_lossy();
        file.extension().is_some_and(|ending| ending == "md")
            && name != "README"
            // A walk through the window has pictures instead; the interface's tests hold its words.
            && name != "window"
            && only.as_ref().is_none_or(|only| *only == name)
    };
    files.into_iter().filter(wanted).map(|file| Page::read(&file)).collect()
}

#[test]
fn every_line_of_the_guide_works() {
    let pages = pages();
    assert!(!pages.is_empty(), "the guide has no page of that name");
    // Each page has a lab and a user of its own.
    let replay = |page: &Page| {
        assert!(!page.lines.is_empty(), "{} has no line to run", page.name);
        Replay::new().run(page).map(|()| println!("{}: {} lines work", page.name, page.lines.len()))
    };
    let failures: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = pages.iter().map(|page| scope.spawn(move || replay(page))).collect();
        running.into_iter().filter_map(|page| page.join().unwrap().err()).collect()
    });
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_page_is_listed_in_the_guide() {
    let guide = fs::read_to_string(project().join("docs/guide/README.md")).unwrap();
    for page in pages() {
        let link = format!("({}.md)", page.name);
        assert!(guide.contains(&link), "docs/guide/README.md does not name {}.md", page.name);
    }
}

/// The section is written for somebody who copies address and token by hand, so those words are filled in; the first
/// terminal's block builds and starts the lab, which has been done here.
#[test]
fn the_five_minutes_of_the_readme_hold() {
    let text = fs::read_to_string(project().join("README.md")).unwrap();
    let (_, section) = text.split_once("\n## Five minutes").expect("README has its five minutes");
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let begins = section.find("in a second terminal").expect("the lines for the second terminal");
    let replay = Replay::new();
    let lab = replay.service("nrp");
    let folder = replay.scratch();
    let section = section[begins..]
        .replace("=TOKEN ", &format!("={} ", lab.secret("token")))
        .replace("EXAMPLE-PLACE", &lab.place)
        .replace("--url URL", &format!("--url {}", lab.url))
        .replace("/tmp/", &format!("{}/", folder.display()))
        // Enough to go in parts.
        .replace("200M", "70M");
    let page = Page::of("README", &section);
    assert!(page.lines.iter().any(|line| line.text.contains("labferry put")), "{page:?}");
    replay.run(&page).unwrap();
}

#[test]
fn a_line_that_fails_is_named() {
    let text = "```sh\nA=1\nlabferry ls practice-nrp:\ntest $A = 2\n```\n```sh\nexit 0\n```\n";
    let replay = Replay::new();
    let failure = replay.run(&Page::of("page", text)).unwrap_err();
    assert!(failure.starts_with("page.md:4: test $A = 2\n"), "{failure}");
    let left = replay.run(&Page::of("page", "```sh\nexit 0\ntrue\n```\n")).unwrap_err();
    assert!(left.starts_with("page.md:2: exit 0"), "a line that ends the shell hides the rest: {left}");
}
