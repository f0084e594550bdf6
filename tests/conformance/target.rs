//! A service as the cases see it: a way to connect, a place to put files, and what may be made to go wrong.

use crate::{
    content::{bytes, put},
    lab::Lab,
};
use async_trait::async_trait;
use labferry_app::SystemClock;
use labferry_model::{Capabilities, Metadata, PartRules, Problem, Secret, Secrets};
use labferry_provider::{ConnectRequest, Provider, SecretKeeper, Service};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A request that a fault is meant for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// The question who we are.
    SignIn,
    /// The announcement of an upload.
    Begin,
    /// The n-th time bytes are sent, from 1.
    Send(u32),
    /// The end of an upload.
    Finish,
    /// The bytes of a file on their way to us.
    Content,
    /// A page of a listing at the top.
    List,
}

/// A way a service may be set up or fail.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Provocation {
    /// It takes whole files only.
    WholeOnly,
    /// Digests of files in parts come when asked for, see [`Provocation::ComputeDigests`].
    LateDigests,
    /// Computes them.
    ComputeDigests,
    /// Byte ranges are ignored.
    NoRanges,
    /// A quota of this many bytes.
    Quota(u64),
    /// At most this many files in a container.
    Files(u64),
    /// Requests of this many bytes and more are refused.
    BodyLimit(u64),
    /// Empty files are refused.
    NoEmptyFiles,
    /// At most this many requests a minute.
    RequestsPerMinute(u64),
    /// Publishing has to be asked for.
    PublishOnRequest,
    /// Every signed link given out so far is expired.
    ExpireLinks,
    /// The next bytes of a whole file are answered with a success that tells a failure, and are not kept.
    FalseYes,
    /// This much time passes for the service.
    Seconds(i64),
}

/// A call to the control door that brings a provocation about: path and body.
pub(crate) type ControlCall = (&'static str, Value);

/// What has to be told of a service besides its connector.
#[derive(Clone, Copy)]
pub(crate) struct Enrolment {
    /// Capabilities and provocations it is known not to have, each with the reason.
    pub(crate) gaps: &'static [(&'static str, &'static str)],
    /// Metadata that a container of that title needs to be published.
    pub(crate) metadata: fn(title: &str) -> Metadata,
    /// The place for files that an account has from the beginning, where the service lets nobody make one.
    pub(crate) place: Option<&'static str>,
    /// Paths of files that do not exist.
    pub(crate) absent_files: &'static [&'static str],
    /// The header that carries the credential.
    pub(crate) credential: &'static str,
    /// The fault that lets the service send us to that address for the bytes of a file: matching and action.
    pub(crate) content_elsewhere: fn(url: &str) -> (Value, Value),
    /// The matching of a fault rule; `None` where the service has no such request.
    pub(crate) at: fn(Moment) -> Option<Value>,
    /// How it is provoked; `None` where it cannot be.
    pub(crate) provoke: fn(Provocation) -> Option<ControlCall>,
}

/// A running service and an account of it.
pub(crate) struct Target {
    pub(crate) lab: Lab,
    pub(crate) enrolment: Enrolment,
    pub(crate) url: String,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) secrets: Secrets,
    /// Another account of the same service.
    pub(crate) colleague: Secrets,
    pub(crate) service: Arc<dyn Service>,
}

/// Secrets that only the test keeps.
pub(crate) struct Kept(Mutex<Secrets>);

#[async_trait]
impl SecretKeeper for Kept {
    async fn read(&self) -> Result<Secrets, Problem> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn write(&self, secrets: Secrets) -> Result<(), Problem> {
        *self.0.lock().unwrap() = secrets;
        Ok(())
    }
}

/// The same secrets with other values.
pub(crate) fn changed(secrets: &Secrets, value: &str) -> Secrets {
    secrets.keys().map(|name| (name.clone(), Secret::new(value))).collect()
}

impl Target {
    /// A new connector of the account: nothing is remembered from an earlier one.
    pub(crate) fn connect(&self) -> Arc<dyn Provider> {
        self.connect_as(self.secrets.clone())
    }

