//! What decoding costs beside ffmpeg, and how much memory three hours take: `cargo bench -p reflector-pipeline`.
//!
//! An hour of AAC as a meeting's recording has it (48 kHz, two channels) is decoded to peaks by the stage `waveform`,
//! by turns with `ffmpeg -threads 1 -f null -`; the ratio is that of processor time, the least of some rounds each.
//! Then a process of its own takes three hours through `fetch`, `probe`, `waveform` and `transcribe`, and tells the
//! most memory it ever had. With `--strict` it fails if the ratio is above 1.5 or the memory above 100 MiB.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Instant;
use std::{env, io, thread};

use async_trait::async_trait;
use reflector_core::pipeline::{Inputs, Made, Pipeline, Transcript, Unseen};
use reflector_core::recording::{ObjectBytes, ObjectVersion, Objects, SourceError};
use reflector_core::testing::sample;
use reflector_pipeline::{Endpoint, PipelineSettings, ReferencePipeline};
use tempfile::TempDir;

const ROUNDS: u32 = 5;
const MOST_RATIO: f64 = 1.5;
const MOST_MIB: f64 = 100.0;
/// Tells the process of its own which file it is about, and where speech goes.
const FILE: &str = "DECODE_FILE";
const SPEECH: &str = "DECODE_SPEECH";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if let (Some(file), Ok(speech)) = (env::var_os(FILE), env::var(SPEECH)) {
        whole_way(Path::new(&file), speech).await;
        return ExitCode::SUCCESS;
    }
    if !env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let there = Command::new("ffmpeg").arg("-version").output().is_ok_and(|output| output.status.success());
    if !there {
        println!("decode: skipped, because ffmpeg, which it is compared with, is not on the PATH");
        return ExitCode::SUCCESS;
    }
    let folder = TempDir::new().expect("there is a folder for temporary files");
    let minute = folder.path().join("minute.m4a");
    // Two voices: tones that tremble, and noise that comes and goes.
    let one = "aevalsrc='0.3*sin(2*PI*150*t)*(1+sin(9*t))+0.2*sin(2*PI*1100*t)*(1+sin(13*t))':s=48000";
    let other = "anoisesrc=r=48000:a=0.2,tremolo=f=3:d=0.9";
    let voices = ["-f", "lavfi", "-i", one, "-f", "lavfi", "-i", other, "-filter_complex", "amerge=inputs=2"];
    ffmpeg(&[&voices[..], &["-t", "60", "-c:a", "aac", "-b:a", "96k"]].concat(), &minute);
    let ratio = ratio(&hours(&folder, &minute, 1)).await;
    let mib = memory(&hours(&folder, &minute, 3));
    let too_much = ratio > MOST_RATIO || mib > MOST_MIB;
    if too_much && env::args().any(|argument| argument == "--strict") {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn ffmpeg(args: &[&str], to: &Path) {
    let status = Command::new("ffmpeg").args(["-nostdin", "-v", "error", "-y"]).args(args).arg(to).status();
    assert!(status.expect("it was found").success(), "ffmpeg {args:?}");
}

fn hours(folder: &TempDir, minute: &Path, hours: u32) -> PathBuf {
    let file = folder.path().join(format!("{hours}.m4a"));
    let more = (hours * 60 - 1).to_string();
    ffmpeg(&["-stream_loop", &more, "-i", minute.to_str().expect("it is text"), "-c", "copy"], &file);
    file
}

/// An hour by turns: by ffmpeg, to peaks, and to peaks and speech.
async fn ratio(file: &Path) -> f64 {
    let speech = Some("http://127.0.0.1:9/v1".to_owned());
    let mut least = [f64::INFINITY; 3];
    for _ in 0..ROUNDS {
        let begun = (Instant::now(), processor_time());
        ffmpeg(&["-threads", "1", "-i", file.to_str().expect("it is text"), "-f", "null"], Path::new("-"));
        let by_ffmpeg = processor_time().1 - begun.1.1;
        let peaks = peaks(file, None).await;
        let with_speech = self::peaks(file, speech.clone()).await;
        println!(
            "round: ffmpeg {by_ffmpeg:.2} s, peaks {peaks:.2} s, peaks and speech {with_speech:.2} s of processor time \
             ({:.1} s by the clock)",
            begun.0.elapsed().as_secs_f64()
        );
        for (least, took) in least.iter_mut().zip([by_ffmpeg, peaks, with_speech]) {
            *least = least.min(took);
        }
    }
    let [by_ffmpeg, peaks, with_speech] = least;
    let ratio = peaks / by_ffmpeg;
    println!(
        "an hour of AAC: ffmpeg {by_ffmpeg:.2} s; decoded to peaks {peaks:.2} s, ratio {ratio:.2} (at most \
         {MOST_RATIO}); to peaks and speech at 16 kHz {with_speech:.2} s, ratio {:.2}",
        with_speech / by_ffmpeg
    );
    ratio
}

/// Processor time of the stage `waveform`.
async fn peaks(file: &Path, speech: Option<String>) -> f64 {
    let world = World::new(file, speech);
    world.stage("fetch").await;
    let before = processor_time().0;
    world.stage("waveform").await;
    processor_time().0 - before
}

/// The most memory that a process has which takes a recording the whole way, in MiB.
fn memory(file: &Path) -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let speech = format!("http://{}/v1", listener.local_addr().expect("it is bound"));
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(hears_nothing(stream))));
    let this = env::current_exe().expect("it runs");
    let output = Command::new(this).env(FILE, file).env(SPEECH, speech).output().expect("it runs once more");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mib: f64 = told.trim().parse().expect("it tells how much it had");
    println!(
        "three hours of AAC, fetched, probed, decoded and sent in pieces: {mib:.0} MiB (at most {MOST_MIB})"
    );
    mib
}

