//! Where recordings come from.

use std::path::PathBuf;
use std::time::Duration;

use reflector_whereby::RecordingDestination;
use secrecy::SecretString;
use url::Url;

use super::ConfigError;
use super::values::Values;

const BUCKET: &str = "RECORDING_STORAGE_AWS_BUCKET_NAME";
const QUEUE: &str = "AWS_PROCESS_RECORDING_QUEUE_URL";
const FOLDER: &str = "REFLECTOR_RECORDINGS_DIR";
const SUFFIXES: &str = "REFLECTOR_RECORDING_SUFFIXES";

/// Where recordings come from.
#[derive(Clone, Debug)]
pub struct RecordingSettings {
    /// The queue that is told of new objects in the bucket.
    pub queue_url: Option<String>,
    /// The bucket that holds them; objects of others are none of ours. Without one, those of any bucket are.
    pub bucket: Option<String>,
    /// A folder that is watched.
    pub folder: Option<PathBuf>,
    /// How the names of recordings end.
    pub suffixes: Vec<String>,
    /// How long a message of the queue is in hand.
    pub in_hand: Duration,
    /// How often what is there is compared with what is known.
    pub reconcile: Duration,
    /// Whether that is also done at the start.
    pub reconcile_at_start: bool,
}

impl Values {
    pub(super) fn recordings(&self, reconcile_at_start: bool) -> Result<RecordingSettings, ConfigError> {
        Ok(RecordingSettings {
            queue_url: self.queue_url()?,
            bucket: self.bucket()?,
            folder: self.folder()?,
            suffixes: self.suffixes()?,
            in_hand: self.in_hand()?,
            reconcile: self.duration_above_zero("REFLECTOR_RECONCILE_RECORDINGS")?,
            reconcile_at_start,
        })
    }

    fn queue_url(&self) -> Result<Option<String>, ConfigError> {
        let should =
            "use the queue's address, such as https://sqs.eu-central-1.amazonaws.com/123456789012/recordings";
        let text = self.text(QUEUE);
        if text.is_empty() {
            return Ok(None);
        }
        let url: Url = self.parse(QUEUE, should)?;
        let is_one = matches!(url.scheme(), "http" | "https") && url.has_host() && url.path().len() > 1;
        if is_one { Ok(Some(text.to_owned())) } else { Err(self.wrong(QUEUE, should)) }
    }

    /// What stands before the first slash: a folder may stand behind it, and only Whereby needs to know that.
    fn bucket(&self) -> Result<Option<String>, ConfigError> {
        let text = self.text(BUCKET);
        let name = text.split('/').next().unwrap_or_default();
        let can_be_one = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_');
        match name {
            "" if text.is_empty() => Ok(None),
            name if !name.is_empty() && name.chars().all(can_be_one) => Ok(Some(name.to_owned())),
            _ => Err(self.wrong(BUCKET, "use a bucket's name, with a folder behind a slash if there is one")),
        }
    }

    fn folder(&self) -> Result<Option<PathBuf>, ConfigError> {
        match self.text(FOLDER) {
            "" => Ok(None),
            text => {
                let folder = PathBuf::from(text);
                let has_a_name = folder.file_name().is_some();
                // Its recordings are known by it.
                let should = "use a folder that has a name of its own, such as ./recordings";
                if has_a_name { Ok(Some(folder)) } else { Err(self.wrong(FOLDER, should)) }
            }
        }
    }

    /// As SQS lets anybody have one, and no shorter than receiving one takes at times.
    fn in_hand(&self) -> Result<Duration, ConfigError> {
        const NAME: &str = "REFLECTOR_RECORDINGS_IN_HAND";
        const SHORTEST: Duration = Duration::from_secs(4);
        const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);
        let in_hand = self.duration_above_zero(NAME)?;
        if (SHORTEST..=LONGEST).contains(&in_hand) {
            Ok(in_hand)
        } else {
            Err(self.wrong(NAME, "use a duration between 4s and 12h"))
        }
    }

    fn suffixes(&self) -> Result<Vec<String>, ConfigError> {
        let suffixes: Vec<_> = self.text(SUFFIXES).split(',').map(|one| one.trim().to_owned()).collect();
        let is_one = |suffix: &String| suffix.len() > 1 && suffix.starts_with('.') && !suffix.contains('/');
        if suffixes.iter().all(is_one) {
            Ok(suffixes)
        } else {
            Err(self
                .wrong(SUFFIXES, "use endings with their points and commas between them, such as .mp4,.mkv"))
        }
    }

    /// Where Whereby is told to upload, if it is told.
    pub(super) fn recording_destination(&self) -> Result<Option<RecordingDestination>, ConfigError> {
        const ID: &str = "AWS_WHEREBY_ACCESS_KEY_ID";
        const SECRET: &str = "AWS_WHEREBY_ACCESS_KEY_SECRET";
        let (bucket, id, secret) = (self.text(BUCKET), self.text(ID), self.text(SECRET));
        if id.is_empty() && secret.is_empty() {
            return Ok(None);
        }
        for (name, value) in [(ID, id), (SECRET, secret)] {
            if value.is_empty() {
                return Err(self.wrong(name, "both parts of Whereby's key go together: set both or neither"));
            }
        }
        if bucket.is_empty() {
            return Err(
                self.wrong(BUCKET, "name the bucket that Whereby uploads to with the key it is given")
            );
        }
        Ok(Some(RecordingDestination {
            bucket: bucket.to_owned(),
            access_key_id: id.to_owned(),
            access_key_secret: SecretString::from(secret),
        }))
    }
}
