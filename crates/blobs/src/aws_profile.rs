//! The files in `~/.aws` that AWS tools share: one profile of them, and the credentials it gives.
//!
//! Keys are read anew every minute and a `credential_process` is run anew before its keys expire, so that tools which
//! write short-lived keys need no restart of ours. What needs a login in a browser or takes another role is left to such a
//! process; the error says which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use serde::Deserialize;
use tokio::sync::Mutex;
use upnext_core::{Clock as _, SystemClock, Timestamp};

use crate::vars::Vars;

/// How long keys from a file are taken for good without looking.
const LOOK_AFTER: Duration = Duration::from_secs(60);

/// How long before their end keys of a process are replaced.
const BEFORE_END: Duration = Duration::from_secs(300);

/// One profile: what the files say about it.
#[derive(Default)]
pub(crate) struct Profile {
    name: String,
    files: [PathBuf; 2],
    values: BTreeMap<String, String>,
}

impl Profile {
    /// The profile that `AWS_PROFILE` names, else `default`; `None` when there is no such one and none was asked for.
    pub(crate) fn read(vars: &Vars) -> Result<Option<Self>, String> {
        let asked = vars.get("AWS_PROFILE");
        let file = |name: &str, usual: &str| match vars.get(name) {
            Some(path) => Some(PathBuf::from(path)),
            None => vars.home().map(|home| home.join(".aws").join(usual)),
        };
        let files = [
            file("AWS_SHARED_CREDENTIALS_FILE", "credentials").unwrap_or_default(),
            file("AWS_CONFIG_FILE", "config").unwrap_or_default(),
        ];
        let name = asked.unwrap_or("default").to_owned();
        let found = Self::from_files(&name, &files)?;
        if found.is_none() && asked.is_some() {
            let [credentials, config] = &files;
            return Err(format!(
                "the AWS profile '{name}' is in neither {} nor {}: set AWS_PROFILE to one that is",
                credentials.display(),
                config.display()
            ));
        }
        Ok(found)
    }

    fn from_files(name: &str, files: &[PathBuf; 2]) -> Result<Option<Self>, String> {
        let [credentials, config] = files;
        // In `config` all sections but the default's say what they are.
        let sections = if name == "default" {
            vec!["default".to_owned(), "profile default".to_owned()]
        } else {
            vec![format!("profile {name}")]
        };
        let mut values = section(&text_of(config)?, &sections);
        let keys = section(&text_of(credentials)?, &[name.to_owned()]);
        if values.is_none() && keys.is_none() {
            return Ok(None);
        }
        // Keys of the credentials file come before those of the other.
        values.get_or_insert_default().extend(keys.unwrap_or_default());
        Ok(Some(Self { name: name.to_owned(), files: files.clone(), values: values.unwrap_or_default() }))
    }

    /// What the profile says, if it says it.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn keys(&self) -> Option<AwsCredential> {
        Some(AwsCredential {
            key_id: self.get("aws_access_key_id")?.to_owned(),
            secret_key: self.get("aws_secret_access_key")?.to_owned(),
            token: self.get("aws_session_token").map(str::to_owned),
        })
    }
}

/// The text of a file; nothing when there is no such file.
fn text_of(path: &Path) -> Result<String, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

/// The `name = value` lines under these headings; `None` when there is no such heading. Indented lines are nested settings of
/// the line before, none of which concerns us.
fn section(text: &str, headings: &[String]) -> Option<BTreeMap<String, String>> {
    let mut found: Option<BTreeMap<String, String>> = None;
    let mut inside = false;
    for line in text.lines() {
        let line = line.trim_end();
        if line.starts_with(['#', ';', ' ', '\t']) {
            continue;
        }
        if let Some(heading) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let heading = heading.split_whitespace().collect::<Vec<_>>().join(" ");
            inside = headings.contains(&heading);
            if inside {
                found.get_or_insert_default();
            }
        } else if inside && let Some((name, value)) = line.split_once('=') {
            let value = value.split(" #").next().unwrap_or_default().trim();
            found.get_or_insert_default().insert(name.trim().to_ascii_lowercase(), value.to_owned());
        }
    }
    found
}

