//! A desk of its own for each test: a display, a window manager, a session bus, a driver, and a home.

use crate::{tools::Tools, webdriver::Window};
use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// Wide enough for the window and a drag source beside it.
const SCREEN: &str = "1700x1000x24";

/// The window's title, as xdotool looks for it.
pub(crate) const WINDOW: &str = "^Labferry$";

/// A program and all it started; they end with it.
pub(crate) struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(
            command
                .process_group(0)
                .stdin(Stdio::null())
                .spawn()
                .unwrap_or_else(|error| panic!("{command:?}: {error}")),
        )
    }

    fn signal(&self, signal: &str) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-s", signal, "--", &group]).stderr(Stdio::null()).status();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal("KILL");
        let _ = self.0.wait();
    }
}

/// A program whose lines are read.
pub(crate) struct Speaking {
    running: Running,
    lines: BufReader<ChildStdout>,
}

impl Speaking {
    /// Its next line, once it says one.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Sends it a signal of that name, such as `USR1`.
    pub(crate) fn signal(&self, signal: &str) {
        self.running.signal(signal);
    }
}

/// What a window under a driver needs, ended in this order.
struct Seat {
    _driver: Running,
    _bus: Speaking,
    bus_address: String,
}

/// The desk. Everything on it ends when it is dropped, the window first.
pub(crate) struct Desk {
    seat: Option<Seat>,
    _manager: Running,
    _display: Running,
    display: String,
    home: PathBuf,
    app: PathBuf,
}

impl Desk {
    /// Sets up a display and a window manager.
    pub(crate) fn set_up(tools: &Tools) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let home = std::env::temp_dir().join(format!("labferry-desktop-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();

        let mut server = Command::new("Xvfb");
        server
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", SCREEN])
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut server = Running::start(&mut server);
        let mut line = String::new();
        BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.trim().is_empty(), "Xvfb found no free display");
        let display = format!(":{}", line.trim());

        let mut manager = Command::new("openbox");
        manager.env("DISPLAY", &display).env("HOME", &home).stdout(Stdio::null()).stderr(Stdio::null());
        let manager = Running::start(&mut manager);
        Self { seat: None, _manager: manager, _display: server, display, home, app: tools.app.clone() }
    }

    /// The folder everything of this desk is in; removed with it.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// The app's data folder.
    pub(crate) fn data_folder(&self) -> PathBuf {
        self.home.join("data")
    }

    /// Starts the app under a new driver on a new bus.
    pub(crate) async fn open_window(&mut self, arguments: &[&str]) -> Window {
        self.seat = None;
        let mut bus = self.command("dbus-daemon");
        bus.arg(format!("--config-file={}/desktop/session.conf", env!("CARGO_MANIFEST_DIR")));
        let mut bus = self.start_and_read(bus.args(["--nofork", "--print-address"]).stderr(Stdio::null()));
        let bus_address = bus.line();

        let port = free_port();
        let mut driver = self.command("WebKitWebDriver");
        driver
            .args(["--host=127.0.0.1", &format!("--port={port}")])
            .env("DBUS_SESSION_BUS_ADDRESS", &bus_address)
            // One bus is both, so that nothing reaches the machine's own services.
            .env("DBUS_SYSTEM_BUS_ADDRESS", &bus_address)
            .env("TAURI_WEBVIEW_AUTOMATION", "true");
        let log = std::fs::File::create(self.home.join("driver.log")).unwrap();
        driver.stdout(log.try_clone().unwrap()).stderr(log);
        self.seat = Some(Seat { _driver: Running::start(&mut driver), _bus: bus, bus_address });
        accepts_connections(port).await;
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Window::open(&format!("http://127.0.0.1:{port}"), &self.app, &arguments).await
    }

    /// Starts the app once more beside the window, without a driver, and waits until it ends.
    pub(crate) fn start_again(&self, files: &[&Path]) -> ExitStatus {
        let seat = self.seat.as_ref().expect("a window is open");
        let app = self.app.clone();
        self.command(app).args(files).env("DBUS_SESSION_BUS_ADDRESS", &seat.bus_address).status().unwrap()
    }

