use crate::{Vault, VaultError, VaultKind, encrypted_file::EncryptedFile};
use labferry_model::{AccountName, ProblemCode, Secret, Secrets};
use std::path::PathBuf;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("labferry-vault-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const TOKEN: &str = "tok-3b1f0a77e2";

fn account(name: &str) -> AccountName {
    name.parse().unwrap()
}

fn secrets(token: &str) -> Secrets {
    [("token".to_owned(), Secret::new(token))].into()
}

fn open(folder: &Folder, passphrase: &str) -> Result<EncryptedFile, VaultError> {
    EncryptedFile::open(&folder.0, Secret::new(passphrase))
}

#[test]
fn an_encrypted_file_gives_back_what_it_was_given() {
    let folder = Folder::new("back");
    let file = open(&folder, "correct horse").unwrap();
    assert!(file.read(&account("nrp")).unwrap().is_none());
    file.write(&account("nrp"), &secrets(TOKEN)).unwrap();
    file.write(&account("other"), &secrets("second")).unwrap();

    let again = open(&folder, "correct horse").unwrap();
    assert_eq!(again.read(&account("nrp")).unwrap(), Some(secrets(TOKEN)));
    again.remove(&account("nrp")).unwrap();
    assert_eq!(file.read(&account("nrp")).unwrap(), None, "a change by another handle is seen");
    assert_eq!(file.read(&account("other")).unwrap(), Some(secrets("second")));
}

#[test]
fn the_file_holds_no_plain_text_and_is_for_its_owner_alone() {
    let folder = Folder::new("plain");
    open(&folder, "correct horse").unwrap().write(&account("nrp"), &secrets(TOKEN)).unwrap();
    for entry in std::fs::read_dir(&folder.0).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for word in [TOKEN, "nrp", "correct horse", &hex::encode(TOKEN)] {
            let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!found, "{} holds {word}", path.display());
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(EncryptedFile::path_in(&folder.0)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_wrong_passphrase_and_a_changed_file_open_nothing() {
    let folder = Folder::new("wrong");
    let path = EncryptedFile::path_in(&folder.0);
    open(&folder, "correct horse").unwrap().write(&account("nrp"), &secrets(TOKEN)).unwrap();
    let Err(error) = open(&folder, "wrong horse") else { panic!("it opened") };
    assert_eq!(error.problem().code, ProblemCode::VaultLocked);
    assert!(error.to_string().contains("LABFERRY_PASSPHRASE"), "{error}");

    let text = std::fs::read_to_string(&path).unwrap();
    let at = text.rfind(|c: char| c.is_ascii_hexdigit()).unwrap();
    let other = if &text[at..=at] == "0" { "1" } else { "0" };
    std::fs::write(&path, format!("{}{other}{}", &text[..at], &text[at + 1..])).unwrap();
    assert!(matches!(open(&folder, "correct horse"), Err(VaultError::WrongPassphrase { .. })));

    std::fs::write(&path, "{}").unwrap();
    assert!(matches!(open(&folder, "correct horse"), Err(VaultError::Unreadable { .. })));
}

#[test]
fn two_writers_lose_nothing_of_each_other() {
    let folder = Folder::new("two");
    let first = open(&folder, "correct horse").unwrap();
    let second = open(&folder, "correct horse").unwrap();
    std::thread::scope(|scope| {
        for (file, half) in [(&first, "a"), (&second, "b")] {
            scope.spawn(move || {
                for number in 0..8 {
                    file.write(&account(&format!("{half}{number}")), &secrets(TOKEN)).unwrap();
                }
            });
        }
    });
    for half in ["a", "b"] {
        for number in 0..8 {
            let kept = first.read(&account(&format!("{half}{number}"))).unwrap();
            assert_eq!(kept, Some(secrets(TOKEN)), "{half}{number}");
        }
    }
}

#[tokio::test]
async fn an_existing_file_is_preferred_and_a_wrong_passphrase_is_told() {
    let folder = Folder::new("prefer");
    open(&folder, "correct horse").unwrap().write(&account("nrp"), &secrets(TOKEN)).unwrap();
    let vault = Vault::open(&folder.0, Some(Secret::new("correct horse"))).await.unwrap();
    assert_eq!(vault.kind().await, VaultKind::EncryptedFile);
    assert_eq!(vault.read(&account("nrp")).await.unwrap(), Some(secrets(TOKEN)));
    assert!(Vault::open(&folder.0, Some(Secret::new("wrong"))).await.is_err());
}

#[tokio::test]
async fn a_file_made_on_purpose_is_preferred_from_then_on() {
    let folder = Folder::new("purpose");
    let made = Vault::encrypted_file(&folder.0, Secret::new("correct horse")).await.unwrap();
    made.write(&account("nrp"), &secrets(TOKEN)).await.unwrap();
    Vault::encrypted_file(&folder.0, Secret::new("correct horse")).await.unwrap();
    let vault = Vault::open(&folder.0, Some(Secret::new("correct horse"))).await.unwrap();
    assert_eq!(vault.kind().await, VaultKind::EncryptedFile);
    assert_eq!(vault.read(&account("nrp")).await.unwrap(), Some(secrets(TOKEN)));
}

#[tokio::test]
async fn memory_keeps_for_the_process() {
    let vault = Vault::memory();
    vault.write(&account("nrp"), &secrets(TOKEN)).await.unwrap();
    assert_eq!(vault.clone().read(&account("nrp")).await.unwrap(), Some(secrets(TOKEN)));
    vault.remove(&account("nrp")).await.unwrap();
    assert_eq!(vault.read(&account("nrp")).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_for_this_run_stays_out_of_the_file() {
    let folder = Folder::new("run");
    open(&folder, "correct horse").unwrap().write(&account("nrp"), &secrets(TOKEN)).unwrap();
    let vault = Vault::open(&folder.0, Some(Secret::new("correct horse"))).await.unwrap();
    vault.keep_for_this_run(&account("practice"), secrets("lab"));
    vault.write(&account("practice"), &secrets("renewed")).await.unwrap();
    assert_eq!(vault.read(&account("practice")).await.unwrap(), Some(secrets("renewed")));
    assert_eq!(open(&folder, "correct horse").unwrap().read(&account("practice")).unwrap(), None);
}
