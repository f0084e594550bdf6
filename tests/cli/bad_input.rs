//! Every input that cannot be used gets one clear sentence: what, which file, why, what next.

use crate::bench::{Lab, User, bytes};
use std::fs;
#[cfg(unix)]
use std::process::Command;

#[test]
fn sources_that_cannot_be_sent_are_named_and_the_rest_is_sent() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.run(&["put", "gone.tif", &place]).complains(1, &["gone.tif", "not on this computer"]);
    fs::create_dir(user.path("folder")).unwrap();
    user.run(&["put", "folder", &place]).complains(1, &["folder", "without files"]);
    user.write("folder/a.txt", b"a");
    user.run(&["put", "folder", "--name", "b.txt", &place]).complains(2, &["folder", "b.txt", "single file"]);
    user.run(&["put", "folder/a.txt", "gone.tif", "--name", "b.txt", &place])
        .complains(2, &["b.txt", "single file"]);
    user.run(&["check", "folder"]).complains(2, &["folder"]);
    user.run(&["check", "folder", &place]).complains(2, &["folder", "is a folder"]);
    assert!(user.queue().is_empty(), "nothing was queued for any of them");

    let ran = user.run(&["put", "gone.tif", "folder", &place]);
    ran.complains(1, &["gone.tif"]);
    assert!(ran.stdout.contains("verified: ") && ran.stdout.contains("folder/a.txt"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_named() {
    let setpriv =
        Command::new("setpriv").arg("--version").output().is_ok_and(|output| output.status.success());
    let is_root = fs::read_dir("/proc/self/task").is_ok()
        && Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if is_root && !setpriv {
        println!("skipped: root reads every file, and there is no setpriv to run as somebody else");
        return;
    }
    let lab = Lab::start();
    let user = User::of(&lab);
    let secret = user.write("secret.tif", b"x");
    set_mode(&secret, 0o000);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    let ran = if is_root {
        let folder = user.folder.path();
        assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(folder).status().unwrap().success());
        // The program may lie where only root may look; a copy lies where anybody may.
        let program = user.path("labferry");
        fs::copy(crate::bench::program(), &program).unwrap();
        set_mode(&program, 0o755);
        set_mode(folder, 0o755);
        let own = user.command(&["put", "secret.tif", &place]);
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        command.args(own.get_args()).current_dir(folder);
        command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        crate::bench::Ran::of(&command.output().unwrap())
    } else {
        user.run(&["put", "secret.tif", &place])
    };
    ran.complains(1, &["secret.tif", "cannot be read", "ermission"]);
    assert!(lab.file("secret.tif").is_none());
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn names_are_taken_as_they_are_or_refused_before_anything_is_sent() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.write("a.txt", b"a");
    for name in ["..", ".", "...", "a/../b", "../b", " "] {
        user.run(&["put", "a.txt", &place, "--name", name])
            .complains(1, &["does not take the name", "a.txt"]);
    }
    assert!(user.queue().is_empty());
    let longest = format!("{}.txt", "n".repeat(251));
    user.write(&longest, b"long");
    user.run(&["put", &longest, &place]).well();
    assert_eq!(lab.file(&longest).unwrap()["size"], 4);
    user.run(&["put", "a.txt", &place, "--name", &"n".repeat(256)])
        .complains(1, &["does not take the name", "255 bytes", "a.txt"]);
    user.run(&["put", "a.txt", &place, "--name", "run 1/sub/Größe.txt"]).well();
    assert_eq!(lab.file("run 1/sub/Größe.txt").unwrap()["size"], 1);
}

#[test]
fn an_empty_file_is_sent_where_that_is_taken_and_refused_in_words_where_not() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.write("empty.txt", b"");
    let ran = user.run(&["put", "empty.txt", &place]);
    match lab.file("empty.txt") {
        Some(file) => {
            ran.well();
            assert_eq!(file["size"], 0);
            user.run(&["get", &format!("{place}/empty.txt"), "back.txt"]).well();
            assert_eq!(fs::read(user.path("back.txt")).unwrap(), b"");
        }
        None => ran.complains(1, &["empty.txt", "is empty"]),
    }
}

