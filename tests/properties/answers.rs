//! Whatever JSON a service answers with, a connector says yes or no to it; it never panics and never hangs.

use crate::{cases, one_of, text};
use futures_util::TryStreamExt;
use labferry_app::SystemClock;
use labferry_connector_airalogy::Airalogy;
use labferry_connector_aruna::Aruna;
use labferry_connector_aymara::Aymara;
use labferry_connector_kaleidoscope::Kaleidoscope;
use labferry_connector_nrp::Nrp;
use labferry_model::{Metadata, Problem, Secret, Secrets};
use labferry_provider::{
    ByteRange, ConnectRequest, ListRequest, Provider, SecretKeeper, Service, ShapeWish, UploadRequest,
};
use labferry_sandbox::{LabService, Sandbox, SandboxOptions};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};

struct Kept(Secrets);

#[async_trait::async_trait]
impl SecretKeeper for Kept {
    async fn read(&self) -> Result<Secrets, Problem> {
        Ok(self.0.clone())
    }

    async fn write(&self, _: Secrets) -> Result<(), Problem> {
        Ok(())
    }
}

/// Words that mean something in the answer of some service.
const KEYS: [&str; 48] = [
    "id",
    "links",
    "self",
    "files",
    "entries",
    "key",
    "size",
    "checksum",
    "status",
    "hits",
    "total",
    "content",
    "file_uuid",
    "file_url",
    "object",
    "objects",
    "etag",
    "url",
    "name",
    "filename",
    "file_name",
    "file_id",
    "parts",
    "next",
    "errors",
    "code",
    "message",
    "metadata",
    "title",
    "transfer",
    "type",
    "mimetype",
    "values",
    "field_id",
    "resource",
    "record_id",
    "access_token",
    "expires_in",
    "hash",
    "hashes",
    "alg",
    "collection",
    "collections",
    "projects",
    "contentLen",
    "uploadId",
    "objectId",
    "created",
];

fn value(random: &mut fastrand::Rng, depth: u32) -> Value {
    let words = [
        "completed",
        "pending",
        "STATUS_AVAILABLE",
        "md5:0",
        "2026-01-01T00:00:00Z",
        "http://[::1",
        "L",
        "M",
    ];
    match random.u8(0..if depth == 0 { 7 } else { 11 }) {
        0 => Value::Null,
        1 => random.bool().into(),
        2 => one_of(random, &[json!(0), json!(-1), json!(1.5e300), json!(u64::MAX), json!("9e99")]),
        3 => random.i64(..).into(),
        4 => text(random).into(),
        5 | 6 => one_of(random, &words).into(),
        7 | 8 => (0..random.usize(0..4)).map(|_| value(random, depth - 1)).collect(),
        _ => {
            let members = (0..random.usize(0..9))
                .map(|_| (one_of(random, &KEYS).to_owned(), value(random, depth - 1)))
                .collect::<Map<_, _>>();
            Value::Object(members)
        }
    }
}

fn connect(connector: &dyn Service, service: &LabService) -> Arc<dyn Provider> {
    let secrets = service.secrets.iter().map(|(name, text)| (name.clone(), Secret::new(text.clone())));
    let request = ConnectRequest {
        url: service.url.clone(),
        settings: service.settings.clone(),
        secrets: Arc::new(Kept(secrets.collect())),
        clock: Arc::new(SystemClock::default()),
        stall: Duration::from_secs(5),
        connect: Duration::from_secs(5),
    };
    connector.connect(request).unwrap()
}

/// Every question that has an answer to read.
async fn ask_everything(provider: &dyn Provider, place: &str) {
    let path = format!("{place}/a.bin");
    let _ = provider.capabilities().await;
    let _ = provider.check_sign_in().await;
    for path in ["", place] {
        let _ = provider.list(&ListRequest { path: path.into(), limit: 10, ..Default::default() }).await;
    }
    let _ = provider.describe(place).await;
    let _ = provider.describe(&path).await;
    let _ = provider.find_file(place, "a.bin").await;
    let _ = provider.leftovers(place).await;
    let _ = provider.temporary_link(&path).await;
    let _ = provider.actions(&path).await;
    let range = Some(ByteRange { offset: 1, length: 5 });
    if let Ok(download) = provider.open_download(&path, range, None).await {
        let _ = download.stream.try_for_each(|_| std::future::ready(Ok(()))).await;
    }
    for shape in [ShapeWish::whole(7), ShapeWish { in_parts: true, part_size: 5 << 20, part_count: 2 }] {
        let request = UploadRequest {
            container: place.into(),
            name: "a.bin".into(),
            size: 6 << 20,
            shape,
            media_type: None,
            metadata: Metadata::new(),
        };
        if let Ok(session) = provider.begin_upload(&request).await {
            let _ = provider.received_parts(&session).await;
            let _ = provider.finish_upload(&session, &[]).await;
            let _ = provider.abandon_upload(&session).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_makes_a_connector_panic_or_hang() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Sandbox::start(SandboxOptions::new(folder.path())).await.unwrap();
    drop(rustls::crypto::ring::default_provider().install_default());
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let faults = format!("{}/faults", lab.description().control_url);
    let connectors: [(&str, &dyn Service); 5] = [
        ("nrp", &Nrp),
        ("airalogy", &Airalogy),
        ("aymara", &Aymara),
        ("aruna", &Aruna),
        ("kaleidoscope", &Kaleidoscope),
    ];
    for seed in 0..cases(12) {
        let mut random = fastrand::Rng::with_seed(seed);
        for (key, connector) in connectors {
            let service = lab.description().services.iter().find(|service| service.service == key).unwrap();
            let provider = connect(connector, service);
            let place = service.example_place.clone().unwrap();
            // From some request on, everything is answered with what nobody would think of.
            let status = one_of(&mut random, &[200, 200, 200, 201, 400, 404, 500]);
            let rule = json!([{ "match": { "service": key, "nth": random.u32(1..6) }, "times": 0,
                "do": { "status": status, "body": value(&mut random, 5) } }]);
            http.post(&faults).json(&rule).send().await.unwrap().error_for_status().unwrap();
            let asking = ask_everything(provider.as_ref(), &place);
            let ended = tokio::time::timeout(Duration::from_secs(30), asking).await;
            assert!(ended.is_ok(), "seed {seed}: {key} hangs over {rule}");
            http.delete(&faults).send().await.unwrap();
        }
    }
    lab.stop().await;
}
