//! Writes the TypeScript types of everything on the wire to `ui/src/bindings`, and the command table with them.
//! `make bindings` runs this; the suites run it too, and CI fails when the committed files differ.

use super::{answers::*, copies::*, events::*, folders::*, lock::*, requests::*};
use std::{collections::BTreeSet, fmt::Write as _, path::PathBuf};
use ts_rs::{Config, TS, TypeVisitor};

/// Exports a type, or what it is made of where it has no file of its own (a list of rows, say).
struct Exporter<'a> {
    config: &'a Config,
    names: BTreeSet<String>,
}

impl TypeVisitor for Exporter<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if T::output_path().is_some() {
            if self.names.insert(T::ident(self.config)) {
                T::export(self.config).unwrap();
                T::visit_dependencies(self);
            }
        } else {
            T::visit_generics(self);
        }
    }
}

macro_rules! describe {
    ($($name:literal $method:ident($request:ty) -> $answer:ty;)*) => {
        fn describe(exporter: &mut Exporter<'_>) -> Vec<(&'static str, String, String)> {
            vec![$({
                exporter.visit::<$request>();
                exporter.visit::<$answer>();
                ($name, <$request>::name(exporter.config), <$answer>::name(exporter.config))
            }),*]
        }
    };
}
crate::command_table!(describe);

#[test]
fn export_bindings() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../ui/src/bindings"));
    std::fs::create_dir_all(&folder).unwrap();
    let config = Config::new().with_out_dir(&folder);
    let mut exporter = Exporter { config: &config, names: BTreeSet::new() };
    let rows = describe(&mut exporter);
    exporter.visit::<AppEvent>();
    exporter.visit::<ProblemWords>();
    assert!(rows.len() > 20, "only {} commands were found", rows.len());

    let mut text = String::from(
        "// Generated from the command table in app/src/wire/commands.rs by `make bindings`. Do not edit.\n",
    );
    for name in &exporter.names {
        writeln!(text, "import type {{ {name} }} from \"./{name}\";").unwrap();
    }
    writeln!(text, "\nexport type {{ {} }};", exporter.names.iter().cloned().collect::<Vec<_>>().join(", "))
        .unwrap();
    text.push_str("\n/** Every command a front end may give: its request and its answer. */\nexport type Commands = {\n");
    for (name, request, answer) in &rows {
        writeln!(text, "  \"{name}\": {{ request: {request}; answer: {answer} }};").unwrap();
    }
    text.push_str("};\n\n/** The name of a command. */\nexport type CommandName = keyof Commands;\n\n/** The names, in the table's order. */\nexport const commandNames: readonly CommandName[] = [\n");
    for (name, ..) in &rows {
        writeln!(text, "  \"{name}\",").unwrap();
    }
    text.push_str(
        "];\n\n/** Every code of a problem that the app has words for. */\nexport type ProblemCode =\n",
    );
    for code in problem_codes() {
        writeln!(text, "  | \"{code}\"").unwrap();
    }
    text.truncate(text.trim_end().len());
    text.push_str(";\n");
    std::fs::write(folder.join("commands.ts"), text).unwrap();
}

/// The name of every problem code. The reader of the enumeration names them all when it is given another one.
fn problem_codes() -> Vec<String> {
    let unknown = serde_json::from_value::<labferry_model::ProblemCode>("".into()).unwrap_err().to_string();
    let codes: Vec<String> = unknown.split('`').skip(1).step_by(2).skip(1).map(str::to_owned).collect();
    assert!(codes.len() > 30 && codes.contains(&"source_missing".to_owned()), "{unknown}");
    codes
}
