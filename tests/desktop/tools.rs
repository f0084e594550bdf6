//! What a real window needs around it. Where a tool is missing the suite says which and skips; under `make test`, which
//! installs them all, a missing tool is a failure.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The programs found.
pub(crate) struct Tools {
    /// The built desktop app, with the interface inside.
    pub(crate) app: PathBuf,
    /// A Python that has GTK.
    pub(crate) python: PathBuf,
}

const PROGRAMS: [&str; 7] =
    ["Xvfb", "openbox", "dbus-daemon", "WebKitWebDriver", "xdotool", "import", "kill"];

/// The tools, or nothing after a line that says what is missing.
pub(crate) fn tools(test: &str) -> Option<Tools> {
    match look() {
        Ok(tools) => Some(tools),
        Err(missing) => {
            assert!(
                std::env::var_os("LABFERRY_WINDOW_TOOLS").is_none_or(|word| word != "required"),
                "{missing}"
            );
            // Straight to the terminal: the runner swallows what a passing test prints by the usual way.
            let _ = writeln!(std::io::stderr(), "skipped desktop::{test}: {missing}");
            None
        }
    }
}

fn look() -> Result<Tools, String> {
    if !cfg!(target_os = "linux") {
        return Err("the window is driven on Linux only".to_owned());
    }
    let missing: Vec<_> = PROGRAMS.into_iter().filter(|name| on_the_path(name).is_none()).collect();
    if !missing.is_empty() {
        return Err(format!("not installed: {} (.ci/setup test brings them)", missing.join(", ")));
    }
    let python = ["/usr/bin/python3", "python3"]
        .into_iter()
        .find(|python| has_gtk(python))
        .ok_or("no Python with GTK 3 (python3-gi, gir1.2-gtk-3.0)")?;
    Ok(Tools { app: app()?, python: python.into() })
}

fn on_the_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

fn has_gtk(python: &str) -> bool {
    Command::new(python)
        .args(["-c", "import gi; gi.require_version('Gtk', '3.0')"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The app lies beside the folder of this suite's own binary, wherever cargo builds.
fn app() -> Result<PathBuf, String> {
    let suite = std::env::current_exe().map_err(|error| error.to_string())?;
    let app = suite.parent().and_then(Path::parent).map(|folder| folder.join("labferry-desktop"));
    app.filter(|app| app.is_file()).ok_or_else(|| {
        "the app is not built: npm run build --workspace ui && cargo build --package labferry-desktop"
            .to_owned()
    })
}