/// Credentials from a profile.
pub(crate) struct ProfileCredentials {
    name: String,
    source: Source,
    known: Mutex<Option<Known>>,
}

enum Source {
    Files([PathBuf; 2]),
    Process(Vec<String>),
}

/// Credentials that were found, and until when nobody has to look again.
struct Known {
    credential: Arc<AwsCredential>,
    until: Option<Instant>,
}

impl std::fmt::Debug for ProfileCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProfileCredentials").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ProfileCredentials {
    /// `None` when the profile says nothing about credentials.
    pub(crate) fn of(profile: Profile) -> Result<Option<Self>, String> {
        let source = if profile.keys().is_some() {
            Source::Files(profile.files)
        } else if let Some(command) = profile.get("credential_process") {
            Source::Process(words(command))
        } else if profile.get("web_identity_token_file").is_some() {
            return Ok(None);
        } else if let Some(way) =
            ["role_arn", "sso_session", "sso_start_url"].into_iter().find(|name| profile.get(name).is_some())
        {
            return Err(format!(
                "the AWS profile '{0}' gives credentials by {way}, which needs the AWS command line: set AWS_PROFILE to a \
                 profile with `credential_process = aws configure export-credentials --profile {0} --format process`",
                profile.name
            ));
        } else {
            return Ok(None);
        };
        Ok(Some(Self { name: profile.name, source, known: Mutex::new(None) }))
    }

    async fn look(&self) -> Result<Known, String> {
        match &self.source {
            Source::Files(files) => {
                let (name, files) = (self.name.clone(), files.clone());
                let read = tokio::task::spawn_blocking(move || Profile::from_files(&name, &files));
                let profile = read.await.map_err(|error| error.to_string())??;
                let keys = profile.and_then(|profile| profile.keys());
                let credential =
                    keys.ok_or_else(|| format!("the AWS profile '{}' has no keys any more", self.name))?;
                let until = Instant::now().checked_add(LOOK_AFTER);
                Ok(Known { credential: Arc::new(credential), until })
            }
            Source::Process(command) => run(command).await.map_err(|reason| {
                format!("the credential_process of the AWS profile '{}' {reason}", self.name)
            }),
        }
    }
}

#[async_trait]
impl CredentialProvider for ProfileCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut known = self.known.lock().await;
        if let Some(known) = &*known
            && known.until.is_none_or(|until| Instant::now() < until)
        {
            return Ok(Arc::clone(&known.credential));
        }
        let found = self.look().await;
        let found =
            found.map_err(|reason| object_store::Error::Generic { store: "S3", source: reason.into() })?;
        let credential = Arc::clone(&found.credential);
        *known = Some(found);
        Ok(credential)
    }
}

/// What a `credential_process` prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<Timestamp>,
}

