//! Opening a database that this program did not write, or not this version of it.

use super::Folder;
use crate::{DataFolder, Store, StoreError, store::STEPS};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

/// Makes the database look as a later version leaves it: one more step applied.
async fn age(database: &std::path::Path, version: i64) {
    let mut connection =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(database)).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (?, 'later', 1, x'00', 0)",
    )
    .bind(version)
    .execute(&mut connection)
    .await
    .unwrap();
    // The last to close folds the log in, so that the file holds everything and can be compared.
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_stays_as_it_is() {
    let folder = Folder::new();
    folder.store().await.close().await;
    let data = DataFolder::open(&folder.0).unwrap();
    let database = data.database();
    let later = STEPS.iter().map(|(version, ..)| version).max().unwrap() + 1;
    age(&database, later).await;
    let before = std::fs::read(&database).unwrap();

    let error = Store::open(&data).await.err().expect("a newer schema is refused");
    assert!(matches!(error, StoreError::Newer { .. }), "{error:?}");
    let words = error.to_string();
    assert!(words.contains(&database.display().to_string()), "{words}");
    assert!(words.contains("newer"), "{words}");
    assert!(std::fs::read(&database).unwrap() == before, "the file was changed");
}
