//! Lists and single places.

use super::ends_with;
use crate::{
    content::{bytes, put, request},
    target::Target,
};
use labferry_model::{Container, Entry, Page, ProblemCode, RemoteFile};
use labferry_provider::{Advice, ListRequest, ListScope, Provider};
use std::collections::BTreeSet;

/// Whether the service can list what is there.
async fn lists(target: &Target, provider: &dyn Provider) -> bool {
    let facts = provider.capabilities().await.unwrap();
    assert!(facts.listable || !facts.records, "records that cannot be listed");
    target.offers("list", facts.listable)
}

/// Whether places for files are made by its users; otherwise an account has them from the beginning.
async fn makes_places(target: &Target, provider: &dyn Provider) -> bool {
    lists(target, provider).await && target.makes_records(provider).await
}

fn containers(page: Page) -> Vec<Container> {
    let container = |entry| match entry {
        Entry::Container { container } => container,
        Entry::File { file } => panic!("a file at the top: {file:?}"),
    };
    page.entries.into_iter().map(container).collect()
}

pub(crate) async fn files_of(provider: &dyn Provider, place: &str) -> Vec<RemoteFile> {
    let mut files = Vec::new();
    let mut request = ListRequest { path: place.into(), limit: 100, ..ListRequest::default() };
    loop {
        let page = provider.list(&request).await.unwrap();
        for entry in page.entries {
            match entry {
                Entry::File { file } => files.push(file),
                Entry::Container { container } => panic!("a container in a record: {container:?}"),
            }
        }
        match page.next {
            None => return files,
            next => request.page = next,
        }
    }
}

pub(crate) async fn nothing_is_an_empty_page(target: &Target) {
    let provider = target.connect();
    if !lists(target, &*provider).await {
        return;
    }
    // Another server's account may hold something.
    target.lab();
    if makes_places(target, &*provider).await {
        let page = provider.list(&ListRequest { limit: 10, ..ListRequest::default() }).await.unwrap();
        assert_eq!((page.entries.len(), page.total, page.next), (0, Some(0), None));
    }
    let place = target.place(&*provider).await;
    assert!(files_of(&*provider, &place).await.is_empty());
}

pub(crate) async fn one_record_is_listed(target: &Target) {
    let provider = target.connect();
    if !makes_places(target, &*provider).await {
        return;
    }
    // Another server's account may hold more.
    target.lab();
    let made = target.make(&*provider, &target.metadata("The only one")).await;
    let page = provider.list(&ListRequest { limit: 10, ..ListRequest::default() }).await.unwrap();
    assert_eq!((page.total, page.next.as_ref()), (Some(1), None));
    let listed = containers(page);
    assert_eq!((listed[0].path.as_str(), listed[0].title.as_str()), (made.path.as_str(), "The only one"));
    assert!(listed[0].writable);
}

pub(crate) async fn many_pages_hold_each_record_once(target: &Target) {
    let provider = target.connect();
    if !makes_places(target, &*provider).await {
        return;
    }
    // Another server's account may hold more.
    target.lab();
    let mut made = BTreeSet::new();
    for number in 0..7 {
        made.insert(target.make(&*provider, &target.metadata(&format!("Number {number}"))).await.path);
    }
    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    let mut request = ListRequest { limit: 3, ..ListRequest::default() };
    loop {
        let page = provider.list(&request).await.unwrap();
        assert_eq!(page.total, Some(7));
        let next = page.next.clone();
        sizes.push(page.entries.len());
        seen.extend(containers(page).into_iter().map(|container| container.path));
        assert!(sizes.len() <= 7, "the pages do not end");
        match next {
            None => break,
            next => request.page = next,
        }
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(seen.len(), 7, "no record twice");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), made);
}

pub(crate) async fn a_page_that_does_not_exist_is_refused(target: &Target) {
    let provider = target.connect();
    if !lists(target, &*provider).await {
        return;
    }
    for page in ["", "0", "-1", "second", "1&size=9"] {
        let request = ListRequest { page: Some(page.into()), limit: 5, ..ListRequest::default() };
        ends_with(provider.list(&request).await, ProblemCode::InvalidRequest, Advice::Stop);
    }
}

pub(crate) async fn files_are_listed_by_name(target: &Target) {
    let provider = target.connect();
    if !lists(target, &*provider).await {
        return;
    }
    let place = target.place(&*provider).await;
    for (name, size) in [("b.bin", 3), ("a.bin", 2), ("c.bin", 1)] {
        put(&*provider, &place, name, &bytes(size, size), None).await;
    }
    let files = files_of(&*provider, &place).await;
    let mut listed: Vec<_> = files.iter().map(|file| (file.name.as_str(), file.size)).collect();
    if !target.offers("sorted lists", listed.is_sorted()) {
        listed.sort();
    }
    let sizes = target.offers("sizes in lists", files.iter().all(|file| file.size.is_some()));
    let expected = [("a.bin", Some(2)), ("b.bin", Some(3)), ("c.bin", Some(1))];
    assert_eq!(listed, expected.map(|(name, size)| (name, size.filter(|_| sizes))));
    for file in files {
        let Entry::File { file: described } = provider.describe(&file.path).await.unwrap() else {
            panic!("{} is no file", file.path);
        };
        assert_eq!(
            (&described.path, &described.name, described.status),
            (&file.path, &file.name, file.status)
        );
        if sizes {
            assert_eq!(described, file);
        }
    }
    let Entry::Container { container } = provider.describe(&place).await.unwrap() else {
        panic!("the place is a file");
    };
    if target.offers("totals", container.files.is_some()) {
        assert_eq!(container.files, Some(3));
        assert_eq!(container.bytes.unwrap_or(6), 6);
    }
}

