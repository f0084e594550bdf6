//! The open data folder: what every command works with, and the way from a command's name to its method.

use crate::{
    connections::AccountConnections,
    copies, events, folders, lock,
    practice_lab::PracticeLab,
    problem_text::{internal, invalid, words},
    settings,
    system_clock::SystemClock,
    wire::{answers::*, copies::*, events::*, folders::*, lock::*, requests::*},
};
use labferry_engine::{Connections as _, Engine};
use labferry_model::{AccountName, Clock, Problem, ProblemCode, Secret};
use labferry_provider::Provider;
use labferry_store::{DataFolder, Ownership, Store};
use labferry_vault::Vault;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};
use tokio::sync::{OnceCell, Semaphore, broadcast};

/// Messages a slow listener may be behind before it loses some and has to ask for what it missed.
const EVENT_BUFFER: usize = 4_096;
/// State changes that are kept for listeners that come back.
const EVENTS_KEPT: u64 = 100_000;

/// Whether to become the process that runs the engine on the data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// Yes, unless another process is; then commands work and the other one moves the bytes.
    IfFree,
    /// No: look and add only.
    Never,
    /// Yes, or fail.
    Must,
}

/// Files looked into at once: each may hold 16 MiB, and as much again in Base64.
const PREVIEWS: usize = 4;

/// How to open a data folder.
#[derive(Debug, Clone)]
pub struct AppOptions {
    /// The folder; made when it is missing.
    pub data_folder: PathBuf,
    /// The passphrase of the encrypted file for secrets, where there is no keychain.
    pub passphrase: Option<Secret>,
    /// Keeps secrets in memory only: for demonstrations and suites.
    pub vault_in_memory: bool,
    /// Whether to run the engine.
    pub own: Own,
    /// Parts of one file moved at once, instead of the number in the settings.
    pub parts_per_file: Option<usize>,
}

impl AppOptions {
    /// That folder, owned if it is free, with the system's keychain.
    #[must_use]
    pub fn new(data_folder: impl Into<PathBuf>) -> Self {
        Self {
            data_folder: data_folder.into(),
            passphrase: None,
            vault_in_memory: false,
            own: Own::IfFree,
            parts_per_file: None,
        }
    }
}

pub(crate) struct Shared {
    pub(crate) folder: DataFolder,
    pub(crate) own: Own,
    pub(crate) ownership: Mutex<Option<Ownership>>,
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lab: Arc<PracticeLab>,
    pub(crate) connections: Arc<AccountConnections>,
    pub(crate) engine: Engine,
    pub(crate) events: broadcast::Sender<AppEvent>,
    /// The newest committed event that listeners were told of.
    pub(crate) told: tokio::sync::Mutex<i64>,
    /// Rows that were interrupted when the engine last stopped; set once the engine looked.
    pub(crate) recovered: OnceCell<u64>,
    /// Whether a task of ours runs the engine until it is stopped.
    pub(crate) in_background: AtomicBool,
    /// Why the engine does not run although it should.
    pub(crate) trouble: Mutex<Option<ProblemWords>>,
    pub(crate) tasks: Mutex<Vec<tokio::task::JoinHandle<()>>>,
    /// The settings the engine was given last.
    pub(crate) followed: Mutex<Option<(settings::Stored, settings::Folders)>>,
    /// What watching folders needs.
    pub(crate) watching: folders::Watching,
    /// What moving copies forward needs.
    pub(crate) copying: copies::Copying,
    /// The door to settings, accounts and rules.
    pub(crate) lock: lock::Door,
    /// How many files are looked into at once.
    pub(crate) previews: Semaphore,
    /// Files that were handed over from outside the window, until it takes them.
    pub(crate) offered: Mutex<Offer>,
}

/// An open data folder. Clones share it.
#[derive(Clone)]
pub struct App {
    pub(crate) shared: Arc<Shared>,
}

impl App {
    /// Opens a data folder. Nothing is sent before a command or [`App::start_engine`].
    ///
    /// # Errors
    /// A folder that cannot be used, a database that cannot be read or was written by a newer version, a passphrase
    /// that is wrong, and with [`Own::Must`] a folder that another process owns.
    pub async fn open(options: AppOptions) -> Result<Self, ProblemWords> {
        let folder = DataFolder::open(&options.data_folder)?;
        let ownership = if options.own == Own::Never { None } else { folder.try_own()? };
        if options.own == Own::Must && ownership.is_none() {
            return Err(busy(&folder));
        }
        let store = Store::open(&folder).await?;
        let vault = if options.vault_in_memory {
            Vault::memory()
        } else {
            Vault::open(folder.path(), options.passphrase).await?
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let mut limits = settings::limits(&store).await?;
        if let Some(parts) = options.parts_per_file {
            limits.parts_per_file = parts;
            limits.connections_per_account = limits.connections_per_account.max(parts);
            limits.connections = limits.connections.max(parts);
        }
        let lab = Arc::new(PracticeLab::new(
            folder.path().join("practice-lab"),
            store.clone(),
            vault.clone(),
            Arc::clone(&clock),
        ));
        let connections = Arc::new(AccountConnections::new(
            store.clone(),
            vault.clone(),
            Arc::clone(&clock),
            limits.clone(),
            Arc::clone(&lab),
        ));
        let engine = Engine::new(store.clone(), connections.clone(), Arc::clone(&clock), limits);
        let (events, _) = broadcast::channel(EVENT_BUFFER);
        let seen = *store.committed().borrow();
        let shared = Arc::new(Shared {
            folder,
            own: options.own,
            ownership: Mutex::new(ownership),
            store,
            vault,
            clock,
            lab,
            connections,
            engine,
            events,
            told: tokio::sync::Mutex::new(seen),
            recovered: OnceCell::new(),
            in_background: AtomicBool::new(false),
            trouble: Mutex::default(),
            tasks: Mutex::default(),
            followed: Mutex::default(),
            watching: folders::Watching::default(),
            copying: copies::Copying::default(),
            lock: lock::Door::default(),
            previews: Semaphore::new(PREVIEWS),
            offered: Mutex::default(),
        });
        shared.follow_settings().await?;
        let app = Self { shared };
        app.keep(tokio::spawn(crate::metered::watch(Arc::downgrade(&app.shared))));
        app.keep(tokio::spawn(events::pump(Arc::downgrade(&app.shared))));
        if app.owns() {
            // Beside everything else: after a drop of a million files it takes a while.
            let store = app.shared.store.clone();
            app.keep(tokio::spawn(async move {
                if let Err(error) = store.prune_events(EVENTS_KEPT).await {
                    tracing::warn!(%error, "old events could not be forgotten");
                }
            }));
        }
        Ok(app)
    }

    /// What happens from now on. A listener that is too slow loses messages and hears that it did; `events.since`
    /// gives it what it missed.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<AppEvent> {
        self.shared.events.subscribe()
    }

