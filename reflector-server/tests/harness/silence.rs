//! A recording of nothing, in a folder that is watched.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A second of silence that somebody recorded an hour ago, put into the folder `recordings` in one piece.
pub(crate) fn record(folder: &Path, key: &str) {
    let (rate, bytes) = (16_000_u32, 32_000_u32);
    let mut wav = b"RIFF".to_vec();
    wav.extend_from_slice(&(bytes + 36).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt ");
    for (number, width) in [(16, 4), (1, 2), (1, 2), (rate, 4), (rate * 2, 4), (2, 2), (16, 2)] {
        wav.extend_from_slice(&number.to_le_bytes()[..width]);
    }
    wav.extend_from_slice(b"data");
    wav.extend_from_slice(&bytes.to_le_bytes());
    wav.resize(wav.len() + bytes as usize, 0);
    let outside = folder.join("outside");
    fs::write(&outside, wav).expect("it can be written");
    let file = File::options().write(true).open(&outside).expect("it is there");
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).expect("it is ours");
    fs::rename(outside, folder.join("recordings").join(key)).expect("it can be moved");
}