pub(crate) async fn what_does_not_exist_is_not_found(target: &Target) {
    let provider = target.connect();
    if !lists(target, &*provider).await {
        return;
    }
    let place = target.place(&*provider).await;
    ends_with(provider.describe(target.enrolment.absent_place).await, ProblemCode::NotFound, Advice::Stop);
    let file = format!("{place}/nothing.bin");
    ends_with(provider.describe(&file).await, ProblemCode::NotFound, Advice::Stop);
    let inside =
        ListRequest { path: target.enrolment.absent_place.into(), limit: 5, ..ListRequest::default() };
    ends_with(provider.list(&inside).await, ProblemCode::NotFound, Advice::Stop);
    let upload = request(target.enrolment.absent_place, "a.bin", 1, None);
    ends_with(provider.begin_upload(&upload).await, ProblemCode::NotFound, Advice::Stop);
    assert_eq!(provider.find_file(&place, "nothing.bin").await.unwrap(), None);
    if target.offers("delete", provider.capabilities().await.unwrap().delete) {
        ends_with(provider.delete(&file).await, ProblemCode::NotFound, Advice::Stop);
    }
}

/// A refusal of one place is no reason to ask for another token.
pub(crate) async fn the_record_of_somebody_else_is_not_mine(target: &Target) {
    let theirs = target.connect_as(target.colleague.clone());
    if !makes_places(target, &*theirs).await {
        return;
    }
    // Another server has more accounts and records than these.
    target.lab();
    let place = target.place(&*theirs).await;
    put(&*theirs, &place, "theirs.bin", &bytes(1, 10), None).await;
    let ours = target.connect();
    let file = format!("{place}/theirs.bin");
    let not_allowed = (ProblemCode::NotAllowed, Advice::Stop);
    ends_with(ours.describe(&place).await, not_allowed.0, not_allowed.1);
    ends_with(ours.describe(&file).await, not_allowed.0, not_allowed.1);
    let inside = ListRequest { path: place.clone(), limit: 5, ..ListRequest::default() };
    ends_with(ours.list(&inside).await, not_allowed.0, not_allowed.1);
    ends_with(ours.begin_upload(&request(&place, "a.bin", 1, None)).await, not_allowed.0, not_allowed.1);
    ends_with(ours.open_download(&file, None, None).await, not_allowed.0, not_allowed.1);
    ends_with(ours.delete(&file).await, not_allowed.0, not_allowed.1);
    ends_with(ours.delete(&place).await, not_allowed.0, not_allowed.1);
    ends_with(ours.publish(&place).await, not_allowed.0, not_allowed.1);
    assert!(target.lab().file("theirs.bin").await.is_some());
    let page = ours.list(&ListRequest { limit: 10, ..ListRequest::default() }).await.unwrap();
    assert!(page.entries.is_empty(), "{page:?}");
}

pub(crate) async fn words_find_a_record(target: &Target) {
    let provider = target.connect();
    if !makes_places(target, &*provider).await {
        return;
    }
    // Another server has more accounts and records than these.
    target.lab();
    for title in ["Spectra of quartz", "Growth of barley", "Images of quartz"] {
        target.make(&*provider, &target.metadata(title)).await;
    }
    let search = |words: &str| ListRequest { query: Some(words.into()), limit: 10, ..ListRequest::default() };
    let mut found: Vec<_> = containers(provider.list(&search("quartz")).await.unwrap())
        .into_iter()
        .map(|one| one.title)
        .collect();
    found.sort();
    assert_eq!(found, ["Images of quartz", "Spectra of quartz"]);
    assert!(provider.list(&search("feldspar")).await.unwrap().entries.is_empty());
    // Signs that mean something in a search or in an address break neither.
    for odd in ["\"", "a&page=2", "100% + x", "(", "#"] {
        provider.list(&search(odd)).await.unwrap();
    }
}

pub(crate) async fn published_records_of_others_are_seen(target: &Target) {
    let theirs = target.connect_as(target.colleague.clone());
    if !makes_places(target, &*theirs).await {
        return;
    }
    // Another server has more accounts and records than these.
    target.lab();
    let draft = target.place(&*theirs).await;
    let published = target.place(&*theirs).await;
    put(&*theirs, &published, "a.bin", &bytes(1, 10), None).await;
    theirs.publish(&published).await.unwrap();
    let request = ListRequest { scope: ListScope::Published, limit: 10, ..ListRequest::default() };
    let seen = containers(target.connect().list(&request).await.unwrap());
    assert_eq!(seen.iter().map(|one| &one.path).collect::<Vec<_>>(), [&published], "not the draft {draft}");
    assert!(!seen[0].writable);
}
