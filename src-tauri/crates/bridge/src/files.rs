//! Files a browser gives: it knows no path on this computer, so the bytes are written to a folder of ours first.

use crate::Shared;
use axum::{
    Json,
    body::Body,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use std::{
    io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};
use tokio::{fs, io::AsyncWriteExt as _};

#[derive(Deserialize)]
pub(crate) struct Named {
    name: String,
}

#[derive(Serialize)]
struct Taken {
    path: PathBuf,
}

/// Writes the body to a file of that name, in a new folder of its own, so that equal names do not meet.
pub(crate) async fn take(
    State(shared): State<Arc<Shared>>,
    Query(Named { name }): Query<Named>,
    body: Body,
) -> Response {
    if !is_plain(&name) {
        let why = format!("\"{name}\" is not the name of a single file");
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    match write(&shared.options.files, &name, body).await {
        Ok(path) => Json(Taken { path }).into_response(),
        Err(error) => {
            let why = format!("{name} could not be kept in {}: {error}", shared.options.files.display());
            (StatusCode::INSUFFICIENT_STORAGE, why).into_response()
        }
    }
}

async fn write(folder: &Path, name: &str, body: Body) -> io::Result<PathBuf> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let own = folder.join(hex::encode(random));
    fs::create_dir_all(&own).await?;
    let path = own.join(name);
    let written = copy(body, &path).await;
    if written.is_err() {
        // A half-written file must not be mistaken for what the person chose.
        let _ = fs::remove_dir_all(&own).await;
    }
    written.map(|()| path)
}

async fn copy(body: Body, path: &Path) -> io::Result<()> {
    let mut file = fs::File::create_new(path).await?;
    let mut bytes = body.into_data_stream();
    while let Some(chunk) = bytes.next().await {
        file.write_all(&chunk.map_err(io::Error::other)?).await?;
    }
    file.sync_all().await
}

/// Whether the name is one file's and leads nowhere else.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(only)), None) if only == name)
        && !name.contains(['/', '\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn only_the_name_of_one_file_is_taken() {
        assert!(is_plain("scan 07.czi") && is_plain(".hidden") && is_plain("…"));
        for bad in ["", ".", "..", "a/b", "/etc/passwd", "a/", "..\\x", "a\0b"] {
            assert!(!is_plain(bad), "{bad:?}");
        }
    }
}
