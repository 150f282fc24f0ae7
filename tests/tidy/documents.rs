//! What the pages name is there: settings, commands and their flags, files, and what is quoted from examples.

use std::collections::BTreeSet;
use std::fs;

use reflector_server::config::KEYS;

use super::{files, none, root};

/// What programs that use AWS read from their environment: not ours.
const OF_AWS: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
];
/// What only tests read.
const OF_TESTS: [&str; 2] = ["REFLECTOR_TEST_MOTO", "REFLECTOR_TEST_POSTGRES"];

/// The pages for people who use the program, and what is shipped beside them.
fn pages() -> Vec<(String, String)> {
    let mut pages = files("docs", ".md");
    pages.extend(
        ["README.md", "reflector-server/README.md"]
            .map(|path| (path.to_owned(), fs::read_to_string(root().join(path)).expect("it is there"))),
    );
    pages
}

/// The settings that a text names and that are none.
fn unknown_settings(text: &str) -> Vec<String> {
    let is_of_a_name = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    let prefixes = ["REFLECTOR_", "WHEREBY_", "AWS_", "RECORDING_STORAGE_", "DATABASE_"];
    let words: BTreeSet<_> = text
        .split(|letter: char| !is_of_a_name(letter))
        .filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix) && word.len() > prefix.len()))
        .collect();
    let is_known = |word: &&str| {
        KEYS.iter().any(|key| key.name == *word) || OF_AWS.contains(word) || OF_TESTS.contains(word)
    };
    words.into_iter().filter(|word| !is_known(word)).map(str::to_owned).collect()
}

/// What the program can be asked for, as its source has it.
struct Commands {
    /// Each with the commands below it, if there are any.
    words: Vec<(String, Vec<String>)>,
    flags: BTreeSet<String>,
}

impl Commands {
    fn read() -> Self {
        let source = |path: &str| {
            let path = root().join("reflector-server/src").join(path);
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let cli = source("cli.rs");
        let below = |word: &str| match word {
            "rooms" | "meetings" | "recordings" | "pipeline" | "keys" => {
                variants(&source(&format!("commands/{word}.rs")), &format!("enum {}", capital(word)))
            }
            _ => Vec::new(),
        };
        let words: Vec<_> =
            variants(&cli, "enum Command").into_iter().map(|word| (word.clone(), below(&word))).collect();
        let mut flags = BTreeSet::from(["help".to_owned(), "version".to_owned()]);
        for (_, text) in files("reflector-server/src", ".rs") {
            flags.extend(long_flags(&text));
        }
        Self { words, flags }
    }

    /// What of a command line is not there.
    fn unknown(&self, line: &[&str]) -> Option<String> {
        let mut words =
            line.iter().take_while(|word| word.starts_with(|first: char| first.is_ascii_lowercase()));
        if let Some(word) = words.next() {
            let Some((_, below)) = self.words.iter().find(|(known, _)| known == word) else {
                return Some(format!("the command {word}"));
            };
            if let Some(second) = words.next()
                && !below.is_empty()
                && !second.split('|').all(|second| below.iter().any(|known| known == second))
            {
                return Some(format!("the command {word} {second}"));
            }
        }
        let named = line.iter().filter_map(|word| word.strip_prefix("--"));
        let flag = named.map(|flag| flag.split('=').next().unwrap_or(flag));
        let mut unknown = flag.filter(|flag| !flag.is_empty() && !self.flags.contains(*flag));
        unknown.next().map(|flag| format!("the flag --{flag}"))
    }
}

fn capital(word: &str) -> String {
    word[..1].to_ascii_uppercase() + &word[1..]
}

/// The variants of an enum, as commands are called by them.
fn variants(source: &str, declared: &str) -> Vec<String> {
    let body = source.split_once(&format!("{declared} {{")).expect("it is there").1;
    let body = body.split("\n}").next().expect("it ends");
    let at_its_level = body.lines().filter_map(|line| line.strip_prefix("    "));
    let names = at_its_level.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    let name =
        |line: &str| line.split(|letter: char| !letter.is_ascii_alphanumeric()).next().map(str::to_owned);
    names.filter_map(name).map(|name| name.to_ascii_lowercase()).collect()
}

/// The flags that a source declares: fields under `#[arg(long…)]`.
fn long_flags(source: &str) -> Vec<String> {
    let mut flags = Vec::new();
    let mut is_next = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[arg(") {
            is_next = line.contains("long");
        } else if is_next && let Some((field, _)) = line.split_once(": ") {
            flags.push(field.trim_start_matches("pub(crate) ").trim_start_matches("pub ").replace('_', "-"));
            is_next = false;
        }
    }
    flags
}

/// The command lines of the program in a page: in blocks of code, and between backticks.
fn command_lines(page: &str) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in page.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            let code = line.split(" # ").next().unwrap_or(line);
            found.extend(code.split([';', '&', '|']).filter_map(command_line));
        } else {
            found.extend(line.split('`').skip(1).step_by(2).filter_map(command_line));
        }
    }
    found
}