    /// Whether this process runs the engine on the data folder.
    #[must_use]
    pub fn owns(&self) -> bool {
        self.shared.ownership.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// How the program stands.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn app_state(&self, _: Empty) -> Result<AppState, ProblemWords> {
        Ok(AppState {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            data_folder: self.shared.folder.path().display().to_string(),
            runs_engine: self.owns(),
            vault: self.shared.vault.kind().await.name().to_owned(),
            tells_metered: crate::metered::IS_TOLD,
            practice_lab: self.shared.lab.is_running().await,
            interrupted: self.interrupted().await?,
            problem: self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        })
    }

    /// Starts the practice lab unless it runs already, and gives its accounts.
    ///
    /// # Errors
    /// A lab that cannot be started; settings that are locked, where its accounts would have to be added.
    pub async fn practice_lab_start(&self, _: Empty) -> Result<Vec<AccountRow>, ProblemWords> {
        if !self.shared.store.accounts().await?.iter().any(|account| account.practice) {
            self.may_change().await?;
        }
        let accounts = self.shared.lab.start().await?;
        self.tell(AppEvent::AccountsChanged);
        Ok(accounts.iter().map(|account| self.account_row(account)).collect())
    }

    /// The address through which the practice lab's faults are scripted, while this process runs it.
    pub async fn practice_lab_control(&self) -> Option<String> {
        self.shared.lab.control_url().await
    }

    /// The connector of the account a request names.
    pub(crate) async fn provider(
        &self,
        account: &str,
    ) -> Result<(AccountName, Arc<dyn Provider>), ProblemWords> {
        let name = account_name(account)?;
        let provider = self.shared.connections.provider(&name).await?;
        Ok((name, provider))
    }

    pub(crate) fn tell(&self, event: AppEvent) {
        // Nobody may be listening.
        let _ = self.shared.events.send(event);
    }

    pub(crate) fn keep(&self, task: tokio::task::JoinHandle<()>) {
        self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }
}

/// The account name of a request.
pub(crate) fn account_name(text: &str) -> Result<AccountName, ProblemWords> {
    text.parse().map_err(|error: labferry_model::ids::InvalidName| invalid(error.to_string()))
}

/// Another process owns the folder.
pub(crate) fn busy(folder: &DataFolder) -> ProblemWords {
    words(&Problem::new(ProblemCode::DataFolderBusy).about(folder.path().display().to_string()))
}

macro_rules! dispatch {
    ($($name:literal $method:ident($request:ty) -> $answer:ty;)*) => {
        impl App {
            /// Gives the command of that name a JSON request and returns its JSON answer.
            ///
            /// # Errors
            /// A command that is not in the table, a request of another shape, and what the command answers.
            pub async fn call(
                &self,
                command: &str,
                request: serde_json::Value,
            ) -> Result<serde_json::Value, ProblemWords> {
                match command {
                    $($name => {
                        let request: $request = parse($name, request)?;
                        let answer: $answer = Box::pin(self.$method(request)).await?;
                        serde_json::to_value(answer).map_err(internal)
                    })*
                    other => Err(invalid(format!("there is no command \"{other}\""))),
                }
            }
        }

        /// The name of every command, in the table's order.
        pub const COMMANDS: &[&str] = &[$($name),*];
    };
}
crate::command_table!(dispatch);

fn parse<T: serde::de::DeserializeOwned>(
    command: &str,
    request: serde_json::Value,
) -> Result<T, ProblemWords> {
    let request = if request.is_null() { serde_json::json!({}) } else { request };
    serde_json::from_value(request).map_err(|error| {
        // The reader quotes what it could not use; in this request that may be a secret.
        let holds_secret = command == "accounts.add" || command.starts_with("lock.");
        let why = if holds_secret { String::new() } else { format!(": {error}") };
        invalid(format!("the request of {command} has another shape than the command needs{why}"))
    })
}
