//! A service as the cases see it: a way to connect, a place to put files, and what may be made to go wrong.

use crate::{
    content::{bytes, put},
    elsewhere::{Elsewhere, Wanted},
    known_gaps,
    lab::Lab,
};
use async_trait::async_trait;
use labferry_app::SystemClock;
use labferry_model::{Capabilities, Container, Metadata, PartRules, Problem, Secret, Secrets};
use labferry_provider::{ConnectRequest, Provider, SecretKeeper, Service};
use labferry_sandbox::SandboxOptions;
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

/// See [`Enrolment::upload_elsewhere`]: links, name, size, part size.
pub(crate) type UploadElsewhere = fn(&[String; 2], &str, u64, Option<u64>) -> Option<(Value, Value)>;

/// What has to be told of a service besides its connector. What it lacks stands in `known_gaps.toml`.
#[derive(Clone, Copy)]
pub(crate) struct Enrolment {
    /// The service's key, in the practice lab and in the app.
    pub(crate) key: &'static str,
    /// How the practice lab is started for it.
    pub(crate) lab: fn(&mut SandboxOptions),
    /// Settings of the account besides the ones the practice lab names.
    pub(crate) settings: &'static [(&'static str, &'static str)],
    /// Metadata that a container of that title needs to be published.
    pub(crate) metadata: fn(title: &str) -> Metadata,
    /// The place for files that an account has from the beginning, where the service lets nobody make one.
    pub(crate) place: Option<&'static str>,
    /// What the practice lab's switches are put to before the case: path and body of a call to its control door.
    pub(crate) prepare: Option<fn() -> ControlCall>,
    /// A container that does not exist.
    pub(crate) absent_place: &'static str,
    /// Whether the bytes of a whole file end its upload although one in parts is ended by asking.
    pub(crate) bytes_end_whole: bool,
    /// Bytes from which on a file is fetched by ranges; smaller ones may be cut out of the whole here.
    pub(crate) ranges_from: u64,
    /// Paths of files that do not exist.
    pub(crate) absent_files: &'static [&'static str],
    /// The header that carries the credential.
    pub(crate) credential: &'static str,
    /// The fault that lets the service send us to that address for the bytes of a file: matching and action.
    pub(crate) content_elsewhere: fn(url: &str) -> (Value, Value),
    /// The fault that lets the beginning of an upload give those links to send the first parts of so many bytes to:
    /// matching and action; `None` where no upload goes by a link.
    pub(crate) upload_elsewhere: UploadElsewhere,
    /// The matching of a fault rule; `None` where the service has no such request.
    pub(crate) at: fn(Moment) -> Option<Value>,
    /// How it is provoked; `None` where it cannot be.
    pub(crate) provoke: fn(Provocation) -> Option<ControlCall>,
}

/// Why a case ended early: a server that is not the practice lab cannot be made to do wrong, nor looked into.
#[derive(Debug, thiserror::Error)]
#[error("only the practice lab can do that: {0}")]
pub(crate) struct NotPossible(String);