    /// A new connector with other secrets.
    pub(crate) fn connect_as(&self, secrets: Secrets) -> Arc<dyn Provider> {
        self.connect_to(&self.url, secrets)
    }

    /// A new connector for another address.
    pub(crate) fn connect_to(&self, url: &str, secrets: Secrets) -> Arc<dyn Provider> {
        let request = ConnectRequest {
            url: url.to_owned(),
            settings: self.settings.clone(),
            secrets: Arc::new(Kept(Mutex::new(secrets))),
            clock: Arc::new(SystemClock::default()),
            stall: Duration::from_secs(20),
            connect: Duration::from_secs(10),
        };
        self.service.connect(request).unwrap()
    }

    pub(crate) fn metadata(&self, title: &str) -> Metadata {
        (self.enrolment.metadata)(title)
    }

    /// A new empty container, or the one there is.
    pub(crate) async fn place(&self, provider: &dyn Provider) -> String {
        if let Some(place) = self.enrolment.place {
            return place.into();
        }
        provider.create("", &self.metadata("A place for files")).await.unwrap().path
    }

    /// Whether the service has something, which must agree with its list of gaps.
    pub(crate) fn offers(&self, what: &str, offered: bool) -> bool {
        let gap = self.enrolment.gaps.iter().find(|(name, _)| *name == what);
        match gap {
            None => assert!(offered, "the service lacks \"{what}\" and no gap says so"),
            Some((_, reason)) => {
                assert!(!offered, "the gap \"{what}\" ({reason}) has closed: take it off the list")
            }
        }
        offered
    }

    /// Whether the service has requests of that moment.
    pub(crate) fn has(&self, moment: Moment) -> bool {
        self.offers(&format!("{moment:?}"), (self.enrolment.at)(moment).is_some())
    }

    /// Whether files are found and shown by the names they were given.
    pub(crate) async fn finds_by_name(&self, provider: &dyn Provider, place: &str) -> bool {
        put(provider, place, "probe.bin", &bytes(1, 3), None).await;
        let found = provider.find_file(place, "probe.bin").await.unwrap();
        if let Some(file) = &found
            && self.offers("delete", provider.capabilities().await.unwrap().delete)
        {
            provider.delete(&file.path).await.unwrap();
        }
        self.offers("names", found.is_some())
    }

    /// The rules of parts, where the service takes parts.
    pub(crate) fn parts(&self, facts: &Capabilities) -> Option<PartRules> {
        self.offers("parts", facts.parts.is_some()).then_some(facts.parts).flatten()
    }

    /// Lets the requests of a moment go wrong; `false` where the service has none.
    pub(crate) async fn fault(&self, moment: Moment, action: Value) -> bool {
        let matching = (self.enrolment.at)(moment);
        let offered = self.offers(&format!("{moment:?}"), matching.is_some());
        if let Some(matching) = matching {
            self.lab.fault(matching, 1, action).await;
        }
        offered
    }

    /// The same, for every request of that moment.
    pub(crate) async fn fault_always(&self, moment: Moment, action: Value) -> bool {
        let matching = (self.enrolment.at)(moment);
        let offered = self.offers(&format!("{moment:?}"), matching.is_some());
        if let Some(matching) = matching {
            self.lab.fault(matching, 0, action).await;
        }
        offered
    }

    /// Provokes the service; `false` where it cannot be provoked like that.
    pub(crate) async fn provoke(&self, provocation: Provocation) -> bool {
        let call = (self.enrolment.provoke)(provocation);
        let name = format!("{provocation:?}");
        let offered = self.offers(name.split('(').next().unwrap(), call.is_some());
        if let Some((path, body)) = call {
            self.lab.post(path, body).await;
        }
        offered
    }

    pub(crate) async fn stop(&self) {
        self.lab.stop().await;
    }
}

/// The connection is dropped after so many bytes of the request.
pub(crate) fn cut_request(bytes: u64) -> Value {
    json!({ "cut_after": bytes, "side": "request" })
}
