use crate::bench::{Bench, PASSPHRASE, bytes, client, with_file};
use labferry_app::App;
use labferry_sandbox::LabService;
use serde_json::{Value, json};
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

/// A link that somebody could use: its signature, and not merely the word.
fn signed_link_in(bytes: &[u8]) -> bool {
    const NAME: &[u8] = b"X-Amz-Signature=";
    let is_signature = |value: &[u8]| value.len() >= 16 && value[..16].iter().all(u8::is_ascii_hexdigit);
    let mut windows = bytes.windows(NAME.len()).enumerate();
    windows.any(|(at, window)| window == NAME && is_signature(&bytes[at + NAME.len()..]))
}

/// The services whose bytes go to a storage of another address, by signed links.
const WITH_STORAGE: [&str; 4] = ["airalogy", "aruna", "aymara", "nrp"];

/// What a storage answers that refuses a link and repeats it, as S3 servers do.
fn repeats_the_link(status: u16) -> Value {
    let link = format!("https://store.example/x?X-Amz-Signature={}", "b2".repeat(32));
    let body = format!("<Error><Code>AccessDenied</Code><Resource>{link}</Resource></Error>");
    let rule = |method: &str| {
        json!({ "match": { "door": "storage", "method": method }, "times": 0,
                "do": { "status": status, "body": body } })
    };
    json!([rule("PUT"), rule("POST"), rule("GET")])
}

/// Where files of a service's practice account go.
async fn place_of(app: &App, service: &LabService) -> String {
    match &service.example_place {
        Some(place) => place.clone(),
        None => {
            let request =
                json!({ "account": service.service, "path": "", "metadata": { "title": "Secrets" } });
            app.call("records.create", request).await.unwrap()["path"].as_str().unwrap().to_owned()
        }
    }
}

/// Every service, signed in, sends a file, fetches it again and is refused another one with an answer that repeats the
/// credential. Neither a secret nor a signed link is in a file, the log or an answer then.
#[tokio::test]
async fn no_secret_and_no_signed_link_is_found_in_a_file_a_log_or_an_answer() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let bench = Bench::without_account().await;
    bench.app.stop().await;
    let app = App::open(with_file(&bench.data).await).await.unwrap();
    let services = bench.lab.description().services.clone();
    assert_eq!(services.len(), 5, "all of them");
    let faults = format!("{}/faults", bench.lab.description().control_url);
    let switches = format!("{}/switches?service=nrp", bench.lab.description().control_url);
    client().post(switches).json(&json!({ "storage": "signed" })).send().await.unwrap();
    let mut answers = String::new();
    for service in &services {
        let account = service.service.as_str();
        app.call("accounts.add", bench.account_of(account, account)).await.unwrap();
        let place = place_of(&app, service).await;
        let sent = async |name: &str, shape: &str| {
            let file = bench.work.file(&format!("{account}/{name}"), &bytes(50_000));
            let request = json!({ "sources": [file], "account": account, "place": place, "shape": shape });
            let queued = app.call("uploads.add", request).await.unwrap();
            let ids: Vec<i64> = serde_json::from_value(queued["ids"].clone()).unwrap();
            app.run_until_settled(&ids).await.unwrap();
            app.call("transfers.show", json!({ "id": ids[0] })).await.unwrap()
        };
        // In parts by signed links where the service has them.
        let in_parts = if account == "nrp" { "parts" } else { "auto" };
        let row = sent("data.bin", in_parts).await;
        assert_eq!(row["row"]["state"], "done", "{account}: {row}");
        answers += &row.to_string();

        let listed = app.call("browse.list", json!({ "account": account, "path": place })).await.unwrap();
        let files = listed["entries"].as_array().unwrap().iter().map(|entry| &entry["file"]);
        if let Some(path) = files.clone().find(|file| file["name"] == "data.bin").map(|file| &file["path"]) {
            let destination = bench.work.path().join(format!("got/{account}/"));
            let request = json!({ "account": account, "paths": [path], "destination": destination });
            let queued = app.call("downloads.add", request).await.unwrap();
            let ids: Vec<i64> = serde_json::from_value(queued["ids"].clone()).unwrap();
            app.run_until_settled(&ids).await.unwrap();
            answers += &app.call("transfers.show", json!({ "id": ids[0] })).await.unwrap().to_string();
        }

        // The refusal repeats every secret of the account, as a careless server does.
        let told: Vec<&String> = service.secrets.values().collect();
        let body =
            format!("no rights for {told:?} at https://store.example/x?X-Amz-Signature={}", "a1".repeat(32));
        // The storage never saw the credential and cannot repeat it.
        let rule = json!({ "match": { "service": account, "method": "POST", "door": "service" }, "times": 0,
                           "do": { "status": 400, "body": body } });
        let put = json!({ "match": { "service": account, "method": "PUT", "door": "service" }, "times": 0,
                          "do": { "status": 400, "body": body } });
        client().post(&faults).json(&json!([rule, put])).send().await.unwrap();
        let refused = sent("refused.bin", "auto").await;
        assert_ne!(refused["row"]["state"], "done", "{account}: {refused}");
        answers += &refused.to_string();
        client().delete(&faults).send().await.unwrap();
        // The storage refuses too. A link of an hour ago is asked for anew and tried again, so this one ends in words only
        // where no fresh link helps.
        for status in [401, 403, 400].into_iter().filter(|_| WITH_STORAGE.contains(&account)) {
            client().post(&faults).json(&repeats_the_link(status)).send().await.unwrap();
            let refused = sent(&format!("refused-by-storage-{status}.bin"), in_parts).await;
            assert_ne!(refused["row"]["state"], "done", "{account}, {status}: {refused}");
            answers += &refused.to_string();
            client().delete(&faults).send().await.unwrap();
        }
        for (command, request) in [
            ("accounts.test", json!({ "account": account })),
            ("browse.show", json!({ "account": account, "path": place })),
        ] {
            answers += &match app.call(command, request).await {
                Ok(answer) => answer.to_string(),
                Err(problem) => format!("{problem:?}"),
            };
        }
        answers += &listed.to_string();
    }
    for (command, request) in
        [("accounts.list", json!({})), ("receipts.list", json!({})), ("events.since", json!({ "number": 0 }))]
    {
        answers += &app.call(command, request).await.unwrap().to_string();
    }

    // While the database is open its newest pages are in the write-ahead log; both are looked at.
    let files = bench.data.files();
    assert!(files.iter().any(|path| path.ends_with("labferry.db")), "{files:?}");
    let mut looked_at: Vec<(String, Vec<u8>)> =
        files.iter().map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
    app.stop().await;
    let logged = log.0.lock().unwrap().clone();
    assert!(logged.len() > 1_000, "the log was heard");
    looked_at.push(("the log".to_owned(), logged));
    looked_at.push(("an answer".to_owned(), answers.into_bytes()));
    let of_accounts = services.iter().flat_map(|service| {
        let named =
            |(field, secret): (&String, &String)| (format!("{} {field}", service.service), secret.clone());
        service.secrets.iter().map(named).collect::<Vec<_>>()
    });
    let passphrase = ("the passphrase".to_owned(), PASSPHRASE.to_owned());
    let secrets: Vec<_> = of_accounts.chain([passphrase]).filter(|(_, secret)| secret.len() >= 8).collect();
    assert!(secrets.len() > 5, "every account has one");
    for (what, bytes) in &looked_at {
        for (whose, secret) in &secrets {
            assert!(!holds(bytes, secret), "{what} holds {whose}");
        }
        assert!(!signed_link_in(bytes), "{what} holds a signed link");
    }
}
