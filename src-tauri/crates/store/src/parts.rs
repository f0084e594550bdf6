//! Receipts of the parts a service accepted.

use crate::{
    columns::{bytes, count_at},
    error::StoreError,
    store::Store,
};
use labferry_model::{PartPlan, PartReceipt, TransferId};
use sqlx::{Row, sqlite::SqliteRow};

impl Store {
    /// Stores a part's receipt and adds the part's bytes to the transfer's. A second receipt for the same part takes
    /// the first one's place: the service keeps what it got last.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such transfer.
    pub async fn add_receipt(&self, id: TransferId, receipt: &PartReceipt) -> Result<(), StoreError> {
        let receipt = receipt.clone();
        self.write(move |work| {
            Box::pin(async move {
                let length = bytes(receipt.part.length)?;
                let number = i64::from(receipt.part.number);
                let moved = sqlx::query(
                    "UPDATE transfers SET bytes_done = bytes_done + ?1
                     - ifnull((SELECT length FROM receipts WHERE transfer = ?2 AND number = ?3), 0) WHERE id = ?2",
                )
                .bind(length)
                .bind(id.0)
                .bind(number)
                .execute(&mut work.connection)
                .await?;
                if moved.rows_affected() == 0 {
                    return Err(StoreError::NotFound(format!("transfer {id}")));
                }
                sqlx::query("INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?)")
                    .bind(id.0)
                    .bind(number)
                    .bind(bytes(receipt.part.offset)?)
                    .bind(length)
                    .bind(i64::from(receipt.crc32c))
                    .bind(receipt.md5)
                    .bind(receipt.etag)
                    .execute(&mut work.connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// The receipts of a transfer, by part number.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn receipts(&self, id: TransferId) -> Result<Vec<PartReceipt>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query("SELECT * FROM receipts WHERE transfer = ? ORDER BY number")
            .bind(id.0)
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }
}

fn read(row: &SqliteRow) -> Result<PartReceipt, StoreError> {
    Ok(PartReceipt {
        part: PartPlan {
            number: count_at(row, "number")?,
            offset: count_at(row, "offset")?,
            length: count_at(row, "length")?,
        },
        crc32c: count_at(row, "crc32c")?,
        md5: row.try_get("md5")?,
        etag: row.try_get("etag")?,
    })
}
