//! Settings: a JSON value by key. What the keys mean is the app's knowledge.

use crate::{
    columns::{from_json, json},
    error::StoreError,
    store::Store,
};
use serde::{Serialize, de::DeserializeOwned};

impl Store {
    /// The value of that key.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] naming the key when the value is not of that type.
    pub async fn setting<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let mut connection = self.reader().await?;
        let text: Option<String> = sqlx::query_scalar("SELECT value FROM settings WHERE key = ?")
            .bind(key)
            .fetch_optional(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        let value = text.map(|text| from_json(&format!("setting {key}"), &text)).transpose();
        value.map_err(|error| self.failed(error))
    }

    /// Sets the value of that key.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn set_setting<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        let text = json(value).map_err(|error| self.failed(error))?;
        let key = key.to_owned();
        self.write(move |work| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO settings (key, value) VALUES (?, ?)
                     ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                )
                .bind(key)
                .bind(text)
                .execute(&mut work.connection)
                .await?;
                Ok(())
            })
        })
        .await
    }
}
