//! What recordings come in: containers, codecs, and what is wrong with some.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use reflector_core::pipeline::{Made, StageError, Transcript};
use reflector_pipeline::{PipelineSettings, Probed, Waveform};
use tokio::time::timeout;

use crate::media;
use crate::world::{World, failed, output, transcript, work};

/// A world with a recording, and its transcript.
fn with(bytes: Vec<u8>) -> (World, Transcript) {
    let world = World::new();
    let transcript = transcript(bytes.len() as u64);
    world.bucket.put(&transcript.object, bytes);
    (world, transcript)
}

async fn probed(file: &Path) -> Probed {
    let (world, transcript) = with(fs::read(file).unwrap());
    let made = work(&world.pipeline(world.settings()), "probe", &transcript, &Default::default()).await;
    serde_json::from_value(output(made)).unwrap()
}

async fn waveform(file: &Path) -> Waveform {
    let (world, transcript) = with(fs::read(file).unwrap());
    let made = work(&world.pipeline(world.settings()), "waveform", &transcript, &Default::default()).await;
    serde_json::from_value(output(made)).unwrap()
}

#[tokio::test]
async fn every_kind_of_recording_is_known_and_heard_to_its_end() {
    let h264 = ["-c:v", "libx264"];
    let vp8 = ["-c:v", "libvpx"];
    let seconds = waveform(&media::spoken()).await.duration.millis();
    for (file, container, codec) in [
        (media::mp4(), "isomp4", "aac"),
        (
            media::film(
                "fragmented.mp4",
                &[&h264[..], &["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"]].concat(),
            ),
            "isomp4",
            "aac",
        ),
        (media::film("opus.mp4", &[&h264[..], &["-c:a", "libopus"]].concat()), "isomp4", "opus"),
        (media::speech("speech.m4a", &["-c:a", "aac"]), "isomp4", "aac"),
        (media::speech("alac.m4a", &["-c:a", "alac"]), "isomp4", "alac"),
        (media::film("opus.mkv", &[&h264[..], &["-c:a", "libopus"]].concat()), "matroska", "opus"),
        (media::film("vorbis.mkv", &[&h264[..], &["-c:a", "libvorbis"]].concat()), "matroska", "vorbis"),
        (media::film("aac.mkv", &[&h264[..], &["-c:a", "aac"]].concat()), "matroska", "aac"),
        (media::film("opus.webm", &[&vp8[..], &["-c:a", "libopus"]].concat()), "matroska", "opus"),
        (media::film("vorbis.webm", &[&vp8[..], &["-c:a", "libvorbis"]].concat()), "matroska", "vorbis"),
        (media::speech("live.webm", &["-c:a", "libopus", "-live", "1"]), "matroska", "opus"),
        (media::spoken(), "wave", "pcm_s16le"),
        (media::speech("speech.mp3", &[]), "mp3", "mp3"),
        (media::speech("speech.flac", &[]), "flac", "flac"),
        (media::speech("vorbis.ogg", &["-c:a", "libvorbis"]), "ogg", "vorbis"),
        (media::speech("opus.ogg", &["-c:a", "libopus"]), "ogg", "opus"),
    ] {
        let name = file.display();
        let probed = probed(&file).await;
        assert_eq!((probed.container.as_str(), probed.codec.as_str()), (container, codec), "{name}");
        assert!(probed.channels.is_some() && probed.sample_rate.is_some(), "{name}: {probed:?}");
        assert!(probed.duration.millis().abs_diff(seconds) < 300, "{name}: {probed:?}");
        let waveform = waveform(&file).await;
        assert!(waveform.duration.millis().abs_diff(seconds) < 300, "{name}: {:?}", waveform.duration);
        assert!(waveform.data.iter().any(|peak| *peak > 30), "{name}: it is silent");
        assert_eq!(waveform.cut_off, None, "{name}");
    }
}

#[tokio::test]
async fn peaks_are_where_it_is_loud() {
    // A second of every seven, as AAC in an MP4, as Opus, and as it is.
    for (name, codec) in [("tones.m4a", "aac"), ("tones.ogg", "libopus"), ("tones.wav", "pcm_s16le")] {
        let waveform = waveform(&media::tones(name, 30, &["-c:a", codec])).await;
        assert_eq!((waveform.version, waveform.channels, waveform.bits), (2, 1, 8));
        assert_eq!(waveform.data.len(), waveform.length * 2);
        let per_second = waveform.sample_rate as f64 / waveform.samples_per_pixel as f64;
        for second in 0..30 {
            let from = ((f64::from(second) + 0.3) * per_second) as usize;
            let to = ((f64::from(second) + 0.7) * per_second) as usize;
            let loudest =
                waveform.data[from * 2..to * 2].iter().map(|peak| peak.unsigned_abs()).max().unwrap();
            assert_eq!(loudest > 50, second % 7 == 0, "{name}, second {second}: {loudest}");
        }
    }
}

#[tokio::test]
async fn time_that_is_missing_in_a_file_is_silence() {
    let shift = "asetpts='if(gt(T,2),PTS+10/TB,PTS)'";
    let whole = waveform(&media::spoken()).await.duration.millis();
    for (name, codec) in [("gap.mkv", "libvorbis"), ("gap.m4a", "aac"), ("gap.webm", "libopus")] {
        let gap = media::speech(name, &["-c:a", codec, "-af", shift]);
        let waveform = waveform(&gap).await;
        assert!(waveform.duration.millis().abs_diff(whole + 10_000) < 300, "{name}: {:?}", waveform.duration);
        let per_second = waveform.sample_rate as f64 / waveform.samples_per_pixel as f64;
        let (from, to) = ((3.0 * per_second) as usize, (11.0 * per_second) as usize);
        assert!(waveform.data[from * 2..to * 2].iter().all(|peak| peak.unsigned_abs() < 3), "{name}");
    }
}