#[test]
fn places_that_are_none_or_not_mine_are_named() {
    let lab = Lab::start();
    let user = User::of(&lab);
    user.write("a.txt", b"a");
    user.run(&["put", "a.txt", "no-place"]).complains(2, &["no-place", "ACCOUNT:PATH"]);
    user.run(&["ls", "no-place"]).complains(2, &["no-place", "ACCOUNT:PATH"]);
    let nobody = user.run(&["put", "a.txt", "nobody:x"]);
    assert_ne!(nobody.code, Some(0));
    assert!(nobody.stderr.contains("nobody"), "{nobody:?}");
    user.run(&["put", "a.txt", "lab:abcde-12345"]).complains(1, &["abcde-12345", "not found"]);
    user.run(&["get", "lab:", "."]).complains(2, &["lab:", "whole account"]);
    user.run(&["rm", "lab:", "--yes"]).complains(2, &["lab:", "whole account"]);

    let users = lab.get("/inspect/users");
    let others = users.as_array().unwrap().iter().find(|user| user["token"] != lab.token.as_str()).unwrap();
    user.add_account("theirs", &lab.url, others["token"].as_str().unwrap()).well();
    let made = user.run(&["record", "create", "theirs:", "--set", "title=Not mine", "--json"]).well();
    let path = made.json()["path"].as_str().unwrap().to_owned();
    let ran = user.run(&["put", "a.txt", &format!("lab:{path}")]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains(&path), "{ran:?}");
    assert!(user.queue().is_empty(), "nothing was queued");
}

#[test]
fn a_published_record_takes_no_file_and_says_so() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let listed = user.run(&["ls", "lab:", "--json"]).well().json();
    let published =
        listed["entries"].as_array().unwrap().iter().find(|entry| entry["container"]["kind"] == "record");
    let path = published.unwrap()["container"]["path"].as_str().unwrap().to_owned();
    user.write("a.txt", b"a");
    user.run(&["put", "a.txt", &format!("lab:{path}")])
        .complains(1, &[&path, "published or locked", "new version"]);
}

#[test]
fn a_clash_is_asked_about_and_an_answer_goes_with_the_second_start() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.write("a.txt", b"first");
    user.run(&["put", "a.txt", &place]).well();
    user.write("a.txt", b"second");
    user.run(&["put", "a.txt", &place]).complains(1, &["a.txt", "another file", "rename"]);
    user.run(&["put", "a.txt", &place, "--on-clash", "rename"]).well();
    assert_eq!(lab.file("a (2).txt").unwrap()["size"], 6);
    assert_eq!(lab.file("a.txt").unwrap()["size"], 5, "what was there is untouched");
    user.run(&["check", "a.txt", &place]).complains(1, &["a.txt", "another size"]);
    user.run(&["put", "a.txt", &place, "--on-clash", "skip"]).well();
    user.run(&["get", &format!("{place}/a.txt"), "a.txt"]).complains(1, &["a.txt", "already"]);
    assert_eq!(fs::read(user.path("a.txt")).unwrap(), b"second", "nothing here was written over");
}

#[test]
fn usage_is_checked_before_anything_is_opened() {
    let user = User::new();
    for arguments in [
        &["frobnicate"][..],
        &["put", "a.txt"],
        &["put", "a.txt", "lab:x", "--on-clash", "maybe"],
        &["queue", "pause"],
        &["queue", "pause", "1", "--all"],
        &["account", "add", "nrp"],
        &["copy", "a:b"],
        &["queue", "move", "1"],
        &["queue", "move", "1", "first", "--last"],
        &["queue", "move", "1", "--first", "--before", "2"],
        &["watch", "add", "folder"],
    ] {
        assert_eq!(user.run(arguments).code, Some(2), "{arguments:?}");
    }
    user.run(&["put", "-", "lab:x"]).complains(2, &["--name"]);
    user.run(&["put", "-", "-", "lab:x", "--name", "n"]).complains(2, &["once"]);
    user.run(&["get", "lab:x/y", "-", "--json"]).complains(2, &["standard output"]);
    assert!(!user.data().exists(), "no data folder was made for that");
    user.run(&["account", "add", "dropbox", "box"]).complains(2, &["dropbox", "nrp"]);
    user.run(&[
        "account",
        "add",
        "nrp",
        "lab",
        "--url",
        "http://127.0.0.1:9",
        "--secret-env",
        "NO_SUCH_VARIABLE",
    ])
    .complains(2, &["NO_SUCH_VARIABLE", "not set"]);
    user.run(&["account", "add", "nrp", "lab", "--url", "http://127.0.0.1:9"])
        .complains(2, &["token", "missing"]);
}

#[test]
fn standard_input_is_sent_like_a_file_and_not_kept() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    let content = bytes(3 << 20, 5);
    user.run_with_input(&["put", "-", &place, "--name", "piped.bin"], &content).well();
    assert_eq!(lab.file("piped.bin").unwrap()["size"], 3 << 20);
    let kept = fs::read_dir(user.data().join("standard-input")).unwrap().count();
    assert_eq!(kept, 0, "what was sent is not kept");
    let output = user.command(&["get", &format!("{place}/piped.bin"), "-"]).output().unwrap();
    assert!(output.status.success() && output.stdout == content);
    assert_eq!(fs::read_dir(user.data().join("standard-output")).unwrap().count(), 0);
    assert_eq!(user.queue().len(), 1, "the fetched copy is gone, and so is its row");
}
