//! Answers of storage hosts that leave out what is needed.

use crate::{bench::content, field::Field, shapes::Shape};
use labferry_model::{ClashPolicy, Direction};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_is_taken_without_its_etag_is_sent_once_more() {
    let field = Field::new().await;
    for shape in [Shape::ArunaParts, Shape::NrpSignedParts] {
        field.switch(shape).await;
        let name = format!("{}.bin", shape.account());
        let bytes = content(17_000, 3);
        std::fs::write(field.path(&name), &bytes).unwrap();
        // Answered before any work is done: the bytes are not there, and the answer does not say under what they are.
        let rule = json!({ "match": shape.sends(), "times": 1, "do": { "status": 200, "body": "" } });
        field.post("/faults", json!([rule])).await;
        field.requests().await;
        let (place, local) = (field.place(shape), field.path(&name));
        let id = field.add(shape, Direction::Upload, &place, &name, local, ClashPolicy::Ask).await;
        let state = field.settle(shape, id).await;
        assert!(state.is_green(), "{shape:?}: {state:?}");
        let files = field.stored(shape, &name).await;
        assert_eq!(field.bytes(&files[0]).await.as_deref(), Some(bytes.as_slice()), "{shape:?}");
        if shape == Shape::ArunaParts {
            // Five parts and the one that came to nothing: nothing else was sent twice.
            let sends = field.requests().await.iter().filter(|request| shape.is_send(request)).count();
            assert_eq!(sends, 6);
        }
    }
    field.stop().await;
}
