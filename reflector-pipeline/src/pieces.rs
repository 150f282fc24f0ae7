//! Pieces of audio that a speech-to-text endpoint takes.

use std::io::SeekFrom;
use std::path::Path;

use futures::stream;
use reflector_core::pipeline::StageError;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::offset::Offset;
use crate::resample::{BYTES_PER_SECOND, RATE};
use crate::workdir::not_read;

/// How much of a piece is held at once.
const BLOCK: u64 = 64 * 1024;
/// How long the header of a WAV file is.
const HEADER: usize = 44;

/// A piece of audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Where it begins.
    pub(crate) from: Offset,
    /// Where it ends.
    pub(crate) to: Offset,
}

/// Pieces that cover all of this length, each of which begins before the one before it ends.
pub(crate) fn cut(whole: Offset, piece: Offset, overlap: Offset) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut from = Offset::default();
    while from < whole {
        let to = from.plus(piece).min(whole);
        pieces.push(Piece { from, to });
        if to == whole {
            break;
        }
        from = to.minus(overlap);
    }
    pieces
}

/// How long speech is.
pub(crate) async fn length(speech: &Path) -> Result<Offset, StageError> {
    let bytes = tokio::fs::metadata(speech).await.map_err(not_read)?.len();
    Ok(Offset::from_millis(bytes / (BYTES_PER_SECOND / 1_000)))
}

impl Piece {
    /// The piece of this speech as a WAV file: how long that is, and its bytes, read while they are sent.
    pub(crate) async fn wav(self, speech: &Path) -> Result<(u64, reqwest::Body), StageError> {
        let (from, to) = (bytes_until(self.from), bytes_until(self.to));
        let mut file = File::open(speech).await.map_err(not_read)?;
        file.seek(SeekFrom::Start(from)).await.map_err(not_read)?;
        let sound = to - from;
        let state = (file, sound, Some(header(sound).to_vec()));
        let bytes = stream::try_unfold(state, |(mut file, left, header)| async move {
            if let Some(header) = header {
                return Ok::<_, std::io::Error>(Some((header, (file, left, None))));
            }
            if left == 0 {
                return Ok(None);
            }
            let mut block = vec![0; left.min(BLOCK) as usize];
            file.read_exact(&mut block).await?;
            let left = left - block.len() as u64;
            Ok(Some((block, (file, left, None))))
        });
        Ok((HEADER as u64 + sound, reqwest::Body::wrap_stream(bytes)))
    }
}

fn bytes_until(offset: Offset) -> u64 {
    offset.millis() * (BYTES_PER_SECOND / 1_000)
}

/// The header of a WAV file with so many bytes of sound: a RIFF chunk, a format of PCM with 16 bits, a data chunk.
fn header(sound: u64) -> [u8; HEADER] {
    // A piece of more than 4 GB is longer than a day.
    let sound = u32::try_from(sound).unwrap_or(u32::MAX);
    let mut header = [0; HEADER];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"RIFF");
    put(4, &sound.saturating_add(36).to_le_bytes());
    put(8, b"WAVEfmt ");
    put(16, &16_u32.to_le_bytes());
    put(20, &1_u16.to_le_bytes());
    put(22, &1_u16.to_le_bytes());
    put(24, &RATE.to_le_bytes());
    put(28, &(RATE * 2).to_le_bytes());
    put(32, &2_u16.to_le_bytes());
    put(34, &16_u16.to_le_bytes());
    put(36, b"data");
    put(40, &sound.to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_cover_everything_and_overlap_by_as_much_as_was_asked(
            whole in 0_u64..100_000,
            piece in 100_u64..10_000,
            share in 0.0..0.49,
        ) {
            let overlap = Offset::from_millis((piece as f64 * share) as u64);
            let (whole, piece) = (Offset::from_millis(whole), Offset::from_millis(piece));
            let pieces = cut(whole, piece, overlap);
            prop_assert_eq!(pieces.is_empty(), whole == Offset::default());
            if let (Some(first), Some(last)) = (pieces.first(), pieces.last()) {
                prop_assert_eq!((first.from, last.to), (Offset::default(), whole));
            }
            for two in pieces.windows(2) {
                prop_assert_eq!(two[1].from.plus(overlap), two[0].to);
                prop_assert!(two[1].to > two[0].to, "the last brings nothing new");
                prop_assert_eq!(two[0].to.minus(two[0].from), piece);
            }
        }
    }
}
