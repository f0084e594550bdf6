//! A page's lines: what stands in its `sh` blocks, in order.

use std::{fs, path::Path};

/// One command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its line in the page, from 1.
    pub(crate) number: usize,
    /// The command, without the backslashes that continue it.
    pub(crate) text: String,
    /// What it must end with.
    pub(crate) exit: i32,
}

/// A page of the guide.
#[derive(Debug)]
pub(crate) struct Page {
    /// The file's name without its ending.
    pub(crate) name: String,
    pub(crate) lines: Vec<Line>,
}

impl Page {
    pub(crate) fn read(file: &Path) -> Self {
        Self::of(&file.file_stem().unwrap().to_string_lossy(), &fs::read_to_string(file).unwrap())
    }

    pub(crate) fn of(name: &str, text: &str) -> Self {
        let mut lines = Vec::new();
        let mut fence: Option<bool> = None;
        let mut begun: Option<(usize, String)> = None;
        for (index, line) in text.lines().enumerate() {
            if let Some(kind) = line.trim_start().strip_prefix("```") {
                assert!(begun.is_none(), "{name}.md:{}: a line goes on past its block", index + 1);
                fence = if fence.is_some() { None } else { Some(kind.trim() == "sh") };
                continue;
            }
            if fence != Some(true) {
                continue;
            }
            let (number, mut whole) = begun.take().unwrap_or((index + 1, String::new()));
            match line.strip_suffix('\\') {
                Some(first) => {
                    whole.push_str(first);
                    begun = Some((number, whole));
                }
                None => {
                    whole.push_str(line);
                    let text = whole.trim();
                    if !text.is_empty() && !text.starts_with('#') {
                        lines.push(Line { number, text: text.to_owned(), exit: exit_of(text) });
                    }
                }
            }
        }
        assert!(fence.is_none(), "{name}.md: a block does not end");
        Self { name: name.to_owned(), lines }
    }
}

/// `… # exits with 4`, wherever in the comment.
fn exit_of(line: &str) -> i32 {
    let Some((_, told)) = line.rsplit_once("# ").and_then(|(_, comment)| comment.split_once("exits with "))
    else {
        return 0;
    };
    let digits: String = told.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("\"exits with\" names no number: {line}"))
}

#[test]
fn only_sh_blocks_are_lines_and_a_backslash_goes_on() {
    let text = "a\n```sh\n# only a comment\nlabferry ls \\\n  practice-nrp:\n\nfalse   # taken, exits with 4\n```\n\
                ```text\nnot run\n```\n";
    let page = Page::of("x", text);
    let line = |number, text: &str, exit| Line { number, text: text.to_owned(), exit };
    assert_eq!(
        page.lines,
        [line(4, "labferry ls   practice-nrp:", 0), line(7, "false   # taken, exits with 4", 4)]
    );
}
