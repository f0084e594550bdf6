//! Answers go to standard output, words to standard error. With `--json` standard output is a contract.

use crate::exit::{Exit, Failure, usage};
use labferry_app::wire::answers::ProblemWords;
use serde::Serialize;
use serde_json::json;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// How to tell what happened.
pub(crate) struct Output {
    pub(crate) json: bool,
    quiet: bool,
    yes: bool,
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool, yes: bool) -> Self {
        Self { json, quiet, yes }
    }

    /// A line of the answer, for people. Names come from foreign services: nothing in them may steer a terminal.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(io::stdout().lock(), "{}", harmless(text))?)
    }

    /// The answer byte for byte.
    pub(crate) fn exactly(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        Ok(stdout.flush()?)
    }

    /// One JSON value on a line.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value)
            .map_err(|error| Failure::Words(format!("The answer could not be written as JSON: {error}.")))?;
        Ok(writeln!(io::stdout().lock(), "{text}")?)
    }

    /// Words beside the answer.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            complain(text);
        }
    }

    /// Words about a problem: `--quiet` does not silence them.
    pub(crate) fn say_always(&self, text: &str) {
        complain(text);
    }

    /// A problem that did not end the command.
    pub(crate) fn problem(&self, problem: &ProblemWords) -> Result<(), Failure> {
        complain(&format!("{} {}", problem.message, problem.next));
        if self.json {
            let ProblemWords { code, message, next, .. } = problem;
            return self.json(&json!({ "problem": { "code": code, "message": message, "next": next } }));
        }
        Ok(())
    }

    /// Tells how a command failed, and with which code it ends.
    pub(crate) fn fail(&self, failure: Failure) -> Exit {
        let (exit, code, message) = match failure {
            Failure::Problem(problem) => {
                // Standard output may be closed; the code tells enough then.
                let _ = self.problem(&problem);
                return Exit::of(&problem);
            }
            // Whoever read our output has seen enough, as with `labferry ls … | head`.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return Exit::Failed,
            Failure::Output(error) => {
                complain(&format!("Standard output cannot be written: {error}. Check where it leads."));
                return Exit::Failed;
            }
            Failure::Usage(sentence) => (Exit::Usage, "invalid_request", sentence),
            Failure::Words(sentence) => (Exit::Failed, "failed", sentence),
            Failure::Stopped(sentence) => (Exit::Cancelled, "cancelled", sentence),
        };
        complain(&message);
        if self.json {
            let _ = self.json(&json!({ "problem": { "code": code, "message": message, "next": "" } }));
        }
        exit
    }

    /// Whether progress has somebody to look at it.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Asks before something that cannot be undone.
    pub(crate) fn confirm(&self, question: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(usage(format!("{question} Nobody can be asked here: say --yes to do it.")));
        }
        let mut stderr = io::stderr().lock();
        // A question nobody can read is answered with nothing, which is no.
        let _ = write!(stderr, "{} [y/N] ", harmless(question)).and_then(|()| stderr.flush());
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::Stopped("Nothing was done.".to_owned())),
        }
    }
}

fn complain(text: &str) {
    // There is nowhere left to say that standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{}", harmless(text));
}

/// Text without anything that steers a terminal.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn foreign_text_does_not_steer_the_terminal() {
        assert_eq!(super::harmless("a\u{1b}[31mb\r\nc"), "a\u{fffd}[31mb\u{fffd}\nc");
    }
}
