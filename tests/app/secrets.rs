use crate::bench::{Bench, PASSPHRASE, bytes, with_file};
use labferry_app::App;
use serde_json::json;
use std::{
    io,
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::MakeWriter;

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

#[tokio::test]
async fn a_token_is_found_in_no_file_no_log_and_no_answer() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let bench = Bench::without_account().await;
    let token = bench.token();
    bench.app.stop().await;
    let app = App::open(with_file(&bench.data).await).await.unwrap();
    app.call("accounts.add", bench.account("nrp")).await.unwrap();
    let request = json!({ "account": "nrp", "path": "", "metadata": { "title": "Secrets" } });
    let place = app.call("records.create", request).await.unwrap()["path"].clone();
    let file = bench.work.file("data.bin", &bytes(50_000));
    let request = json!({ "sources": [file], "account": "nrp", "place": place });
    let queued = app.call("uploads.add", request).await.unwrap();
    let ids: Vec<i64> = serde_json::from_value(queued["ids"].clone()).unwrap();
    app.run_until_settled(&ids).await.unwrap();
    let row = app.call("transfers.show", json!({ "id": ids[0] })).await.unwrap();
    assert_eq!(row["row"]["verified"], true, "{row}");
    let mut answers = row.to_string();
    for (command, request) in [
        ("accounts.list", json!({})),
        ("accounts.test", json!({ "account": "nrp" })),
        ("receipts.list", json!({})),
        ("events.since", json!({ "number": 0 })),
    ] {
        answers += &app.call(command, request).await.unwrap().to_string();
    }
    assert!(!answers.contains(&token));

    // While the database is open its newest pages are in the write-ahead log; both are looked at.
    let files = bench.data.files();
    assert!(files.iter().any(|path| path.ends_with("labferry.db")), "{files:?}");
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        for word in [token.as_str(), PASSPHRASE] {
            assert!(!holds(&bytes, word), "{} holds a secret", path.display());
        }
    }
    app.stop().await;
    let logged = log.0.lock().unwrap().clone();
    assert!(logged.len() > 1_000, "the log was heard");
    assert!(!holds(&logged, &token) && !holds(&logged, PASSPHRASE), "a secret was logged");
}
