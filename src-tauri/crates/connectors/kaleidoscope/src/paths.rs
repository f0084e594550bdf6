//! Paths of this connector. Files end in their id; everything before is the container.
//!
//! | path | what |
//! |---|---|
//! | (empty) | the activities at the top |
//! | `activities/A` | an activity: what is below it, its records, its properties that take files |
//! | `activities/A/properties/P` | such a property |
//! | `activities/A/files` | files handed over for registration; any file of the activity by its id |
//! | `activities/A/records/R`, `records/R` | a record, within an activity or not |
//! | `…/R/fields/F` | a record's field that takes files |
//! | `records`, `files` | all records; any file by its id |

use labferry_model::ProblemCode;
use labferry_provider::{Advice, ProviderError, ProviderResult};

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Top,
    Activity(String),
    Property { activity: String, property: String },
    Records { activity: Option<String> },
    Record { activity: Option<String>, record: String, field: Option<String> },
    Files { activity: Option<String> },
}

/// A container, or a file in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) place: Place,
    /// The file's id; a name is understood as well.
    pub(crate) file: Option<String>,
}

impl Place {
    /// The path of the container.
    pub(crate) fn path(&self) -> String {
        let below = |activity: &Option<String>, rest: &str| match activity {
            Some(activity) => format!("activities/{activity}/{rest}"),
            None => rest.to_owned(),
        };
        match self {
            Self::Top => String::new(),
            Self::Activity(activity) => format!("activities/{activity}"),
            Self::Property { activity, property } => format!("activities/{activity}/properties/{property}"),
            Self::Records { activity } => below(activity, "records"),
            Self::Record { activity, record, field } => {
                let path = below(activity, &format!("records/{record}"));
                match field {
                    Some(field) => format!("{path}/fields/{field}"),
                    None => path,
                }
            }
            Self::Files { activity } => below(activity, "files"),
        }
    }

    /// The path of a file in it.
    pub(crate) fn file_path(&self, id: &str) -> String {
        format!("{}/{id}", self.path())
    }
}

/// Reads a path.
pub(crate) fn parse(operation: &'static str, path: &str) -> ProviderResult<Spot> {
    let refuse = || {
        ProviderError::new(operation, ProblemCode::InvalidRequest, Advice::Stop)
            .about(path)
            .because("it names nothing here; paths begin with activities/, records/ or files/ and an id")
    };
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    if segments.iter().any(|segment| matches!(*segment, "." | "..")) {
        return Err(refuse());
    }
    let (activity, rest) = match segments.as_slice() {
        [] | ["activities"] => return Ok(Spot { place: Place::Top, file: None }),
        ["activities", activity] => {
            return Ok(Spot { place: Place::Activity((*activity).to_owned()), file: None });
        }
        ["activities", activity, rest @ ..] => (Some((*activity).to_owned()), rest),
        rest => (None, rest),
    };
    let (place, file): (Place, &[&str]) = match (rest, &activity) {
        (["properties", property, file @ ..], Some(activity)) => {
            (Place::Property { activity: activity.clone(), property: (*property).to_owned() }, file)
        }
        (["records"], _) => (Place::Records { activity }, &[]),
        (["records", record, "fields", field, file @ ..], _) => {
            let (record, field) = ((*record).to_owned(), Some((*field).to_owned()));
            (Place::Record { activity, record, field }, file)
        }
        (["records", record, file @ ..], _) => {
            (Place::Record { activity, record: (*record).to_owned(), field: None }, file)
        }
        (["files", file @ ..], _) => (Place::Files { activity }, file),
        _ => return Err(refuse()),
    };
    match file {
        [] => Ok(Spot { place, file: None }),
        [file] => Ok(Spot { place, file: Some((*file).to_owned()) }),
        _ => Err(refuse()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_they_are_written() {
        for path in [
            "",
            "activities/a",
            "activities/a/properties/p",
            "activities/a/records/r",
            "activities/a/records/r/fields/f",
            "activities/a/files",
            "records",
            "records/r/fields/f",
            "files",
        ] {
            let spot = parse("test", path).unwrap();
            assert_eq!((spot.place.path().as_str(), spot.file), (path, None));
        }
        let spot = parse("test", "activities/a/records/r/fields/f/id").unwrap();
        assert_eq!(spot.place.file_path("id"), "activities/a/records/r/fields/f/id");
        assert_eq!(parse("test", "records/r/scan.csv").unwrap().file.as_deref(), Some("scan.csv"));
        assert_eq!(parse("test", "files/id").unwrap().file.as_deref(), Some("id"));
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for path in
            ["x", "properties/p", "activities/a/x", "files/a/b", "records/r/fields/f/a/b", "records/../files"]
        {
            assert_eq!(parse("test", path).unwrap_err().problem.code, ProblemCode::InvalidRequest, "{path}");
        }
    }
}
