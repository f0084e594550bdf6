//! Paths and names. A path is the container, then a file's id, then the number of a frame of a video:
//! `WORKSPACE/FILE/FRAME`.

use labferry_model::{Problem, ProblemCode};
use percent_encoding::percent_decode_str;

/// The container of every file of the organisation. What is sent there belongs to no workspace.
pub(crate) const ALL: &str = "all";

/// Longest file name that is sent. The service names none; every file system keeps this many bytes.
pub(crate) const NAME_LIMIT: usize = 255;

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    Top,
    Container(&'a str),
    File { container: &'a str, id: &'a str },
    Frame { container: &'a str, id: &'a str, number: usize },
}

/// Reads a path; nothing for one that leads nowhere.
pub(crate) fn place(path: &str) -> Option<Place<'_>> {
    let pieces: Vec<&str> = path.split('/').collect();
    match pieces[..] {
        [""] => Some(Place::Top),
        [container] => Some(Place::Container(container)),
        [container, id] if !container.is_empty() && !id.is_empty() => Some(Place::File { container, id }),
        [container, id, frame] if !container.is_empty() && !id.is_empty() => {
            let number = frame.strip_prefix("frame-")?.split('.').next()?.parse().ok()?;
            (number > 0).then_some(Place::Frame { container, id, number })
        }
        _ => None,
    }
}

/// The workspace of a container; none for the organisation's.
pub(crate) fn workspace(container: &str) -> Option<&str> {
    (container != ALL).then_some(container)
}

/// Whether a file was named by a link, for the service to fetch it.
pub(crate) fn is_link(original: &str) -> bool {
    original.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

/// What people call a file: the name it was sent under, of a link or a whole path only the last piece.
pub(crate) fn display_name(original: Option<&str>, object: Option<&str>, id: &str) -> String {
    let last = |text: &str, separators: &[char]| {
        text.trim_end_matches(separators).rsplit(separators).next().unwrap_or_default().to_owned()
    };
    let named = original.map(|original| {
        let is_drive = original.as_bytes().get(1..3) == Some(b":\\") || original.starts_with("\\\\");
        if is_link(original) {
            let path = original.split(['?', '#']).next().unwrap_or_default();
            let path = path.split_once("://").map_or("", |(_, rest)| rest);
            let piece = path.split_once('/').map(|(_, path)| last(path, &['/'])).unwrap_or_default();
            percent_decode_str(&piece).decode_utf8_lossy().into_owned()
        } else if is_drive {
            last(original, &['\\', '/'])
        } else if original.starts_with('/') {
            last(original, &['/'])
        } else {
            original.to_owned()
        }
    });
    named
        .filter(|name| !name.is_empty())
        .or_else(|| object.map(|object| last(object, &['/'])).filter(|name| !name.is_empty()))
        .unwrap_or_else(|| id.to_owned())
}

/// Names that would not come back as they were sent. `in_form` for those that go into a form.
pub(crate) fn check_name(name: &str, in_form: bool) -> Result<(), Problem> {
    let refused = |why: &str| Err(Problem::new(ProblemCode::NameRefused).about(name).because(why));
    if name.is_empty() {
        return refused("the name is empty");
    }
    if name.len() > NAME_LIMIT {
        return refused("the name has more than 255 bytes");
    }
    if name.chars().any(char::is_control) {
        return refused("the name holds control characters");
    }
    if name.split('/').any(|piece| matches!(piece, "" | "." | "..")) {
        return refused("a part of the name between \"/\" is empty, \".\" or \"..\"");
    }
    if display_name(Some(name), None, "") != name {
        return refused("it looks like a link or a path of Windows, which Aymara AI shows by its last part");
    }
    if in_form && name.contains('"') {
        return refused("a quotation mark does not come through a form; send to links instead");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read() {
        assert_eq!(place(""), Some(Place::Top));
        assert_eq!(place("w"), Some(Place::Container("w")));
        assert_eq!(place("w/f"), Some(Place::File { container: "w", id: "f" }));
        assert_eq!(place("w/f/frame-0012.jpg"), Some(Place::Frame { container: "w", id: "f", number: 12 }));
        for bad in ["/f", "w/", "w/f/x", "w/f/frame-0", "w/f/frame-1/x"] {
            assert_eq!(place(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_file_is_called_by_what_it_was_sent_as() {
        let name = |original: &str| display_name(Some(original), Some("u_raw.mp4"), "u");
        assert_eq!(name("a b.csv"), "a b.csv");
        assert_eq!(name("run 1/a.csv"), "run 1/a.csv");
        assert_eq!(name("/home/me/a.csv"), "a.csv");
        assert_eq!(name("C:\\data\\a.csv"), "a.csv");
        assert_eq!(name("https://h/x/a%20b.csv?sig=1"), "a b.csv");
        assert_eq!(name("https://h"), "u_raw.mp4");
        assert_eq!(display_name(None, Some("dir/u.png"), "u"), "u.png");
        assert_eq!(display_name(None, None, "u"), "u");
    }

    #[test]
    fn names_that_would_come_back_changed_are_refused() {
        for good in ["a.csv", "Größe.tif", "run 1/a", "100%.txt", "a+b&c=d", "back\\slash", "a?b#c"] {
            assert!(check_name(good, false).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "/a", "a/", "a//b", "a/../b", "a\nb", "C:\\a", "https://h/a", "\\\\h\\a"] {
            assert!(check_name(bad, false).is_err(), "{bad}");
        }
        assert!(check_name("a\"b", false).is_ok() && check_name("a\"b", true).is_err());
    }
}
