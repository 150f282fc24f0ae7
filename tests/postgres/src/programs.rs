//! Where PostgreSQL's programs are, and as whom they run.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::{env, fs};

/// The folder of PostgreSQL's programs: Debian's newest, the one that `pg_config` names, or one on the PATH.
pub(crate) fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let places = of_debian().into_iter().chain(of_pg_config()).chain(on_path());
        places.into_iter().find(|folder| folder.join("initdb").is_file()).unwrap_or_else(|| {
            panic!("these tests need PostgreSQL 14 or newer: install it (Debian: apt-get install postgresql)")
        })
    })
}

fn of_debian() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> = versions
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .collect();
    versions.sort_unstable();
    versions.into_iter().rev().map(|(_, folder)| folder).collect()
}

fn of_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

fn on_path() -> Vec<PathBuf> {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect()
}

/// Which major version they are of.
pub(crate) fn version() -> Option<u32> {
    let output = Command::new(folder().join("initdb")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_whitespace().filter_map(|word| word.split('.').next()).find_map(|word| word.parse().ok())
}

/// As whom the server runs: it refuses to do so as root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunAs {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl RunAs {
    /// Somebody who is not root, if we are.
    pub(crate) fn instead_of(our_uid: u32) -> Option<Self> {
        if our_uid != 0 {
            return None;
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let of = |name: &str| {
            let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut ids = line.split(':').skip(2).map(str::parse);
            Some(Self { uid: ids.next()?.ok()?, gid: ids.next()?.ok()? })
        };
        let found = of("postgres").or_else(|| of("nobody"));
        Some(found.unwrap_or_else(|| panic!("PostgreSQL does not run as root: add a user `postgres`")))
    }
}

/// A program that is to run as somebody, and says nothing.
pub(crate) fn quiet(program: impl AsRef<Path>, run_as: Option<RunAs>, home: &Path) -> Command {
    let mut command = Command::new(program.as_ref());
    // Where it starts must be a place that it may be in, and not one that stays busy.
    command.current_dir(home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(RunAs { uid, gid }) = run_as {
        command.uid(uid).gid(gid);
    }
    command
}
