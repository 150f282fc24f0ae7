//! Settings: whatever is written, they are read or refused in one line, and no secret is shown.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use reflector_server::config::{Config, KEYS, Secret, Sources};

/// The file's text, then after each zero the number of a key and its value in the environment.
pub fn run(input: &[u8]) {
    let mut parts = input.split(|byte| *byte == 0);
    let text = parts.next().unwrap_or_default();
    let file = scratch();
    fs::write(&file.0, text).expect("the folder for scratch files can be written to");
    let environment: BTreeMap<String, String> = parts
        .filter_map(|part| part.split_first())
        .map(|(key, value)| {
            let key = &KEYS[usize::from(*key) % KEYS.len()];
            (key.name.to_owned(), String::from_utf8_lossy(value).into_owned())
        })
        .collect();
    let sources = Sources { file: Some(file.0.clone()), environment, ..Sources::default() };
    let told = match Config::read(&sources) {
        Ok(config) => format!("{config:?}"),
        Err(refused) => {
            let line = refused.to_string();
            assert!(!line.contains(['\n', '\r']), "{line:?} is more than a line");
            line
        }
    };
    let described = Config::describe(&sources).unwrap_or_else(|refused| refused.to_string());
    let in_environment = KEYS
        .iter()
        .filter(|key| key.secret == Secret::All)
        .filter_map(|key| sources.environment.get(key.name));
    let all = String::from_utf8_lossy(input);
    for secret in secrets_of(&String::from_utf8_lossy(text)).chain(in_environment.map(String::as_str)) {
        // What is short, or stands elsewhere too, may be shown from there.
        if secret.trim().len() > 12 && all.matches(secret).count() == 1 {
            assert!(!told.contains(secret), "{secret} is shown in {told}");
            assert!(!described.contains(secret), "{secret} is shown in {described}");
        }
    }
}

/// What a file holds in the line of a secret, whether or not that line can be read.
fn secrets_of(file: &str) -> impl Iterator<Item = &str> {
    let secret =
        KEYS.iter().filter(|key| key.secret == Secret::All).map(reflector_server::config::Key::in_file);
    secret.flat_map(move |key| {
        file.lines().filter_map(move |line| line.strip_prefix(key.as_str())?.split('"').nth(1))
    })
}

/// A file that goes when it is not needed any more.
struct Scratch(PathBuf);

fn scratch() -> Scratch {
    let name = format!("reflector-fuzz-{}-{:?}.toml", std::process::id(), std::thread::current().id());
    Scratch(std::env::temp_dir().join(name))
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nobody minds one that is left.
        let _ = fs::remove_file(&self.0);
    }
}
