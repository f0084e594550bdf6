//! Looking into a file: never more than was asked for, whatever the service sends.

use super::{
    bench::{Bench, content},
    service::{FakeService, Fault},
};
use labferry_model::ProblemCode;

async fn bench_with(faults: &'static [Fault]) -> Bench {
    let mut number = 0;
    let bench = Bench::new(FakeService::new(move |operation| {
        number += usize::from(operation == "open download");
        if operation == "open download" {
            faults.get(number - 1).copied().unwrap_or(Fault::None)
        } else {
            Fault::None
        }
    }))
    .await;
    bench.service.world().files.insert("a".into(), content(1_000));
    bench
}

#[tokio::test]
async fn the_beginning_comes_as_one_range_and_a_short_file_whole() {
    let bench = bench_with(&[]).await;
    let account = "lab".parse().unwrap();
    let peek = bench.engine().peek(&account, "r/a", Some(1_000), 100).await.unwrap();
    assert_eq!((peek.bytes, peek.whole), (content(1_000)[..100].to_vec(), false));
    assert_eq!(bench.service.world().given, 100);
    let peek = bench.engine().peek(&account, "r/a", Some(1_000), 5_000).await.unwrap();
    assert_eq!((peek.bytes, peek.whole), (content(1_000), true));
    let peek = bench.engine().peek(&account, "r/a", None, 5_000).await.unwrap();
    assert_eq!((peek.bytes.len(), peek.whole), (1_000, true), "the size is not known beforehand");
    let peek = bench.engine().peek(&account, "r/a", None, 300).await.unwrap();
    assert_eq!((peek.bytes.len(), peek.whole), (300, false));
    let requests = bench.service.world().requests;
    assert!(bench.engine().peek(&account, "r/a", Some(0), 300).await.unwrap().whole);
    assert_eq!(bench.service.world().requests, requests, "an empty file is not asked for");
}

#[tokio::test]
async fn a_body_that_is_longer_than_announced_is_not_read_on() {
    for size in [Some(1_000), Some(200), None] {
        let bench = bench_with(&[Fault::Endless]).await;
        let peek = bench.engine().peek(&"lab".parse().unwrap(), "r/a", size, 2_000).await.unwrap();
        assert_eq!((peek.bytes.len() as u64, peek.whole), (size.unwrap_or(2_000), false));
    }
}

#[tokio::test]
async fn a_service_without_ranges_and_a_broken_answer_do_not_show_half_a_beginning() {
    let mut service = FakeService::new(|_| Fault::None);
    service.ranges = false;
    let bench = Bench::new(service).await;
    bench.service.world().files.insert("a".into(), content(1_000));
    let account = "lab".parse().unwrap();
    let peek = bench.engine().peek(&account, "r/a", Some(1_000), 100).await.unwrap();
    assert_eq!((peek.bytes, peek.whole), (content(1_000)[..100].to_vec(), false));

    let bench = bench_with(&[Fault::AnswerLost, Fault::AnswerLost]).await;
    let peek = bench.engine().peek(&account, "r/a", Some(1_000), 600).await.unwrap();
    assert_eq!(peek.bytes, content(1_000)[..600].to_vec(), "it was asked for again");
    let problem = bench.engine().peek(&account, "r/none", Some(1_000), 600).await.unwrap_err();
    assert_eq!(problem.code, ProblemCode::NotFound);
}
