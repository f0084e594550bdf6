//! A file inside a form (`multipart/form-data`, RFC 7578), streamed and of exactly the announced length.

use crate::provider::PartBody;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

/// What goes into the form around the file.
#[derive(Debug, Clone)]
pub struct MultipartForm {
    /// Text fields, in order, before the file.
    pub fields: Vec<(String, String)>,
    /// The name of the file's field.
    pub file_field: String,
    /// The file's name as it is told.
    pub file_name: String,
    /// The file's media type.
    pub media_type: String,
}

impl MultipartForm {
    /// The body of the form around these bytes, and its `Content-Type`. `boundary` must not occur in the content: a random
    /// one of 32 hexadecimal digits does not.
    #[must_use]
    pub fn around(&self, file: PartBody, boundary: &str) -> (String, PartBody) {
        let mut before = String::new();
        for (name, value) in &self.fields {
            let name = escaped(name);
            before.push_str(&format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        before.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
            escaped(&self.file_field),
            escaped(&self.file_name),
            self.media_type.replace(['\r', '\n'], " "),
        ));
        let after = format!("\r\n--{boundary}--\r\n");
        let length = before.len() as u64 + file.length + after.len() as u64;
        let text = |text: String| stream::iter([Ok(Bytes::from(text))]);
        let stream = text(before).chain(file.stream).chain(text(after)).boxed();
        let body = PartBody { length, md5: None, stream };
        (format!("multipart/form-data; boundary={boundary}"), body)
    }
}

/// A name inside quotes, as browsers write it (WHATWG HTML, "escape a multipart form data name").
fn escaped(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt;

    #[tokio::test]
    async fn the_announced_length_is_the_form_s() {
        let form = MultipartForm {
            fields: vec![("protocol".into(), "p".into())],
            file_field: "file".into(),
            file_name: "a\"b\r\n.txt".into(),
            media_type: "text/plain".into(),
        };
        let file = PartBody {
            length: 5,
            md5: None,
            stream: stream::iter([Ok(Bytes::from_static(b"hello"))]).boxed(),
        };
        let (kind, body) = form.around(file, "XX");
        assert_eq!(kind, "multipart/form-data; boundary=XX");
        let length = body.length;
        let pieces: Vec<Bytes> = body.stream.try_collect().await.unwrap();
        let text = String::from_utf8(pieces.concat()).unwrap();
        assert_eq!(text.len() as u64, length);
        assert_eq!(
            text,
            "--XX\r\nContent-Disposition: form-data; name=\"protocol\"\r\n\r\np\r\n--XX\r\nContent-Disposition: form-data; \
             name=\"file\"; filename=\"a%22b%0D%0A.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--XX--\r\n"
        );
    }
}
