//! Accounts: where they are and how they are set up. Their secrets are the vault's.

use crate::{
    columns::{json, json_at},
    error::StoreError,
    store::Store,
};
use labferry_model::{AccountName, Expiry, Timestamp, ToldBy};
use sqlx::{Row, sqlite::SqliteRow};
use std::collections::BTreeMap;

/// One account of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What its owner calls it.
    pub name: AccountName,
    /// The connector's name, such as `nrp`.
    pub service: String,
    /// The service's address.
    pub url: String,
    /// The other fields of the service's form, none of them secret.
    pub settings: BTreeMap<String, String>,
    /// When it was added.
    pub created: Timestamp,
    /// Whether it belongs to the practice lab.
    pub practice: bool,
    /// Until when its sign-in is good, where anybody said.
    pub expiry: Option<Expiry>,
}

impl Store {
    /// Adds an account.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when the name is taken.
    pub async fn add_account(&self, account: &Account) -> Result<(), StoreError> {
        let account = account.clone();
        self.write(move |work| {
            Box::pin(async move {
                let added = sqlx::query(
                    "INSERT INTO accounts (name, service, url, settings, created, practice, ends, ends_told_by)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
                )
                .bind(account.name.as_str())
                .bind(&account.service)
                .bind(&account.url)
                .bind(json(&account.settings)?)
                .bind(account.created.0)
                .bind(account.practice)
                .bind(account.expiry.map(|expiry| expiry.at.0))
                .bind(account.expiry.map(|expiry| expiry.told_by.name()))
                .execute(&mut work.connection)
                .await?;
                match added.rows_affected() {
                    0 => Err(StoreError::Exists(format!("account \"{}\"", account.name))),
                    _ => Ok(()),
                }
            })
        })
        .await
    }

    /// Changes everything of an account but its name and the time it was added.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none of that name.
    pub async fn update_account(&self, account: &Account) -> Result<(), StoreError> {
        let account = account.clone();
        self.write(move |work| {
            Box::pin(async move {
                let changed = sqlx::query(
                    "UPDATE accounts SET service = ?, url = ?, settings = ?, practice = ?, ends = ?, ends_told_by = ?
                     WHERE name = ?",
                )
                .bind(&account.service)
                .bind(&account.url)
                .bind(json(&account.settings)?)
                .bind(account.practice)
                .bind(account.expiry.map(|expiry| expiry.at.0))
                .bind(account.expiry.map(|expiry| expiry.told_by.name()))
                .bind(account.name.as_str())
                .execute(&mut work.connection)
                .await?;
                match changed.rows_affected() {
                    0 => Err(StoreError::NotFound(format!("account \"{}\"", account.name))),
                    _ => Ok(()),
                }
            })
        })
        .await
    }

    /// The account of that name.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn account(&self, name: &AccountName) -> Result<Option<Account>, StoreError> {
        let mut connection = self.reader().await?;
        let row = sqlx::query("SELECT * FROM accounts WHERE name = ?")
            .bind(name.as_str())
            .fetch_optional(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        row.as_ref().map(read).transpose().map_err(|error| self.failed(error))
    }

    /// All accounts, in the order they were added.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query("SELECT * FROM accounts ORDER BY created, name")
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// Removes an account; false when there is none of that name.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while transfers of it are not settled.
    pub async fn remove_account(&self, name: &AccountName) -> Result<bool, StoreError> {
        let name = name.clone();
        self.write(move |work| {
            Box::pin(async move {
                let unsettled: i64 = sqlx::query_scalar(
                    "SELECT count(*) FROM (SELECT 1 FROM transfers WHERE account = ? AND state IN
                     ('waiting', 'checking', 'planned', 'moving', 'finishing', 'verifying', 'paused') LIMIT 1000)",
                )
                .bind(name.as_str())
                .fetch_one(&mut work.connection)
                .await?;
                if unsettled > 0 {
                    let number = if unsettled < 1000 { unsettled.to_string() } else { "1000 or more".to_owned() };
                    return Err(StoreError::InUse(format!(
                        "the account \"{name}\" is needed by {number} unfinished transfers; finish or cancel them first"
                    )));
                }
                let removed = sqlx::query("DELETE FROM accounts WHERE name = ?")
                    .bind(name.as_str())
                    .execute(&mut work.connection)
                    .await?;
                Ok(removed.rows_affected() > 0)
            })
        })
        .await
    }
}

fn read(row: &SqliteRow) -> Result<Account, StoreError> {
    Ok(Account {
        name: row
            .try_get::<String, _>("name")?
            .parse()
            .map_err(|error| StoreError::unreadable("name", error))?,
        service: row.try_get("service")?,
        url: row.try_get("url")?,
        settings: json_at(row, "settings")?,
        created: Timestamp(row.try_get("created")?),
        practice: row.try_get("practice")?,
        expiry: expiry(row)?,
    })
}

fn expiry(row: &SqliteRow) -> Result<Option<Expiry>, StoreError> {
    let at: Option<i64> = row.try_get("ends")?;
    let told_by: Option<String> = row.try_get("ends_told_by")?;
    let told_by = match told_by.as_deref() {
        None => return Ok(None),
        Some("token") => ToldBy::Token,
        Some("person") => ToldBy::Person,
        Some(other) => return Err(StoreError::unreadable("ends_told_by", format!("\"{other}\" is unknown"))),
    };
    Ok(at.map(|at| Expiry { at: Timestamp(at), told_by }))
}