#[tokio::test]
async fn what_is_cut_off_is_heard_as_far_as_it_goes_and_says_so() {
    let whole = media::tones("cut.wav", 30, &["-c:a", "pcm_s16le"]);
    let half = media::first_bytes(&whole, 480_000);
    let (world, transcript) = with(half);
    let made = work(&world.pipeline(world.settings()), "waveform", &transcript, &Default::default()).await;
    let waveform: Waveform = serde_json::from_value(output(made)).unwrap();
    assert!(waveform.duration.millis().abs_diff(15_000) < 200, "{:?}", waveform.duration);
    assert_eq!(waveform.cut_off.as_deref(), Some("it is cut off"));
}

#[tokio::test]
async fn a_film_without_its_second_half_fails_with_a_reason() {
    let film = media::film("fast.mp4", &["-c:v", "libx264", "-c:a", "aac", "-movflags", "+faststart"]);
    let half = media::first_bytes(&film, fs::metadata(&film).unwrap().len() as usize / 2);
    let (world, transcript) = with(half);
    let reason =
        failed(work(&world.pipeline(world.settings()), "probe", &transcript, &Default::default()).await);
    assert!(reason.starts_with("the audio track cannot be decoded: it is damaged or cut off"), "{reason}");
}

#[tokio::test]
async fn whatever_is_in_a_file_nothing_panics() {
    let film = fs::read(media::mp4()).unwrap();
    for seed in 0..40_u64 {
        let mut bytes = film.clone();
        for n in 0..20 {
            let chance = (seed * 1_000 + n).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
            let place = chance as usize % bytes.len();
            bytes[place] ^= (chance >> 40) as u8 | 1;
        }
        let (world, transcript) = with(bytes);
        for stage in ["probe", "waveform"] {
            let came_to =
                work(&world.pipeline(world.settings()), stage, &transcript, &Default::default()).await;
            assert!(
                matches!(came_to, Ok(Made::Output(_)) | Err(StageError::Failed(_))),
                "{seed}: {came_to:?}"
            );
        }
    }
}

#[tokio::test]
async fn without_ffmpeg_what_needs_it_says_so_and_the_rest_does_not_need_it() {
    let without = |world: &World| {
        let ffmpeg = world.data_dir().join("no ffmpeg");
        world.pipeline(PipelineSettings { ffmpeg, ..world.settings() })
    };
    let (world, transcript) = with(fs::read(media::speech("opus.ogg", &["-c:a", "libopus"])).unwrap());
    let reason = failed(work(&without(&world), "probe", &transcript, &Default::default()).await);
    assert!(reason.contains("(opus) can only be decoded by ffmpeg, which is not on the PATH"), "{reason}");

    let (world, transcript) = with(fs::read(media::mp4()).unwrap());
    output(work(&without(&world), "probe", &transcript, &Default::default()).await);
    output(work(&without(&world), "waveform", &transcript, &Default::default()).await);
}

/// A program in place of ffmpeg.
fn instead_of_ffmpeg(world: &World, script: &str) -> PipelineSettings {
    let folder = world.data_dir();
    fs::create_dir_all(&folder).unwrap();
    let ffmpeg = folder.join("ffmpeg");
    fs::write(&ffmpeg, format!("#!/bin/sh\n[ \"$1\" = -version ] && exit 0\n{script}\n")).unwrap();
    fs::set_permissions(&ffmpeg, fs::Permissions::from_mode(0o755)).unwrap();
    PipelineSettings { ffmpeg, ..world.settings() }
}

#[tokio::test]
async fn what_ffmpeg_complains_about_is_passed_on_without_where_the_file_is() {
    let (world, transcript) = with(fs::read(media::speech("opus.ogg", &["-c:a", "libopus"])).unwrap());
    // The name of the file is the argument after -i.
    let script = "while [ \"$1\" != -i ]; do shift; done; yes noise | head -c 300000 >&2; echo \"$2: broken\" >&2; exit 1";
    let settings = instead_of_ffmpeg(&world, script);
    let reason = failed(work(&world.pipeline(settings), "waveform", &transcript, &Default::default()).await);
    assert_eq!(reason, "the audio track cannot be decoded: ffmpeg failed (the recording: broken)");
}

#[tokio::test]
async fn a_stage_that_is_dropped_takes_ffmpeg_with_it() {
    let (world, transcript) = with(fs::read(media::speech("opus.ogg", &["-c:a", "libopus"])).unwrap());
    let pid = world.data_dir().join("pid");
    let settings = instead_of_ffmpeg(
        &world,
        &format!("echo $$ > '{0}.new'; mv '{0}.new' '{0}'; exec sleep 1000", pid.display()),
    );
    let (pipeline, made) = (world.pipeline(settings), Default::default());
    let mut stage = Box::pin(work(&pipeline, "waveform", &transcript, &made));
    // It hangs, and so does the stage, until it is dropped.
    while !pid.exists() {
        assert!(timeout(Duration::from_millis(5), &mut stage).await.is_err());
    }
    let process = format!("/proc/{}", fs::read_to_string(&pid).unwrap().trim());
    assert!(Path::new(&process).exists());
    drop(stage);
    let gone = async {
        while Path::new(&process).exists() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), gone).await.expect("the program is ended and waited for");
}

#[tokio::test]
async fn an_address_in_a_playlist_is_not_followed() {
    // A playlist that says it is an MP4 is none of what ffmpeg may open, and none of what we know.
    let playlist =
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n";
    let (world, transcript) = with(playlist.into());
    let reason =
        failed(work(&world.pipeline(world.settings()), "probe", &transcript, &Default::default()).await);
    assert!(reason.contains("none of MP4"), "{reason}");
}