    /// A command that sees this desk and nothing of the person at the machine.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("DISPLAY", &self.display)
            .env("HOME", &self.home)
            .env("LABFERRY_DATA_DIR", self.data_folder())
            .env("LABFERRY_PASSPHRASE", "a passphrase for this test alone")
            .env("NO_AT_BRIDGE", "1")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("GTK_THEME");
        for (name, folder) in
            [("DATA", "share"), ("CONFIG", "config"), ("CACHE", "cache"), ("STATE", "state")]
        {
            command.env(format!("XDG_{name}_HOME"), self.home.join(folder));
        }
        if let Some(theme) = std::env::var_os("LABFERRY_TEST_THEME") {
            command.env("GTK_THEME", theme);
        }
        command
    }

    /// Kills the app as a power cut would: at once, with everything it was doing, and its bus and driver with it.
    pub(crate) fn kill_window(&mut self) {
        self.seat = None;
    }

    /// Closes the window as a person does, who presses the keys again when nothing came of it: on a busy machine a key now
    /// and then comes before the window manager has given the window the focus.
    pub(crate) fn close_by_the_window_manager(&self) {
        const PATIENCE: Duration = Duration::from_secs(5);
        for _ in 0..12 {
            self.keys(&["alt+F4"]);
            let pressed = Instant::now();
            while pressed.elapsed() < PATIENCE {
                if !self.is_visible() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        panic!("the window does not close");
    }

    /// Whether the window is to be seen.
    fn is_visible(&self) -> bool {
        let search = ["search", "--onlyvisible", "--name", WINDOW];
        Command::new("xdotool").args(search).env("DISPLAY", &self.display).output().unwrap().status.success()
    }

    /// Ends the app as a log-out does.
    pub(crate) fn end_by_the_system(&self) {
        let process = self.xdotool(&["getwindowpid", &self.visible(WINDOW)]);
        assert!(Command::new("kill").args(["-s", "TERM", process.trim()]).status().unwrap().success());
    }

    /// Puts the window away.
    pub(crate) fn minimise(&self) {
        self.xdotool(&["windowminimize", "--sync", &self.visible(WINDOW)]);
    }

    /// Gives the window another size, in pixels of the screen.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let (width, height) = (width.to_string(), height.to_string());
        self.xdotool(&["windowsize", "--sync", &self.visible(WINDOW), &width, &height]);
    }

    /// Waits until the window is to be seen.
    pub(crate) fn wait_until_visible(&self) {
        self.visible(WINDOW);
    }

    /// Where the content of the window of that name begins on the screen.
    pub(crate) fn inner_corner(&self, name: &str) -> (i64, i64) {
        let shell = self.xdotool(&["getwindowgeometry", "--shell", &self.visible(name)]);
        let number = |key: &str| {
            let line = shell.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {key} in {shell}"))
        };
        (number("X"), number("Y"))
    }

    /// The number of the window whose title matches, once it is to be seen.
    fn visible(&self, title: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            // Not `--sync`: xdotool stops with an error when any window vanishes while it looks through them.
            let search = ["search", "--onlyvisible", "--limit", "1", "--name", title];
            let output = Command::new("xdotool").args(search).env("DISPLAY", &self.display).output().unwrap();
            let found = String::from_utf8(output.stdout).unwrap();
            if output.status.success() && !found.trim().is_empty() {
                return found.trim().to_owned();
            }
            assert!(Instant::now() < deadline, "no window called {title} is to be seen");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Moves the mouse, presses and releases its button, types; and answers what xdotool prints.
    pub(crate) fn xdotool(&self, arguments: &[&str]) -> String {
        // Bounded, because a `--sync` that waits for what does not come waits for ever.
        let output = Command::new("timeout")
            .args(["60", "xdotool"])
            .args(arguments)
            .env("DISPLAY", &self.display)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "xdotool {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Presses keys in the window, one after another.
    pub(crate) fn keys(&self, keys: &[&str]) {
        self.xdotool(&["windowactivate", "--sync", &self.visible(WINDOW)]);
        self.xdotool(&[&["key", "--clearmodifiers"], keys].concat());
    }

    /// Presses the mouse in the middle of the window of that name and carries what is there to a place on the screen,
    /// without letting go.
    pub(crate) fn drag(&self, from: &str, to_x: i64, to_y: i64) {
        let (x, y) = self.inner_corner(from);
        let place = |x: i64, y: i64| [x.to_string(), y.to_string()];
        let [from_x, from_y] = place(x + 60, y + 40);
        self.xdotool(&["mousemove", "--sync", &from_x, &from_y, "mousedown", "1"]);
        // In steps, as a hand does it: GTK begins a drag after a few pixels, and the target hears of it on the way.
        for step in 1..=10 {
            let [x, y] = place(x + 60 + (to_x - x - 60) * step / 10, y + 40 + (to_y - y - 40) * step / 10);
            self.xdotool(&["mousemove", "--sync", &x, &y]);
        }
    }

    /// Starts a Python program on this desk whose lines can be read.
    pub(crate) fn start_python(&self, tools: &Tools, arguments: &[&OsStr]) -> Speaking {
        let mut command = self.command(&tools.python);
        if let Some(seat) = &self.seat {
            command.env("DBUS_SESSION_BUS_ADDRESS", &seat.bus_address);
        }
        self.start_and_read(command.args(arguments))
    }

    fn start_and_read(&self, command: &mut Command) -> Speaking {
        let mut running = Running::start(command.stdout(Stdio::piped()));
        let lines = BufReader::new(running.0.stdout.take().unwrap());
        Speaking { running, lines }
    }

    /// Writes what the window shows to a PNG file.
    pub(crate) fn picture(&self, to: &Path) {
        let status = Command::new("import")
            .args(["-window", "Labferry"])
            .arg(to)
            .env("DISPLAY", &self.display)
            .status()
            .unwrap();
        assert!(status.success(), "no picture at {}", to.display());
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.seat = None;
        if std::thread::panicking()
            && let Ok(log) = std::fs::read_to_string(self.home.join("driver.log"))
        {
            eprintln!("what the app said:\n{log}");
        }
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Comes back when somebody listens; WebKitWebDriver does not say when it does.
async fn accepts_connections(port: u16) {
    for _ in 0..600 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody listens on port {port}");
}
