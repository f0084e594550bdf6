use crate::bench::{Bench, Folder, bytes, options, with_file};
use labferry_app::{App, AppOptions, Own, Secret};
use serde_json::json;

#[tokio::test]
async fn one_process_owns_a_folder_and_another_adds_rows_to_it() {
    let bench = Bench::without_account().await;
    let data = Folder::new();
    let owner = App::open(with_file(&data).await).await.unwrap();
    assert_eq!(owner.call("app.state", json!({})).await.unwrap()["vault"], "encrypted_file");
    owner.call("accounts.add", bench.account("nrp")).await.unwrap();
    assert!(owner.owns());

    let must = AppOptions { own: Own::Must, ..options(&data) };
    let Err(problem) = App::open(must).await else { panic!("two owners") };
    assert_eq!(problem.code, "data_folder_busy");
    assert!(problem.message.contains(&data.path().display().to_string()), "{problem:?}");

    let second = App::open(with_file(&data).await).await.unwrap();
    assert!(!second.owns());
    assert_eq!(second.run_until_idle().await.unwrap_err().code, "data_folder_busy");

    owner.start_engine();
    let request = json!({ "account": "nrp", "path": "", "metadata": { "title": "From the second" } });
    let place = second.call("records.create", request).await.unwrap()["path"].clone();
    let file = bench.work.file("second.bin", &bytes(5_000));
    let request = json!({ "sources": [file], "account": "nrp", "place": place });
    let queued = second.call("uploads.add", request).await.unwrap();
    let ids: Vec<i64> = serde_json::from_value(queued["ids"].clone()).unwrap();
    second.run_until_settled(&ids).await.unwrap();
    let row = second.call("transfers.show", json!({ "id": ids[0] })).await.unwrap()["row"].clone();
    assert_eq!(row["verified"], true, "the owner moved it: {row}");
    assert!(!second.owns());

    // The owner ends: the second takes over what is left.
    owner.stop().await;
    let file = bench.work.file("third.bin", &bytes(6_000));
    let request = json!({ "sources": [file], "account": "nrp", "place": place });
    let queued = second.call("uploads.add", request).await.unwrap();
    let ids: Vec<i64> = serde_json::from_value(queued["ids"].clone()).unwrap();
    second.run_until_settled(&ids).await.unwrap();
    assert!(second.owns());
    second.stop().await;
}

#[tokio::test]
async fn a_wrong_passphrase_opens_nothing_and_says_which_file_it_does_not_fit() {
    let data = Folder::new();
    let right = with_file(&data).await;
    App::open(right.clone()).await.unwrap().stop().await;
    let wrong = AppOptions { passphrase: Some(Secret::new("another one")), ..right };
    let Err(problem) = App::open(wrong).await else { panic!("it opened") };
    assert_eq!(problem.code, "vault_locked");
    assert!(problem.message.contains("vault.json"), "{problem:?}");
    assert!(!format!("{problem:?}").contains("another one"), "{problem:?}");
}

#[tokio::test]
async fn folders_that_cannot_be_used_are_named() {
    let folder = Folder::new();
    let file = folder.file("a file", b"no folder");
    let Err(problem) = App::open(AppOptions { vault_in_memory: true, ..AppOptions::new(&file) }).await else {
        panic!("a file was opened as a data folder")
    };
    assert!(problem.message.contains("a file"), "{problem:?}");

    folder.file("labferry.db", b"this is no database, whatever its name says, and long enough to be read");
    let Err(problem) = App::open(options(&folder)).await else { panic!("it opened") };
    assert_eq!(problem.code, "database_failed");
    assert!(problem.message.contains("labferry.db"), "{problem:?}");
}
