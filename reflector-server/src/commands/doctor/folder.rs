//! Folders: whether this program can write there.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::Finding;
use crate::clock;

/// The folder for working files, or the one in which it will be made.
pub(super) fn check_working(folder: &Path) -> Finding {
    const CHECK: &str = "working";
    let shown = folder.display();
    let there =
        folder.ancestors().map(|above| if above.as_os_str().is_empty() { Path::new(".") } else { above });
    let there = there.into_iter().find(|above| above.exists()).unwrap_or(folder);
    match takes_files(there) {
        Ok(()) if there == folder => Finding::ok(CHECK, format!("{shown} takes files")),
        Ok(()) => Finding::ok(CHECK, format!("{shown} is not there yet and can be made")),
        Err(error) => Finding::fail(
            CHECK,
            format!(
                "{} takes no files ({error}): let this program write there, or name another folder with REFLECTOR_DATA_DIR",
                there.display()
            ),
        ),
    }
}

/// Whether files can be written and deleted in a folder, by one that is. It is hidden: no source takes it for a
/// recording.
pub(super) fn takes_files(folder: &Path) -> io::Result<()> {
    let file = folder.join(format!(".reflector-doctor-{}", clock::new_id().simple()));
    let written = OpenOptions::new().write(true).create_new(true).open(&file)?.write_all(b"reflector");
    let removed = fs::remove_file(&file);
    written.and(removed)
}