/// Takes pieces of audio without keeping them.
fn hears_nothing(stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line == "\r\n" {
                break;
            }
        }
        io::copy(&mut (&mut reader).take(length), &mut io::sink())?;
        let body = "{\"text\":\"\",\"segments\":[]}";
        write!(reader.get_mut(), "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
    }
}

/// The whole way of the audio; prints the most memory it took.
async fn whole_way(file: &Path, speech: String) {
    let world = World::new(file, Some(speech));
    for stage in ["fetch", "probe", "waveform", "transcribe"] {
        world.stage(stage).await;
    }
    let status = fs::read_to_string("/proc/self/status").expect("it is Linux");
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it is told");
    let kib: f64 = most.trim().trim_end_matches(" kB").parse().expect("it is a number");
    println!("{}", kib / 1_024.0);
}

/// Processor time so far, of this process and of those that it ran, in seconds.
fn processor_time() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/self/stat").expect("it is Linux");
    let fields = stat.rsplit(')').next().expect("the name ends").split_whitespace();
    // utime, stime, cutime and cstime, in hundredths of a second.
    let times: Vec<f64> =
        fields.skip(11).take(4).map(|field| field.parse().expect("it is a number")).collect();
    ((times[0] + times[1]) / 100.0, (times[2] + times[3]) / 100.0)
}

/// A machine with a recording to work on.
struct World {
    pipeline: ReferencePipeline,
    transcript: Transcript,
    _folder: TempDir,
}

impl World {
    fn new(file: &Path, speech: Option<String>) -> Self {
        let folder = TempDir::new().expect("there is a folder for temporary files");
        let stt = speech.map(|url| Endpoint { url, key: None, model: "model".to_owned() });
        let settings = PipelineSettings { stt, ..PipelineSettings::new(folder.path()) };
        let objects = Arc::new(OneFile(file.to_owned()));
        let pipeline = ReferencePipeline::new(settings, objects).expect("its settings can be used");
        let size = fs::metadata(file).expect("it is there").len();
        Self { pipeline, transcript: Transcript { size, ..sample::transcript(1, 0) }, _folder: folder }
    }

    async fn stage(&self, stage: &str) {
        let inputs = Inputs { transcript: &self.transcript, made: &BTreeMap::new(), progress: &Unseen };
        let came_to = self.pipeline.work(stage, inputs).await;
        assert!(matches!(came_to, Ok(Made::Output(_))), "{stage}: {came_to:?}");
    }
}

/// A bucket that holds one file, whatever it is asked for.
#[derive(Debug)]
struct OneFile(PathBuf);

#[async_trait]
impl Objects for OneFile {
    async fn open(&self, _: &ObjectVersion, from: u64) -> Result<Option<Box<dyn ObjectBytes>>, SourceError> {
        let mut file = File::open(&self.0).expect("it is there");
        file.seek(SeekFrom::Start(from)).expect("it can be read from anywhere");
        Ok(Some(Box::new(Blocks(file))))
    }
}

struct Blocks(File);

#[async_trait]
impl ObjectBytes for Blocks {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, SourceError> {
        let mut block = vec![0; 256 * 1024];
        let some = self.0.read(&mut block).expect("it can be read");
        block.truncate(some);
        Ok((some > 0).then_some(block))
    }
}