/// A running service and an account of it.
pub(crate) struct Target {
    name: &'static str,
    /// The practice lab; none when the server is another.
    lab: Option<Lab>,
    pub(crate) enrolment: Enrolment,
    pub(crate) url: String,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) secrets: Secrets,
    /// Another account of the same service; the same one where there is no other.
    pub(crate) colleague: Secrets,
    service: Arc<dyn Service>,
    place: Option<String>,
    /// Containers that were made, to be removed again from a server that stays.
    made: Mutex<Vec<String>>,
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
    /// A practice lab of its own, or the server the environment names; `None` when that is meant for another service.
    pub(crate) async fn start(name: &'static str, enrolment: Enrolment) -> Option<Self> {
        let service = Arc::clone(labferry_app::registry().get(enrolment.key).unwrap());
        match Elsewhere::wanted(name, &service.form()) {
            Wanted::Another => None,
            Wanted::This(server) => Some(Self {
                name,
                lab: None,
                enrolment,
                url: server.url,
                settings: server.settings,
                secrets: server.secrets,
                colleague: server.colleague,
                service,
                place: server.place,
                made: Mutex::default(),
            }),
            Wanted::PracticeLab => Some(Self::in_the_lab(name, enrolment, service).await),
        }
    }

    async fn in_the_lab(name: &'static str, enrolment: Enrolment, service: Arc<dyn Service>) -> Self {
        let lab = Lab::start(enrolment.lab).await;
        if let Some(prepare) = enrolment.prepare {
            let (path, body) = prepare();
            lab.post(path, body).await;
        }
        let told = lab.service(enrolment.key);
        let users = lab.users(enrolment.key).await;
        // A colleague whose account has other settings as well is none that a connector of ours can be made for.
        let alike = |user: &&Value| {
            told.settings.iter().all(|(name, value)| match &user[name] {
                Value::Null => true,
                theirs => theirs == value,
            })
        };
        let colleague = users.get(1).filter(alike);
        let secret = |(field, own): (&String, &String)| {
            let theirs = colleague.and_then(|user| user[field].as_str()).unwrap_or(own);
            (field.clone(), Secret::new(theirs))
        };
        let mut settings = told.settings.clone();
        settings.extend(enrolment.settings.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        Self {
            name,
            lab: Some(lab),
            enrolment,
            url: told.url,
            settings,
            colleague: told.secrets.iter().map(secret).collect(),
            secrets: told.secrets.into_iter().map(|(field, text)| (field, Secret::new(text))).collect(),
            service,
            place: enrolment.place.map(str::to_owned),
            made: Mutex::default(),
        }
    }

    /// The practice lab. With another server the case ends here.
    pub(crate) fn lab(&self) -> &Lab {
        self.lab.as_ref().unwrap_or_else(|| not_possible("look inside, or start anew"))
    }

    /// The practice lab, where the server is one: for a look that the case can do without.
    pub(crate) fn inside(&self) -> Option<&Lab> {
        self.lab.as_ref()
    }

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
        if let Some(place) = &self.place {
            return place.clone();
        }
        self.make(provider, &self.metadata("A place for files")).await.path
    }

    /// Makes a container that is removed at the end.
    pub(crate) async fn make(&self, provider: &dyn Provider, metadata: &Metadata) -> Container {
        let made = provider.create("", metadata).await.unwrap();
        self.made.lock().unwrap().push(made.path.clone());
        made
    }

    /// Whether the service has something, which must agree with its list of gaps. Another server has what it has.
    pub(crate) fn offers(&self, what: &str, offered: bool) -> bool {
        if self.lab.is_none() {
            return offered;
        }
        match known_gaps::find(self.name, what) {
            None => assert!(offered, "{} lacks \"{what}\", and known_gaps.toml does not say so", self.name),
            Some(gap) => assert!(
                !offered,
                "the gap \"{what}\" of {} has closed ({}; since {}): take it out of known_gaps.toml",
                self.name, gap.reason, gap.since
            ),
        }
        offered
    }

    /// Whether an account makes records of its own at the top, which are published once they are whole.
    pub(crate) async fn makes_records(&self, provider: &dyn Provider) -> bool {
        let facts = provider.capabilities().await.unwrap();
        self.offers("records", facts.records && self.enrolment.place.is_none())
    }

    /// Whether an upload is ended by a request of its own. Where nothing ends it, its last bytes do.
    pub(crate) fn is_finished_by_asking(&self, in_parts: bool) -> bool {
        self.has(Moment::Finish)
            && (in_parts || self.offers("finish of whole files", !self.enrolment.bytes_end_whole))
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
        self.fault_times(moment, 1, action).await
    }

    /// The same, for every request of that moment.
    pub(crate) async fn fault_always(&self, moment: Moment, action: Value) -> bool {
        self.fault_times(moment, 0, action).await
    }

    async fn fault_times(&self, moment: Moment, times: u64, action: Value) -> bool {
        let matching = (self.enrolment.at)(moment);
        let offered = self.offers(&format!("{moment:?}"), matching.is_some());
        if let Some(matching) = matching {
            self.lab().fault(matching, times, action).await;
        }
        offered
    }

    /// Provokes the service; `false` where it cannot be provoked like that.
    pub(crate) async fn provoke(&self, provocation: Provocation) -> bool {
        let call = (self.enrolment.provoke)(provocation);
        let name = format!("{provocation:?}");
        let offered = self.offers(name.split('(').next().unwrap(), call.is_some());
        if let Some((path, body)) = call {
            self.lab().post(path, body).await;
        }
        offered
    }

    pub(crate) async fn stop(&self) {
        if let Some(lab) = &self.lab {
            return lab.stop().await;
        }
        let made = std::mem::take(&mut *self.made.lock().unwrap());
        for path in made {
            if let Err(error) = self.connect().delete(&path).await {
                println!("{path} stays on the server: {error}");
            }
        }
    }
}

fn not_possible(what: &str) -> ! {
    std::panic::resume_unwind(Box::new(NotPossible(what.to_owned())))
}

/// The connection is dropped after so many bytes of the request.
pub(crate) fn cut_request(bytes: u64) -> Value {
    json!({ "cut_after": bytes, "side": "request" })
}
