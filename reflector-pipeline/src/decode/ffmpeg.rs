//! Decoding by ffmpeg, which runs beside us and writes samples into a pipe.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use reflector_core::pipeline::StageError;

use super::timeline::Timeline;
use super::{Decoded, Take};
use crate::aside::Aside;
use crate::offset::Offset;
use crate::workdir::{not_read, not_written};

/// The rate it is asked for: that of speech-to-text.
const RATE: u32 = 16_000;
/// What it may open: files alone, of the kinds that we know. A recording comes from outside, and ffmpeg would follow
/// the addresses in a playlist.
const KINDS: &str = "mov,matroska,ogg,mp3,flac,wav";
/// How much of what it complains about is passed on.
const SAID: usize = 200;

/// ffmpeg, which is there.
pub(super) struct Ffmpeg(PathBuf);

impl Ffmpeg {
    /// Looks whether it is there, for a codec that needs it.
    pub(super) fn found(program: &Path, codec: &str) -> Result<Self, StageError> {
        let tried = Command::new(program)
            .arg("-version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match tried {
            Ok(status) if status.success() => Ok(Self(program.to_owned())),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(StageError::again(format!(
                "ffmpeg cannot be started ({error}), and the audio track ({codec}) needs it"
            ))),
            _ => Err(StageError::failed(format!(
                "the audio track ({codec}) can only be decoded by ffmpeg, which is not on the PATH: install it, and \
                 let the pipeline go on"
            ))),
        }
    }

    /// Decodes the first audio track of a file.
    pub(super) fn decode(
        &self,
        path: &Path,
        stated: Option<Offset>,
        aside: &Aside,
        take: &mut Take<'_>,
    ) -> Result<Decoded, StageError> {
        // A pipe that nobody reads would stop it: what it complains about goes into a file without a name.
        let complaints = tempfile::tempfile().map_err(not_written)?;
        let mut program = self
            .command(path)
            .stderr(complaints.try_clone().map_err(not_written)?)
            .spawn()
            .map_err(|error| StageError::again(format!("ffmpeg cannot be started ({error})")))?;
        let output = program.stdout.take();
        aside.keep(program);
        let mut timeline = Timeline::new(stated);
        let (mut bytes, mut held, mut samples) = (vec![0; 64 * 1024], 0, Vec::new());
        if let Some(mut output) = output {
            loop {
                aside.go_on()?;
                let some = output.read(&mut bytes[held..]).map_err(not_read)?;
                if some == 0 {
                    break;
                }
                let whole = (held + some) / 2 * 2;
                samples.clear();
                samples.extend(
                    bytes[..whole]
                        .chunks_exact(2)
                        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0),
                );
                bytes.copy_within(whole..held + some, 0);
                held = held + some - whole;
                timeline.reach(RATE, None, take)?;
                timeline.add(&samples, take)?;
                timeline.tell(aside);
            }
        }
        aside.go_on()?;
        let status = aside.ended().map_err(not_read)?;
        let failed = !status.is_some_and(|status| status.success());
        timeline.end(failed.then(|| said(complaints, path)))
    }

    fn command(&self, path: &Path) -> Command {
        let mut command = Command::new(&self.0);
        command
            .args(["-nostdin", "-v", "error", "-threads", "1"])
            .args(["-protocol_whitelist", "file", "-format_whitelist", KINDS, "-i"])
            // A name that begins like an option, or like an address, is still that of a file.
            .arg({
                let mut name = std::ffi::OsString::from("file:");
                name.push(path);
                name
            })
            .args(["-map", "0:a:0", "-vn", "-sn", "-dn", "-af", "aresample=async=1:first_pts=0"])
            .args(["-ac", "1", "-ar", &RATE.to_string(), "-f", "s16le", "pipe:1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command
    }
}

/// The last thing it complained about, without where the file is.
fn said(mut complaints: File, path: &Path) -> String {
    let mut text = Vec::new();
    let end = complaints.seek(SeekFrom::End(0)).unwrap_or(0);
    // What cannot be read was not said.
    let _ = complaints.seek(SeekFrom::Start(end.saturating_sub(4_096)));
    let _ = complaints.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text).replace(&format!("file:{}", path.display()), "the recording");
    let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it did not say why");
    let short: String = last.chars().filter(|c| !c.is_control()).take(SAID).collect();
    format!("ffmpeg failed ({short})")
}
