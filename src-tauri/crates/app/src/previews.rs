//! What can be shown of a file without fetching it: bounded, and by what the bytes are.

use crate::{
    app::App,
    browse::{about_place, clean},
    problem_text::invalid,
    wire::{answers::*, requests::*},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use infer::MatcherType;
use labferry_model::{Entry, FileStatus};

/// Bytes that say what a file is and, where it is characters, are what is shown.
const HEAD: u64 = 256 << 10;
/// Largest file that is fetched whole to be shown.
const WHOLE: u64 = 16 << 20;
/// Largest picture fetched for a list.
const THUMBNAIL: u64 = 2 << 20;
/// Pixels of a picture at most: a few bytes can announce more than a computer has memory for. 64 million take 256 MiB.
const PIXELS: usize = 64_000_000;
/// Rows, cells a row and characters a cell that a table shows at most.
const ROWS: usize = 200;
const CELLS: usize = 50;
const CHARACTERS: usize = 300;
/// Media types a browser shows by itself; others of their kind it cannot.
const SHOWN: [&str; 16] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/bmp",
    "audio/mpeg",
    "audio/x-wav",
    "audio/ogg",
    "audio/x-flac",
    "audio/m4a",
    "audio/aac",
    "audio/opus",
    "video/mp4",
    "video/webm",
    "video/x-m4v",
    "video/ogg",
];

impl App {
    /// What can be shown of a file.
    ///
    /// # Errors
    /// A path that is no file's, and what the service answers.
    pub async fn files_preview(&self, request: PreviewFile) -> Result<PreviewAnswer, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let path = clean(&request.path);
        let entry = provider.describe(path).await.map_err(|error| about_place(error, &account, path))?;
        let Entry::File { file } = entry else {
            return Err(invalid(format!(
                "{account}:{path} is not a file, so there is nothing to show of it"
            )));
        };
        if file.status != FileStatus::Ready {
            return Ok(nothing(PreviewKind::NotReady));
        }
        let engine = &self.shared.engine;
        let peek = |most| engine.peek(&account, &file.path, file.size, most);
        // The bytes of several pictures are in memory at once, and no more than of these few.
        let _turn = self.shared.previews.acquire().await;
        let most = if request.thumbnail { THUMBNAIL } else { WHOLE };
        let small = file.size.is_some_and(|size| size <= HEAD);
        let head = peek(if small { HEAD } else { HEAD.min(most) }).await?;
        let kind = kind_of(&head.bytes);
        let complete = match kind {
            Found::Empty => return Ok(nothing(PreviewKind::Empty)),
            Found::Unknown => return Ok(nothing(PreviewKind::Unknown)),
            Found::Text(text) if request.thumbnail => {
                drop(text);
                return Ok(nothing(PreviewKind::Text));
            }
            Found::Text(text) => return Ok(characters(text, &file.name, !head.whole)),
            Found::Bytes(..) if head.whole => head.bytes,
            Found::Bytes(..) if file.size.is_some_and(|size| size > most) => {
                return Ok(nothing(PreviewKind::TooLarge));
            }
            Found::Bytes(..) => {
                let all = peek(most).await?;
                if !all.whole {
                    return Ok(nothing(PreviewKind::TooLarge));
                }
                all.bytes
            }
        };
        // Between the two requests the file may have become another one.
        Ok(match kind_of(&complete) {
            Found::Bytes(kind, media_type) => whole(kind, media_type, &complete),
            _ => nothing(PreviewKind::Broken),
        })
    }
}

/// What bytes are.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Empty,
    Unknown,
    Text(String),
    Bytes(PreviewKind, &'static str),
}

