//! What was proven, written for other programs and for the files of a lab.

use crate::{
    app::App,
    problem_text::{internal, invalid, words},
    uploads::absolute,
    wire::{answers::*, requests::*},
};
use jiff::Timestamp;
use labferry_model::{Problem, ProblemCode};
use std::path::Path;

impl App {
    /// Writes receipts, newest first, to the file a person chose, or gives them as text where none was chosen.
    ///
    /// # Errors
    /// A format there is not, a file that cannot be written, a database that cannot be read.
    pub async fn receipts_export(&self, request: ExportReceipts) -> Result<ExportedReceipts, ProblemWords> {
        let everything = ListReceipts { since: request.since, limit: u32::MAX };
        let mut receipts = self.receipts_list(everything).await?;
        receipts.retain(|row| {
            let is =
                |wanted: &Option<String>, told: &str| wanted.as_deref().is_none_or(|wanted| wanted == told);
            is(&request.account, &row.account)
                && is(&request.direction, &row.direction)
                && request.verified.is_none_or(|wanted| wanted == row.verified)
        });
        let text = match request.format.as_str() {
            "csv" => csv(&receipts),
            "json" => serde_json::to_string_pretty(&receipts).map_err(internal)?,
            "sha256sums" => sums(&receipts),
            other => return Err(invalid(format!("receipts are not written as \"{other}\""))),
        };
        let written = receipts.len() as u64;
        let Some(path) = request.path.as_deref().map(absolute).transpose()? else {
            return Ok(ExportedReceipts { text: Some(text), written });
        };
        tokio::task::spawn_blocking(move || write(&path, text.as_bytes()))
            .await
            .map_err(internal)?
            .map_err(|problem| words(&problem))?;
        Ok(ExportedReceipts { text: None, written })
    }
}

/// Writes beside the file first, so that a full disk leaves what was there.
fn write(path: &Path, text: &[u8]) -> Result<(), Problem> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    let beside = path.with_file_name(name);
    std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path)).map_err(|error| {
        drop(std::fs::remove_file(&beside));
        let full =
            matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
        let code = if full { ProblemCode::DiskFull } else { ProblemCode::FolderNotWritable };
        Problem::new(code).about(path.display().to_string()).because(error.to_string())
    })
}

/// Comma-separated values, RFC 4180, with a line of names.
#[must_use]
pub fn csv(receipts: &[ReceiptRow]) -> String {
    let head = "at,direction,account,service,place,name,local,size,proof,verified,sha256,md5";
    let mut text = format!("{head}\r\n");
    for row in receipts {
        let at = Timestamp::from_millisecond(row.at).map(|at| at.to_string()).unwrap_or_default();
        let (size, verified) = (row.size.to_string(), row.verified.to_string());
        let digest = |digest: &Option<String>| digest.clone().unwrap_or_default();
        let (sha256, md5) = (digest(&row.digests.sha256), digest(&row.digests.md5));
        let cells: [&str; 12] = [
            &at,
            &row.direction,
            &row.account,
            &row.service,
            &row.place,
            &row.name,
            &row.local,
            &size,
            &row.proof,
            &verified,
            &sha256,
            &md5,
        ];
        text.push_str(&cells.map(cell).join(","));
        text.push_str("\r\n");
    }
    text
}

/// A cell, quoted where RFC 4180 asks for it.
fn cell(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

/// Lines as `sha256sum` writes them (GNU coreutils manual, "md5 invocation"): a name with a backslash or an end of line
/// is escaped, and the line begins with a backslash then. Receipts without a SHA-256 are left out.
#[must_use]
pub fn sums(receipts: &[ReceiptRow]) -> String {
    let mut text = String::new();
    for row in receipts {
        let Some(hex) = &row.digests.sha256 else { continue };
        let escaped = row.local.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
        let mark = if escaped == row.local { "" } else { "\\" };
        text.push_str(&format!("{mark}{hex}  {escaped}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_in_their_cell_and_line() {
        assert_eq!(cell("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
        assert_eq!(cell("plain name"), "plain name");
    }
}
