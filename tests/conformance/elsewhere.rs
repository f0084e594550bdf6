//! Another server than the practice lab as the target, named by the environment:
//!
//! - `LABFERRY_TARGET`: the enrolled service it is, such as `nrp_with_signed_links`; the others are left out
//! - `LABFERRY_TARGET_URL`: its address
//! - `LABFERRY_TARGET_SECRET_…`: each secret of the account by its field in capitals, such as `…_TOKEN`
//! - `LABFERRY_TARGET_COLLEAGUE_…`: the same for a second account; the first one where there is none
//! - `LABFERRY_TARGET_SETTING_…`: each other field
//! - `LABFERRY_TARGET_PLACE`: where to put files, for a service in which nobody can make a place
//!
//! A case ends where it needs something that only the practice lab can do: going wrong, a new world, a look inside.
//! What it made is deleted again, where the service can.

use labferry_model::{Secret, Secrets};
use labferry_provider::ServiceForm;
use std::{collections::BTreeMap, env};

/// Another server.
pub(crate) struct Elsewhere {
    pub(crate) url: String,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) secrets: Secrets,
    pub(crate) colleague: Secrets,
    pub(crate) place: Option<String>,
}

/// Which server a case is meant for.
pub(crate) enum Wanted {
    /// None is named.
    PracticeLab,
    /// The named one, and it is this service.
    This(Elsewhere),
    /// The named one, and it is another service.
    Another,
}

impl Elsewhere {
    /// What the environment says about the service of that name.
    pub(crate) fn wanted(enrolled: &str, form: &ServiceForm) -> Wanted {
        let Some(name) = told("") else { return Wanted::PracticeLab };
        assert!(crate::ENROLLED.contains(&name.as_str()), "LABFERRY_TARGET is one of {:?}", crate::ENROLLED);
        if name != enrolled {
            return Wanted::Another;
        }
        let fields = |secret: bool, kind: &str| -> BTreeMap<String, String> {
            let fields = form.fields.iter().filter(|field| field.secret == secret);
            let value = |field: &str| told(&format!("_{kind}_{}", field.to_uppercase()));
            fields.filter_map(|field| Some((field.name.clone(), value(&field.name)?))).collect()
        };
        let secrets = |kind| -> Secrets {
            fields(true, kind).into_iter().map(|(name, text)| (name, Secret::new(text))).collect()
        };
        let own = secrets("SECRET");
        assert!(!own.is_empty(), "LABFERRY_TARGET_SECRET_… names the account's secret");
        let colleague = Some(secrets("COLLEAGUE")).filter(|secrets| !secrets.is_empty());
        Wanted::This(Self {
            url: told("_URL").expect("LABFERRY_TARGET_URL names the server"),
            settings: fields(false, "SETTING"),
            colleague: colleague.unwrap_or_else(|| own.clone()),
            secrets: own,
            place: told("_PLACE"),
        })
    }
}

fn told(what: &str) -> Option<String> {
    env::var(format!("LABFERRY_TARGET{what}")).ok().filter(|text| !text.is_empty())
}
