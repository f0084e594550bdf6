//! The tray icon: nothing to do, sending, or somebody is needed, told apart by shape as well as by colour.

use crate::closing;
use labferry_app::wire::answers::QueueCounts;
use std::sync::{Mutex, PoisonError};
use tauri::{
    AppHandle, Wry,
    image::Image,
    include_image,
    menu::{MenuBuilder, MenuItem},
    tray::{TrayIcon, TrayIconBuilder},
};

/// What the icon tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Idle,
    Sending,
    Attention,
}

impl Mood {
    fn image(self) -> Image<'static> {
        match self {
            Self::Idle => include_image!("icons/tray-idle.png"),
            Self::Sending => include_image!("icons/tray-sending.png"),
            Self::Attention => include_image!("icons/tray-attention.png"),
        }
    }
}

/// The icon and its first menu line, which says the same in words.
pub(crate) struct Tray {
    icon: TrayIcon<Wry>,
    line: MenuItem<Wry>,
    shown: Mutex<Option<(Mood, String)>>,
}

/// Puts the icon up.
pub(crate) fn show(handle: &AppHandle) -> tauri::Result<Tray> {
    let line = MenuItem::with_id(handle, "state", words(&QueueCounts::default()), false, None::<&str>)?;
    let menu = MenuBuilder::new(handle)
        .item(&line)
        .separator()
        .text("open", "Open Labferry")
        .text("quit", "Quit")
        .build()?;
    let icon = TrayIconBuilder::with_id("main")
        .icon(Mood::Idle.image())
        .tooltip("Labferry")
        .menu(&menu)
        .on_menu_event(|handle, event| match event.id().as_ref() {
            "open" => closing::show_window(handle),
            "quit" => handle.exit(0),
            _ => {}
        })
        .build(handle)?;
    Ok(Tray { icon, line, shown: Mutex::new(None) })
}

impl Tray {
    /// Shows how the queue stands; nothing changes where it is not known.
    pub(crate) fn show_counts(&self, counts: Option<&QueueCounts>) {
        if let Some(counts) = counts {
            self.set(mood(counts), words(counts));
        }
    }

    /// Labferry itself could not be opened.
    pub(crate) fn needs_attention(&self) {
        self.set(Mood::Attention, "Labferry could not open its data".to_owned());
    }

    fn set(&self, mood: Mood, words: String) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Some((mood, words));
        if *shown == now {
            return;
        }
        if let Some((mood, words)) = &now {
            let icon_changed = shown.as_ref().is_none_or(|(before, _)| before != mood);
            let result = self
                .line
                .set_text(words)
                .and_then(|()| self.icon.set_tooltip(Some(format!("Labferry: {words}"))))
                .and_then(|()| if icon_changed { self.icon.set_icon(Some(mood.image())) } else { Ok(()) });
            if let Err(error) = result {
                tracing::warn!("the tray icon could not be changed: {error}");
            }
        }
        *shown = now;
    }
}

fn mood(counts: &QueueCounts) -> Mood {
    match counts {
        QueueCounts { needs_you: 1.., .. } => Mood::Attention,
        QueueCounts { active: 1.., .. } => Mood::Sending,
        _ => Mood::Idle,
    }
}

fn words(counts: &QueueCounts) -> String {
    let said: Vec<_> =
        [(counts.active, "in hand"), (counts.waiting, "waiting"), (counts.needs_you, "need you")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| {
                if number == 1 && what == "need you" {
                    "1 needs you".to_owned()
                } else {
                    format!("{number} {what}")
                }
            })
            .collect();
    if said.is_empty() { "nothing to do".to_owned() } else { said.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(active: u64, waiting: u64, needs_you: u64) -> QueueCounts {
        QueueCounts { active, waiting, needs_you, ..QueueCounts::default() }
    }

    #[test]
    fn somebody_needed_comes_before_sending() {
        assert_eq!(mood(&counts(0, 4, 0)), Mood::Idle);
        assert_eq!(mood(&counts(2, 4, 0)), Mood::Sending);
        assert_eq!(mood(&counts(2, 4, 1)), Mood::Attention);
    }

    #[test]
    fn words_name_what_there_is() {
        assert_eq!(words(&counts(0, 0, 0)), "nothing to do");
        assert_eq!(words(&counts(3, 0, 1)), "3 in hand, 1 needs you");
        assert_eq!(words(&counts(0, 9, 2)), "9 waiting, 2 need you");
    }
}
