//! What a process does of all that the server does.

/// What a process does: a deployment may spread it over several that share one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Answers requests, takes in what providers send, and serves the built-in provider's rooms.
    pub api: bool,
    /// Wakes meetings when they are due, and does what is owed.
    pub lifecycle: bool,
    /// Takes recordings in.
    pub recordings: bool,
    /// Makes transcripts of them.
    pub pipeline: bool,
}

impl Roles {
    /// Every one there is.
    pub const ALL: &str = "api,lifecycle,recordings,pipeline";

    /// Reads names with commas between them. Nothing if one is no role, or none is named.
    pub fn read(text: &str) -> Option<Self> {
        let mut roles = Self { api: false, lifecycle: false, recordings: false, pipeline: false };
        for name in text.split(',') {
            match name.trim() {
                "api" => roles.api = true,
                "lifecycle" => roles.lifecycle = true,
                "recordings" => roles.recordings = true,
                "pipeline" => roles.pipeline = true,
                _ => return None,
            }
        }
        Some(roles)
    }
}
