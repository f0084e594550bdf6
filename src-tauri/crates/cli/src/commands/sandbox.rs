//! `labferry sandbox`.

use crate::{
    context::Context,
    exit::{Exit, Failure},
    signals::told_to_stop,
};
use clap::Args;
use labferry_sandbox::{DataProxy, Sandbox, SandboxOptions};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Prints one JSON line with each service's address and token once it accepts connections, and runs until Ctrl-C.
Its world is kept in a folder and is found again by the next start.

Examples:
  labferry sandbox --seed --data practice
  labferry sandbox --port 8080 --faults rules.json
  labferry sandbox --seed --data-proxy http://127.0.0.1:9000 --proxy-key labkey --proxy-secret-env PROXY_SECRET";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SandboxArguments {
    /// The port on 127.0.0.1 [default: the one of the last start on this folder, or any]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// The folder of its world [default: practice-lab in the data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Fill a new world with records to look at
    #[arg(long)]
    seed: bool,
    /// A JSON file with rules of what goes wrong
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// An S3-compatible server that keeps what is sent to the Aruna service, instead of the lab's own storage
    #[arg(long, value_name = "URL", requires = "proxy_key", requires = "proxy_secret_env")]
    data_proxy: Option<String>,
    /// The id of the access key that links to it are signed with
    #[arg(long, value_name = "ID", requires = "data_proxy")]
    proxy_key: Option<String>,
    /// The environment variable that holds the key's secret
    #[arg(long, value_name = "VAR", requires = "data_proxy")]
    proxy_secret_env: Option<String>,
    /// The region that signatures for it name
    #[arg(long, value_name = "REGION", default_value = "us-east-1", requires = "data_proxy")]
    proxy_region: String,
}

impl SandboxArguments {
    fn data_proxy(&self) -> Result<Option<DataProxy>, Failure> {
        let (Some(url), Some(key_id), Some(variable)) =
            (&self.data_proxy, &self.proxy_key, &self.proxy_secret_env)
        else {
            return Ok(None);
        };
        let secret = std::env::var(variable).map_err(|_| {
            Failure::Words(format!(
                "The environment variable {variable} is not set. Put the secret of the access key {key_id} into it."
            ))
        })?;
        Ok(Some(DataProxy {
            url: url.clone(),
            key_id: key_id.clone(),
            secret,
            region: self.proxy_region.clone(),
        }))
    }
}

pub(crate) async fn run(arguments: SandboxArguments, context: &Context) -> Result<Exit, Failure> {
    let data_proxy = arguments.data_proxy()?;
    let folder = match arguments.data {
        Some(folder) => folder,
        None => context.data_folder()?.join("practice-lab"),
    };
    let options = SandboxOptions {
        port: arguments.port,
        seed: arguments.seed,
        faults_file: arguments.faults,
        data_proxy,
        ..SandboxOptions::new(folder)
    };
    // Heard from the first moment: a lab that is stopped while it starts ends cleanly, too.
    let mut stop = std::pin::pin!(told_to_stop());
    let lab = tokio::select! {
        lab = Sandbox::start(options) => lab.map_err(|error| Failure::Words(error.to_string()))?,
        () = &mut stop => return Ok(Exit::Done),
    };
    context.out.json(lab.description())?;
    stop.await;
    lab.stop().await;
    Ok(Exit::Done)
}
