//! Lets Tauri read its configuration, and tells it where the capabilities lie: the package stands a folder above them.

fn main() {
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    let attributes =
        tauri_build::Attributes::new().capabilities_path_pattern("./src-tauri/capabilities/**/*.json");
    if let Err(error) = tauri_build::try_build(attributes) {
        // An error from here is a mistake in tauri.conf.json or in a capability; the whole chain names the place.
        println!("cargo:error={error:#}");
        std::process::exit(1);
    }
}
