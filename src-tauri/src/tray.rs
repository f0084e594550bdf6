//! The tray icon: nothing to do, sending, or somebody is needed, told apart by shape as well as by colour.

use crate::{closing, words::Language};
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

/// What the queue's state is told from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Queue(QueueCounts),
    NotOpened,
}

/// The icon, its menu, and the menu's first line, which says the same in words.
pub(crate) struct Tray {
    icon: TrayIcon<Wry>,
    line: MenuItem<Wry>,
    open: MenuItem<Wry>,
    quit: MenuItem<Wry>,
    told: Mutex<(Told, Language)>,
}

/// Puts the icon up.
pub(crate) fn show(handle: &AppHandle) -> tauri::Result<Tray> {
    let (counts, language) = (QueueCounts::default(), Language::default());
    let line = MenuItem::with_id(handle, "state", language.queue(&counts), false, None::<&str>)?;
    let open = MenuItem::with_id(handle, "open", language.open(), true, None::<&str>)?;
    let quit = MenuItem::with_id(handle, "quit", language.quit(), true, None::<&str>)?;
    let menu = MenuBuilder::new(handle).item(&line).separator().item(&open).item(&quit).build()?;
    let icon = TrayIconBuilder::with_id("main")
        .icon(Mood::Idle.image())
        .tooltip("Labferry")
        .menu(&menu)
        // The window's menu bar is heard here as well; its "quit" is this one.
        .on_menu_event(|handle, event| match event.id().as_ref() {
            "open" => closing::show_window(handle),
            "quit" => handle.exit(0),
            _ => {}
        })
        .build(handle)?;
    Ok(Tray { icon, line, open, quit, told: Mutex::new((Told::Queue(counts), language)) })
}

impl Tray {
    /// Shows how the queue stands; nothing changes where it is not known.
    pub(crate) fn show_counts(&self, counts: Option<&QueueCounts>) {
        if let Some(counts) = counts {
            self.change(|told| told.0 = Told::Queue(*counts));
        }
    }

    /// Labferry itself could not be opened.
    pub(crate) fn needs_attention(&self) {
        self.change(|told| told.0 = Told::NotOpened);
    }

    /// Speaks another language from now on.
    pub(crate) fn speak(&self, language: Language) {
        self.change(|told| told.1 = language);
    }

    fn change(&self, change: impl FnOnce(&mut (Told, Language))) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *told;
        change(&mut told);
        if *told != before
            && let Err(error) = self.draw(*told, before)
        {
            tracing::warn!("the tray icon could not be changed: {error}");
        }
    }

    fn draw(&self, (told, language): (Told, Language), before: (Told, Language)) -> tauri::Result<()> {
        let words = match told {
            Told::Queue(counts) => language.queue(&counts),
            Told::NotOpened => language.not_opened().to_owned(),
        };
        self.line.set_text(&words)?;
        self.icon.set_tooltip(Some(format!("Labferry: {words}")))?;
        if language != before.1 {
            self.open.set_text(language.open())?;
            self.quit.set_text(language.quit())?;
        }
        if mood(told) != mood(before.0) {
            self.icon.set_icon(Some(mood(told).image()))?;
        }
        Ok(())
    }
}

fn mood(told: Told) -> Mood {
    match told {
        Told::NotOpened | Told::Queue(QueueCounts { needs_you: 1.., .. }) => Mood::Attention,
        Told::Queue(QueueCounts { active: 1.., .. }) => Mood::Sending,
        Told::Queue(_) => Mood::Idle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(active: u64, waiting: u64, needs_you: u64) -> Told {
        Told::Queue(QueueCounts { active, waiting, needs_you, ..QueueCounts::default() })
    }

    #[test]
    fn somebody_needed_comes_before_sending() {
        assert_eq!(mood(counts(0, 4, 0)), Mood::Idle);
        assert_eq!(mood(counts(2, 4, 0)), Mood::Sending);
        assert_eq!(mood(counts(2, 4, 1)), Mood::Attention);
        assert_eq!(mood(Told::NotOpened), Mood::Attention);
    }
}