fn kind_of(head: &[u8]) -> Found {
    if head.is_empty() {
        return Found::Empty;
    }
    if let Some(found) = infer::get(head) {
        let media_type = found.mime_type();
        let kind = match found.matcher_type() {
            MatcherType::Image => Some(PreviewKind::Image),
            MatcherType::Audio => Some(PreviewKind::Audio),
            MatcherType::Video => Some(PreviewKind::Video),
            _ if media_type == "application/pdf" => return Found::Bytes(PreviewKind::Pdf, media_type),
            _ => None,
        };
        if let Some(kind) = kind.filter(|_| SHOWN.contains(&media_type)) {
            return Found::Bytes(kind, media_type);
        }
        // Pages, scripts and the like are characters too, and are shown as such.
        if !matches!(found.matcher_type(), MatcherType::Text) {
            return Found::Unknown;
        }
    }
    text_of(head).map_or(Found::Unknown, Found::Text)
}

/// The characters, where these bytes are any: UTF-8, or UTF-16 with its mark. A character cut at the end is left out.
fn text_of(bytes: &[u8]) -> Option<String> {
    let sixteen = |unit: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => sixteen(u16::from_le_bytes, rest),
        [0xFE, 0xFF, rest @ ..] => sixteen(u16::from_be_bytes, rest),
        _ => {
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            match std::str::from_utf8(bytes) {
                Ok(text) => text.to_owned(),
                Err(error) if error.error_len().is_none() => {
                    String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned()
                }
                // What is not Unicode and has no control characters is most often Latin-1, as instruments write it.
                Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
            }
        }
    };
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}');
    (!text.chars().any(control)).then_some(text)
}

/// Characters as a table where the name says so and they are one; else as they are.
fn characters(text: String, name: &str, cut: bool) -> PreviewAnswer {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let rows = match ending.as_deref() {
        Some("tsv" | "tab") => table(&text, b'\t', cut),
        Some("csv") => table(&text, delimiter(&text), cut),
        _ => None,
    };
    match rows {
        Some((rows, more)) => PreviewAnswer { rows, cut: cut || more, ..nothing(PreviewKind::Table) },
        None => {
            let text = if ending.as_deref() == Some("json") && !cut { indented(text) } else { text };
            PreviewAnswer { text: Some(text), cut, ..nothing(PreviewKind::Text) }
        }
    }
}

/// The separator of the first line: in half of Europe a comma belongs to the number.
fn delimiter(text: &str) -> u8 {
    let line = text.lines().next().unwrap_or_default();
    let count = |delimiter: char| line.matches(delimiter).count();
    [(b'\t', '\t'), (b';', ';'), (b',', ',')]
        .into_iter()
        .max_by_key(|&(_, delimiter)| count(delimiter))
        .map_or(b',', |(byte, _)| byte)
}

/// The first rows, and whether there are more; none where this is no table.
fn table(text: &str, delimiter: u8, cut: bool) -> Option<(Vec<Vec<String>>, bool)> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let (mut rows, mut more) = (Vec::new(), false);
    for record in reader.records() {
        let record = record.ok()?;
        if rows.len() == ROWS {
            more = true;
            break;
        }
        more |= record.len() > CELLS;
        rows.push(record.iter().take(CELLS).map(short).collect::<Vec<_>>());
    }
    // The last row of a beginning may be half of one.
    if cut && !more && rows.len() > 1 {
        rows.pop();
    }
    rows.iter().any(|row| row.len() > 1).then_some((rows, more))
}

fn short(cell: &str) -> String {
    match cell.char_indices().nth(CHARACTERS) {
        Some((at, _)) => format!("{}…", &cell[..at]),
        None => cell.to_owned(),
    }
}

/// JSON in one line is hard to read. What is no JSON stays as it is.
fn indented(text: String) -> String {
    let parsed = serde_json::from_str::<serde_json::Value>(&text).ok();
    parsed.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or(text)
}

fn whole(kind: PreviewKind, media_type: &str, bytes: &[u8]) -> PreviewAnswer {
    if kind == PreviewKind::Image {
        match imagesize::blob_size(bytes) {
            Ok(size) if size.width == 0 || size.height == 0 => return nothing(PreviewKind::Broken),
            Ok(size) if size.width.saturating_mul(size.height) > PIXELS => {
                return nothing(PreviewKind::TooLarge);
            }
            Ok(_) => {}
            Err(_) => return nothing(PreviewKind::Broken),
        }
    }
    PreviewAnswer {
        media_type: Some(media_type.to_owned()),
        bytes: Some(STANDARD.encode(bytes)),
        ..nothing(kind)
    }
}

