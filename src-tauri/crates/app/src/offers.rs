//! Files handed over from outside the window: by a file manager's "send to", or on the command line of the desktop app. They
//! are only held here until the window takes them. What becomes of them is asked there; nothing is sent unasked.

use crate::{
    app::App,
    problem_text::invalid,
    wire::{answers::*, events::AppEvent, requests::Empty},
};
use std::{
    path::{Path, PathBuf},
    sync::PoisonError,
};

impl App {
    /// Holds files for the window and tells it. A path is taken as seen from `folder`; it is text and nothing more here,
    /// and whether there is such a file is looked at when the window plans an upload of it.
    pub fn offer(&self, files: Vec<PathBuf>, folder: &Path) {
        if files.is_empty() {
            return;
        }
        {
            let mut offer = self.shared.offered.lock().unwrap_or_else(PoisonError::into_inner);
            for file in files {
                match folder.join(&file).into_os_string().into_string() {
                    Ok(path) => offer.sources.push(path),
                    Err(_) => offer.refused.push(invalid(format!(
                        "the name of {} is no text in UTF-8; give it another name and send it again",
                        file.display()
                    ))),
                }
            }
        }
        self.tell(AppEvent::Offered);
    }

    /// Gives the window what was handed over, once.
    ///
    /// # Errors
    /// None at present.
    pub async fn offers_take(&self, _: Empty) -> Result<Offer, ProblemWords> {
        Ok(std::mem::take(&mut *self.shared.offered.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