async fn run(command: &[String]) -> Result<Known, String> {
    let (program, arguments) = command.split_first().ok_or("is empty")?;
    let mut process = tokio::process::Command::new(program);
    process.args(arguments).stdin(std::process::Stdio::null()).kill_on_drop(true);
    let output = process.output().await.map_err(|error| format!("could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("ended with {}", output.status));
    }
    // What it printed is a secret: the error does not show it.
    let printed =
        serde_json::from_slice::<Printed>(&output.stdout).ok().filter(|printed| printed.version == 1);
    let printed = printed.ok_or("printed something else than credentials of version 1")?;
    let left = printed.expiration.map(|end| end.since(SystemClock.now()).saturating_sub(BEFORE_END));
    Ok(Known {
        credential: Arc::new(AwsCredential {
            key_id: printed.access_key_id,
            secret_key: printed.secret_access_key,
            token: printed.session_token,
        }),
        until: left.and_then(|left| Instant::now().checked_add(left)),
    })
}

/// The words of a command; quotes keep spaces together.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Home(tempfile::TempDir);

    impl Home {
        fn new(credentials: &str, config: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join(".aws")).unwrap();
            std::fs::write(folder.path().join(".aws/credentials"), credentials).unwrap();
            std::fs::write(folder.path().join(".aws/config"), config).unwrap();
            Self(folder)
        }

        fn profile(&self, name: Option<&str>) -> Result<Option<Profile>, String> {
            let mut vars = vec![("HOME".to_owned(), self.0.path().to_str().unwrap().to_owned())];
            vars.extend(name.map(|name| ("AWS_PROFILE".to_owned(), name.to_owned())));
            Profile::read(&vars.into_iter().collect())
        }
    }

    #[test]
    fn profiles_are_told_apart() {
        let home = Home::new(
            "# mine\n[default]\naws_access_key_id=A\naws_secret_access_key = B\n\n[ci]\naws_access_key_id=C\n\
             aws_secret_access_key=D # not E\naws_session_token=T\n",
            "[default]\nregion = eu-west-1\ns3 =\n    region = no\n[profile ci]\nregion=us-west-2\n[ci]\nregion=no\n",
        );
        let default = home.profile(None).unwrap().unwrap();
        assert_eq!(
            (default.get("region"), default.keys().unwrap().key_id.as_str()),
            (Some("eu-west-1"), "A")
        );
        let ci = home.profile(Some("ci")).unwrap().unwrap();
        let keys = ci.keys().unwrap();
        assert_eq!((ci.get("region"), keys.secret_key.as_str()), (Some("us-west-2"), "D"));
        assert_eq!(keys.token.as_deref(), Some("T"));
        assert!(home.profile(Some("nobody")).is_err());
    }

    #[test]
    fn without_files_there_is_no_profile() {
        let vars = [("HOME".to_owned(), "/nonexistent".to_owned())];
        assert!(Profile::read(&vars.into_iter().collect()).unwrap().is_none());
        assert!(Profile::read(&Vec::new().into_iter().collect()).unwrap().is_none());
    }

    #[test]
    fn what_needs_the_command_line_says_so() {
        let home = Home::new("", "[profile sso]\nsso_session = x\n");
        let error = ProfileCredentials::of(home.profile(Some("sso")).unwrap().unwrap()).unwrap_err();
        assert!(
            error.contains("credential_process = aws configure export-credentials --profile sso"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_process_gives_keys_until_they_expire() {
        let home = Home::new("", "");
        let runs = home.0.path().join("runs");
        let script = home.0.path().join("keys.sh");
        let text = format!(
            "echo x >> '{}'\necho '{{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\
             \"Expiration\":\"'$1'\"}}'\n",
            runs.display()
        );
        std::fs::write(&script, text).unwrap();
        for (expiration, times) in [("2999-01-01T00:00:00Z", 1), ("2001-01-01T00:00:00Z", 3)] {
            let config =
                format!("[default]\ncredential_process = sh \"{}\" {expiration}\n", script.display());
            std::fs::write(home.0.path().join(".aws/config"), config).unwrap();
            let profile = home.profile(None).unwrap().unwrap();
            let credentials = ProfileCredentials::of(profile).unwrap().unwrap();
            for _ in 0..2 {
                assert_eq!(credentials.get_credential().await.unwrap().key_id, "A");
            }
            let ran = std::fs::read_to_string(&runs).unwrap().lines().count();
            assert_eq!(ran, times, "runs in all");
        }
    }

    #[tokio::test]
    async fn a_process_that_fails_is_named_and_its_output_is_not() {
        let home = Home::new("", "[default]\ncredential_process = sh -c 'echo hunter2'\n");
        let credentials = ProfileCredentials::of(home.profile(None).unwrap().unwrap()).unwrap().unwrap();
        let error = credentials.get_credential().await.unwrap_err().to_string();
        assert!(error.contains("profile 'default' printed something else"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn quotes_keep_words_together() {
        assert_eq!(words(r#"a  "b c" d'e f'"#), ["a", "b c", "de f"]);
    }
}
