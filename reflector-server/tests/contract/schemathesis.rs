//! Running schemathesis, and what it says.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::program::bare;
use crate::world::{WEBHOOK_SECRET, World};

/// Where it is, if not where `scripts/test.sh` puts it.
const PROGRAM: &str = "REFLECTOR_TEST_SCHEMATHESIS";
/// How many examples a route has.
const EXAMPLES: &str = "REFLECTOR_CONTRACT_EXAMPLES";
/// What the examples follow from.
const SEED: &str = "REFLECTOR_CONTRACT_SEED";

/// A run of it against a program.
pub(crate) struct Schemathesis<'a> {
    world: &'a World,
    document: String,
    settings: String,
}

impl<'a> Schemathesis<'a> {
    /// With the document that the program shows.
    pub(crate) fn of(world: &'a World) -> Self {
        let document = format!("http://{}/openapi.json", world.program.address);
        Self { world, document, settings: settings(world) }
    }

    /// With another document.
    pub(crate) fn with_document(self, file: &str) -> Self {
        Self { document: file.to_owned(), ..self }
    }

    /// Runs it to its end.
    pub(crate) fn run(&self) -> Outcome {
        let folder = self.world.program.folder.path();
        fs::write(folder.join("schemathesis.toml"), &self.settings).expect("it can be written");
        let mut command = bare(Command::new(program()), folder);
        command.env("CONTRACT_WEBHOOK_SECRET", WEBHOOK_SECRET);
        command.env("SCHEMATHESIS_HOOKS", "hooks.py").env("PYTHONDONTWRITEBYTECODE", "1");
        fs::write(folder.join("hooks.py"), include_str!("hooks.py")).expect("it can be written");
        command.args(["--config-file", "schemathesis.toml", "run", &self.document]);
        command.args(["--url", &format!("http://{}", self.world.program.address)]);
        command.args(["--no-color", "--warnings", "off", "--suppress-health-check", "all"]);
        command.args(["--max-examples", &variable(EXAMPLES, "20")]);
        command.args(["--seed", &variable(SEED, "1"), "--generation-database", "none"]);
        Outcome(command.output().expect("it runs"))
    }
}

/// What it found.
pub(crate) struct Outcome(Output);

impl Outcome {
    pub(crate) fn found_nothing(&self) -> bool {
        self.0.status.success()
    }

    /// Whether it found something about a route.
    pub(crate) fn blames(&self, route: &str) -> bool {
        let text = String::from_utf8_lossy(&self.0.stdout);
        let mut titles = text.lines().filter(|line| line.starts_with("___") && line.ends_with("___"));
        titles.any(|title| title.trim_matches('_').trim() == route)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0.stdout))?;
        f.write_str(&String::from_utf8_lossy(&self.0.stderr))
    }
}

/// What it asks for, and what it looks at. Whether all that fits the document is accepted is not looked at: no schema
/// says that an end is after its start. Nor is it whether what was deleted is gone: a meeting is cancelled so, and stays
/// to be read.
fn settings(world: &World) -> String {
    let mut text = format!(
        "request-timeout = 30\nmax-stream-events = 50\n\
         [checks]\npositive_data_acceptance.enabled = false\nuse_after_free.enabled = false\n\
         ignored_auth.enabled = {}\n",
        world.asks_who_calls
    );
    if world.asks_who_calls {
        text += &format!("[auth.openapi.api_key]\napi_key = \"{}\"\n", world.key);
    }
    let dictionaries = [
        ("rooms", &world.rooms),
        ("doomed_rooms", &world.doomed_rooms),
        ("meetings", &world.meetings),
        ("doomed_meetings", &world.doomed_meetings),
        ("recordings", &world.recordings),
        ("doomed_recordings", &world.doomed_recordings),
        ("transcripts", &world.transcripts),
        ("doomed_transcripts", &world.doomed_transcripts),
        ("tokens", &world.tokens),
        ("providers", &vec!["whereby".to_owned()]),
    ];
    text += "[dictionaries]\n";
    for (name, values) in dictionaries {
        text += &format!("{name} = {{ values = {values:?} }}\n");
    }
    let often = |parameter: &str, of: &str| {
        format!("\"{parameter}\" = {{ dictionary = \"{of}\", probability = 0.7 }}\n")
    };
    text += "[parameters]\n";
    for (parameter, of) in [
        ("path.room", "rooms"),
        ("path.meeting", "meetings"),
        ("path.recording", "recordings"),
        ("path.transcript", "transcripts"),
        ("path.provider", "providers"),
        ("query.room", "rooms"),
        ("body.meeting_id", "meetings"),
        ("body.participant_token", "tokens"),
    ] {
        text += &often(parameter, of);
    }
    // The stream of what happens has no end, and tells at once what stands.
    text += "[[operations]]\ninclude-operation-id = \"listen\"\nmax-stream-events = 1\n";
    for (operation, parameter, of) in [
        ("delete_room", "path.room", "doomed_rooms"),
        ("cancel_meeting", "path.meeting", "doomed_meetings"),
        ("end_meeting", "path.meeting", "doomed_meetings"),
        ("delete_recording", "path.recording", "doomed_recordings"),
        ("delete_transcript", "path.transcript", "doomed_transcripts"),
    ] {
        let parameters = often(parameter, of);
        text += &format!(
            "[[operations]]\ninclude-operation-id = \"{operation}\"\n[operations.parameters]\n{parameters}"
        );
    }
    text
}

fn program() -> PathBuf {
    match std::env::var_os(PROGRAM) {
        Some(named) => named.into(),
        None => environment().join("schemathesis"),
    }
}

/// The Python that it runs in.
pub(crate) fn python() -> PathBuf {
    program().with_file_name("python")
}

/// The environment of Python's that it is in.
fn environment() -> PathBuf {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/schemathesis/bin");
    assert!(ours.exists(), "schemathesis is not there: run `bash scripts/test.sh`, or set {PROGRAM}");
    ours
}

fn variable(name: &str, usual: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| usual.to_owned())
}
