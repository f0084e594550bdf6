//! Until when a sign-in is good: read from a token that carries it, or entered by a person. Nothing is decided by it; it is
//! shown in time, and the service has the last word.

use crate::{
    app::{App, account_name},
    problem_text::invalid,
    wire::{answers::*, events::AppEvent, requests::*},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use labferry_model::{Expiry, Remaining, Secrets, Timestamp, ToldBy};
use labferry_provider::ServiceForm;
use serde_json::Value;

/// A longer text is no token: web servers refuse headers above 8 to 16 KiB.
const LONGEST_TOKEN: usize = 16 << 10;
/// The end of the year 9999 in milliseconds: what lies behind it is a mistake, and no calendar shows it.
const LATEST: i64 = 253_402_300_799_999;

/// The earliest end that one of the form's secrets tells of itself. What a service added to them, such as an access token it
/// renews by itself every hour, is no concern of a person's.
pub(crate) fn told(form: &ServiceForm, secrets: &Secrets) -> Option<Expiry> {
    let own = form.fields.iter().filter(|field| field.secret);
    let ends = own.filter_map(|field| of_token(secrets.get(&field.name)?.reveal()));
    ends.min().map(|at| Expiry { at, told_by: ToldBy::Token })
}

/// The `exp` of a JSON Web Token (RFC 7519, 4.1.4: seconds since 1970, perhaps with a fraction). The signature is not looked
/// at, because nothing is granted on its word. None for any other text.
fn of_token(token: &str) -> Option<Timestamp> {
    let token = token.trim();
    let mut parts = token.split('.');
    let (header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if token.len() > LONGEST_TOKEN || parts.next().is_some() || !object(header)?.contains_key("alg") {
        return None;
    }
    let seconds = object(claims)?.get("exp")?.as_f64()?;
    // A float turned into an integer stays within its range.
    let at = (seconds * 1_000.0) as i64;
    (1..=LATEST).contains(&at).then_some(Timestamp(at))
}

fn object(part: &str) -> Option<serde_json::Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// What a person entered.
///
/// # Errors
/// A time that no calendar shows.
pub(crate) fn entered(at: Option<i64>) -> Result<Option<Expiry>, ProblemWords> {
    match at {
        None => Ok(None),
        Some(at) if (1..=LATEST).contains(&at) => {
            Ok(Some(Expiry { at: Timestamp(at), told_by: ToldBy::Person }))
        }
        Some(at) => {
            Err(invalid(format!("{at} is no time a sign-in can end at; use one before the year 10000")))
        }
    }
}

/// The row of an expiry, seen from that moment.
pub(crate) fn row(expiry: Expiry, now: Timestamp) -> ExpiryRow {
    let remaining = match expiry.remaining(now) {
        Remaining::Long => "long",
        Remaining::Soon => "soon",
        Remaining::Over => "over",
    };
    ExpiryRow { at: expiry.at.0, told_by: expiry.told_by.name().to_owned(), remaining: remaining.to_owned() }
}

impl App {
    /// Notes until when an account's sign-in is good, as a person knows it; none forgets it.
    ///
    /// # Errors
    /// Settings that are locked, an account that is not there, a token that tells its own end, a time that no calendar shows.
    pub async fn account_expiry(&self, request: SetExpiry) -> Result<AccountRow, ProblemWords> {
        self.may_change().await?;
        let name = account_name(&request.account)?;
        let mut account = self.shared.connections.account(&name).await?;
        if account.expiry.is_some_and(|expiry| expiry.told_by == ToldBy::Token) {
            return Err(invalid(format!(
                "the token of {name} says itself until when it is good; add the account again to give it another token"
            )));
        }
        account.expiry = entered(request.at)?;
        self.shared.store.update_account(&account).await?;
        self.tell(AppEvent::AccountsChanged);
        Ok(self.account_row(&account))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use labferry_model::Secret;
    use labferry_provider::FormField;

    fn token(header: &str, claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    #[test]
    fn the_end_of_a_token_is_read_and_nothing_else_is_taken_for_one() {
        let good = r#"{"alg":"EdDSA"}"#;
        assert_eq!(of_token(&token(good, r#"{"exp":1893456000}"#)), Some(Timestamp(1_893_456_000_000)));
        assert_eq!(of_token(&token(good, r#"{"exp":1893456000.5}"#)), Some(Timestamp(1_893_456_000_500)));
        for none in [
            token(good, r#"{"sub":"me"}"#),
            token(good, r#"{"exp":"tomorrow"}"#),
            token(good, r#"{"exp":-5}"#),
            token(good, r#"{"exp":1e300}"#),
            token(good, "[1]"),
            token(r#"{"typ":"JWT"}"#, r#"{"exp":1893456000}"#),
            format!("{}.more", token(good, r#"{"exp":1893456000}"#)),
            "a.b.c".to_owned(),
            "a-plain-key".to_owned(),
            String::new(),
            format!("{}{}", token(good, r#"{"exp":1893456000}"#), "x".repeat(LONGEST_TOKEN)),
        ] {
            assert_eq!(of_token(&none), None, "{none:.60}");
        }
    }

    #[test]
    fn the_earliest_of_the_form_counts_and_what_a_service_added_does_not() {
        let field = |name: &str| FormField {
            name: name.to_owned(),
            label: String::new(),
            help: String::new(),
            secret: true,
            required: false,
        };
        let form = ServiceForm {
            service: "s".to_owned(),
            title: String::new(),
            default_url: None,
            url_help: String::new(),
            where_to_find: String::new(),
            fields: vec![field("token"), field("other")],
        };
        let ends = |seconds: i64| Secret::new(token(r#"{"alg":"none"}"#, &format!(r#"{{"exp":{seconds}}}"#)));
        let secrets = Secrets::from([
            ("token".to_owned(), ends(3_000)),
            ("other".to_owned(), ends(2_000)),
            ("access_token".to_owned(), ends(1_000)),
        ]);
        assert_eq!(told(&form, &secrets).unwrap().at, Timestamp(2_000_000));
        assert_eq!(told(&form, &Secrets::new()), None);
    }
}
