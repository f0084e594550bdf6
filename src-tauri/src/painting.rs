//! How the window is painted on a Linux computer without a graphics processor: an instrument's PC with a plain display
//! adapter, a virtual machine, a remote desktop. WebKitGTK hands layers to OpenGL there as everywhere, which a program then
//! imitates: frames took about twice as long as painted straight away (docs/performance.md), on the cores that hash and send.

use tauri::AppHandle;

/// Sees to it that the window is painted straight away where no graphics processor would help. Elsewhere, and where
/// somebody has decided by one of WebKit's own environment variables, it stays as it is.
#[cfg(target_os = "linux")]
pub(crate) fn suit_the_computer(desktop: &AppHandle) {
    use tauri::Manager as _;
    use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt as _, WebViewExt as _};

    if has_graphics_processor(std::path::Path::new("/dev/dri")) {
        return;
    }
    for window in desktop.webview_windows().values() {
        let told = window.with_webview(|webview| {
            if let Some(settings) = webview.inner().settings() {
                settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
            }
        });
        if let Err(error) = told {
            tracing::debug!(%error, "the window is painted as WebKit sees fit");
        }
    }
}

/// The other systems' webviews see to it themselves.
#[cfg(not(target_os = "linux"))]
pub(crate) fn suit_the_computer(_: &AppHandle) {}

/// Whether a driver offers rendering. A node for rendering is what Linux gives to each graphics processor (Linux kernel, DRM
/// user API, "Render nodes"); an adapter that only shows pictures has a `card` and nothing more.
#[cfg(target_os = "linux")]
fn has_graphics_processor(devices: &std::path::Path) -> bool {
    std::fs::read_dir(devices).is_ok_and(|mut found| {
        found.any(|entry| {
            entry.is_ok_and(|entry| entry.file_name().as_encoded_bytes().starts_with(b"renderD"))
        })
    })
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_a_node_for_rendering_is_a_graphics_processor() {
        let devices = tempfile::tempdir().unwrap();
        assert!(!has_graphics_processor(&devices.path().join("none")));
        std::fs::write(devices.path().join("card0"), "").unwrap();
        assert!(!has_graphics_processor(devices.path()));
        std::fs::write(devices.path().join("renderD128"), "").unwrap();
        assert!(has_graphics_processor(devices.path()));
    }
}
