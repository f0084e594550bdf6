//! The service's JSON, as far as it is read.

use serde::Deserialize;

/// What an upload answers. The name stands beside the id as `filename` or `file_name`, and is ours anyway.
#[derive(Debug, Deserialize)]
pub(crate) struct Uploaded {
    pub(crate) id: String,
}

/// A temporary link.
#[derive(Deserialize)]
pub(crate) struct FileUrl {
    pub(crate) url: String,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_answer_are_read() {
        for text in
            [r#"{"id":"x","filename":"a"}"#, r#"{"id":"x","file_name":"a","size":3}"#, r#"{"id":"x"}"#]
        {
            assert_eq!(serde_json::from_str::<Uploaded>(text).unwrap().id, "x");
        }
    }
}