/// What stands behind the program's name, if this calls it.
fn command_line(code: &str) -> Option<Vec<&str>> {
    let mut words = code.split_whitespace().skip_while(|word| word.contains('='));
    match words.next()? {
        "reflector" => Some(words.collect()),
        "cargo" if words.next() == Some("run") => {
            let words: Vec<_> = words.collect();
            let is_ours = !words.contains(&"-p");
            let ours = words.split(|word| *word == "--").nth(1)?;
            is_ours.then(|| ours.to_vec())
        }
        _ => None,
    }
}

#[test]
fn every_setting_that_a_page_names_is_one() {
    let mut complaints = Vec::new();
    let shipped = files("deploy", "").into_iter().chain(files("docs/grafana", ""));
    for (path, text) in pages().into_iter().chain(shipped) {
        complaints.extend(unknown_settings(&text).iter().map(|word| format!("{path} names {word}")));
    }
    none(&complaints);
    let wrong = "`REFLECTOR_GRACE`, REFLECTOR_GRACES and WHEREBY_KEY=x";
    assert_eq!(unknown_settings(wrong), ["REFLECTOR_GRACES", "WHEREBY_KEY"]);
}

#[test]
fn every_command_and_flag_that_a_page_names_is_one() {
    let commands = Commands::read();
    let (mut complaints, mut seen) = (Vec::new(), 0);
    for (path, text) in pages() {
        for line in command_lines(&text) {
            seen += 1;
            let unknown = commands.unknown(&line);
            complaints
                .extend(unknown.map(|what| format!("{path} names {what}: reflector {}", line.join(" "))));
        }
    }
    none(&complaints);
    assert!(seen > 50, "only {seen} command lines are seen");

    let wrong = "`reflector dance`, `reflector meetings dance ID` and `reflector doctor --dance`\n\
                 ```sh\nX=y reflector config && reflector rooms list|dance  # why\ncargo run --release -- dance\n```";
    let found: Vec<_> = command_lines(wrong).iter().filter_map(|line| commands.unknown(line)).collect();
    assert_eq!(
        found,
        ["the command dance", "the command meetings dance", "the flag --dance", "the command dance"]
    );
}

#[test]
fn every_file_that_a_page_of_docs_links_to_is_there() {
    let mut complaints = Vec::new();
    for (path, text) in pages() {
        let folder = root().join(&path);
        let folder = folder.parent().expect("it is in a folder");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !target.contains("://") && !folder.join(file).exists() {
                complaints.push(format!("{path} links to {target}"));
            }
        }
    }
    none(&complaints);
}

/// The lines of a text, however far they are moved in.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).collect()
}

#[test]
fn what_the_page_on_providers_quotes_stands_in_the_example() {
    let example = fs::read_to_string(root().join("examples/my_provider.rs")).expect("it is there");
    let page = fs::read_to_string(root().join("docs/providers.md")).expect("it is there");
    let example = lines(&example);
    let blocks: Vec<_> =
        page.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 6, "{} are quoted", blocks.len());
    for block in blocks {
        let quoted = lines(block);
        assert!(
            example.windows(quoted.len()).any(|window| window == quoted),
            "it is not in the example: {block}"
        );
    }
}
