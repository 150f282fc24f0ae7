//! Recordings: made once, kept under a name that tells how.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is said in the recordings of speech.
const SPOKEN: &str = "The meeting begins now. Ada sends the report on Friday, and Bob calls the customer.";
/// A picture to go with it.
const PICTURE: &str = "testsrc=size=128x96:rate=10:duration=5";

/// A file that a program makes: `make` gets where to.
fn made(name: &str, how: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(folder).expect("the folder of the tests can be written");
    let mut hash = DefaultHasher::new();
    (name, how).hash(&mut hash);
    let path = folder.join(format!("{:016x}-{name}", hash.finish()));
    if !path.exists() {
        // Several tests may make it at once.
        let scratch = tempfile::tempdir_in(folder).expect("the folder of the tests can be written");
        let to = scratch.path().join(name);
        make(&to);
        fs::rename(to, &path).expect("it was made");
    }
    path
}

fn run(program: &str, args: &[&str], to: &Path) {
    let status = Command::new(program).args(args).arg(to).status();
    let status = status.unwrap_or_else(|error| panic!("{program}: {error}; scripts/test.sh installs it"));
    assert!(status.success(), "{program} {args:?}");
}

/// What ffmpeg makes of these arguments.
pub(crate) fn by_ffmpeg(name: &str, args: &[&str]) -> PathBuf {
    let before = ["-nostdin", "-v", "error", "-y"];
    made(name, &args.join(" "), |to| run("ffmpeg", &[&before, args].concat(), to))
}

/// A few seconds of speech, as WAV.
pub(crate) fn spoken() -> PathBuf {
    made("spoken.wav", SPOKEN, |to| run("espeak-ng", &[SPOKEN, "-w"], to))
}

/// Speech in a file of this name: its ending tells ffmpeg the kind.
pub(crate) fn speech(name: &str, codec: &[&str]) -> PathBuf {
    let spoken = spoken();
    by_ffmpeg(name, &[&["-i", spoken.to_str().unwrap()], codec].concat())
}

/// Speech with a picture.
pub(crate) fn film(name: &str, codecs: &[&str]) -> PathBuf {
    let spoken = spoken();
    let inputs = ["-f", "lavfi", "-i", PICTURE, "-i", spoken.to_str().unwrap()];
    by_ffmpeg(name, &[&inputs, codecs].concat())
}

/// A recording as Whereby uploads it.
pub(crate) fn mp4() -> PathBuf {
    film("recording.mp4", &["-c:v", "libx264", "-c:a", "aac", "-ar", "48000", "-ac", "2"])
}

/// A picture without sound.
pub(crate) fn silent_film(name: &str, codec: &str) -> PathBuf {
    by_ffmpeg(name, &["-f", "lavfi", "-i", PICTURE, "-c:v", codec])
}

/// A tone of a second every seven seconds, each ten hertz higher than the one before, from 200 on.
pub(crate) fn tones(name: &str, seconds: u32, codec: &[&str]) -> PathBuf {
    let source = format!("aevalsrc='0.5*sin(2*PI*(200+10*floor(t/7))*t)*lt(mod(t,7),1)':s=16000:d={seconds}");
    by_ffmpeg(name, &[&["-f", "lavfi", "-i", &source], codec].concat())
}

/// The same file over and over.
pub(crate) fn repeated(name: &str, file: &Path, times: u32) -> PathBuf {
    let more = (times - 1).to_string();
    by_ffmpeg(name, &["-stream_loop", &more, "-i", file.to_str().unwrap(), "-c", "copy"])
}

/// The first so many bytes of a file.
pub(crate) fn first_bytes(file: &Path, bytes: usize) -> Vec<u8> {
    let mut all = fs::read(file).expect("it was made");
    all.truncate(bytes);
    all
}