fn nothing(kind: PreviewKind) -> PreviewAnswer {
    PreviewAnswer { kind, media_type: None, bytes: None, text: None, rows: Vec::new(), cut: false }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The header of a picture of that many pixels, and nothing behind it.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
        bytes.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn bytes_say_what_they_are_and_markup_is_characters() {
        assert_eq!(kind_of(b""), Found::Empty);
        assert_eq!(kind_of(&png(2, 2)), Found::Bytes(PreviewKind::Image, "image/png"));
        assert_eq!(kind_of(b"%PDF-1.7\n"), Found::Bytes(PreviewKind::Pdf, "application/pdf"));
        for markup in [
            "<!DOCTYPE html><script>alert(1)</script>",
            "<html><body onload=alert(1)>",
            "<?xml version=\"1.0\"?><svg onload=\"alert(1)\"/>",
            "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>",
            "#!/bin/sh\nrm -rf /\n",
        ] {
            assert_eq!(kind_of(markup.as_bytes()), Found::Text(markup.to_owned()));
        }
        assert_eq!(kind_of(b"MZ\x90\0\x03\0\0\0"), Found::Unknown);
        assert_eq!(kind_of(&[0, 1, 2, 3, 4, 5]), Found::Unknown);
        assert_eq!(kind_of(b"II*\0\x08\0\0\0"), Found::Unknown, "no browser shows this kind of picture");
    }

    #[test]
    fn characters_are_read_in_the_ways_instruments_write_them() {
        assert_eq!(text_of("\u{feff}µm".as_bytes()).unwrap(), "µm");
        assert_eq!(text_of(&[0xFF, 0xFE, b'a', 0, 0xB5, 0]).unwrap(), "aµ");
        assert_eq!(text_of(b"5 \xB5m").unwrap(), "5 µm");
        assert_eq!(text_of(&"aµ".as_bytes()[..2]).unwrap(), "a", "half a character at the end");
        assert_eq!(text_of(b"a\0b"), None);
    }

    #[test]
    fn a_table_is_bounded_in_every_direction() {
        let answer = characters("a;b\n1,5;\"x\ny\"\n".to_owned(), "t.csv", false);
        assert_eq!(answer.rows, [["a", "b"], ["1,5", "x\ny"]]);
        let wide = format!("{}\n", vec!["1"; 1_000].join("\t")).repeat(1_000);
        let answer = characters(wide, "t.TSV", false);
        assert_eq!((answer.rows.len(), answer.rows[0].len(), answer.cut), (ROWS, CELLS, true));
        let answer = characters(format!("a,{}\n", "x".repeat(10_000)), "t.csv", false);
        assert_eq!(answer.rows[0][1].chars().count(), CHARACTERS + 1);
        let answer = characters("a,b\n1,2\n3,".to_owned(), "t.csv", true);
        assert_eq!(answer.rows, [["a", "b"], ["1", "2"]], "the row that was cut is not shown");
        assert_eq!(characters("no table".to_owned(), "t.csv", false).kind, PreviewKind::Text);
        assert_eq!(characters("{\"a\":1}".to_owned(), "t.json", false).text.unwrap(), "{\n  \"a\": 1\n}");
        let deep = "[".repeat(100_000);
        assert_eq!(characters(deep.clone(), "t.json", false).text.unwrap(), deep);
    }

    #[test]
    fn a_picture_that_would_fill_the_memory_is_not_handed_on() {
        assert_eq!(whole(PreviewKind::Image, "image/png", &png(20, 10)).kind, PreviewKind::Image);
        assert_eq!(
            whole(PreviewKind::Image, "image/png", &png(100_000, 100_000)).kind,
            PreviewKind::TooLarge
        );
        assert_eq!(whole(PreviewKind::Image, "image/png", &png(0, 10)).kind, PreviewKind::Broken);
        assert_eq!(whole(PreviewKind::Image, "image/png", &png(9, 9)[..12]).kind, PreviewKind::Broken);
    }
}
