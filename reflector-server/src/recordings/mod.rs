//! Where recordings come from: the sources that are configured, and how each of them is.

pub(crate) mod directory;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reflector_core::Timestamp;
use reflector_core::recording::{ObjectVersion, Objects, RecordingSource, SourceError};
use tracing::{info, warn};

use crate::metrics::FeedMetrics;
use crate::workers::Chain;

/// How often it is said that a source is away.
const SAID: Duration = Duration::from_secs(10 * 60);

/// A source of recordings, and how it is.
#[derive(Debug)]
pub(crate) struct Feed {
    /// What it is called in logs, metrics and answers.
    pub(crate) name: &'static str,
    pub(crate) source: Arc<dyn RecordingSource>,
    /// What is in its objects.
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) metrics: FeedMetrics,
    holds: Holds,
    condition: Mutex<Condition>,
}

/// Which buckets a source holds.
#[derive(Debug)]
pub(crate) enum Holds {
    /// This one.
    Folder(String),
    /// Those of S3: all that are no folders. What is in them can be listed only if they are named.
    Buckets {
        /// Whether they are.
        named: bool,
    },
}

#[derive(Debug, Default)]
struct Condition {
    away_since: Option<Timestamp>,
    said_at: Option<Timestamp>,
}

impl Feed {
    pub(crate) fn new<S: RecordingSource + Objects>(
        name: &'static str,
        source: Arc<S>,
        holds: Holds,
        metrics: FeedMetrics,
    ) -> Self {
        let objects = Arc::clone(&source) as Arc<dyn Objects>;
        Self { name, source, objects, metrics, holds, condition: Mutex::default() }
    }

    /// Whether this object came from it.
    pub(crate) fn holds(&self, object: &ObjectVersion) -> bool {
        match &self.holds {
            Holds::Folder(bucket) => object.bucket == *bucket,
            Holds::Buckets { .. } => !object.bucket.starts_with(directory::BUCKET),
        }
    }

    /// Whether what is there can be compared with what is known.
    pub(crate) fn can_be_listed(&self) -> bool {
        !matches!(self.holds, Holds::Buckets { named: false })
    }

    /// Since when it has been away, if it is.
    pub(crate) fn away_since(&self) -> Option<Timestamp> {
        self.condition.lock().unwrap_or_else(PoisonError::into_inner).away_since
    }

    /// Notes what it answered when it was asked for messages. That it is away is said when it begins, and not again
    /// for a while, however often it goes and comes.
    pub(crate) fn answered<T>(&self, answer: &Result<T, SourceError>, now: Timestamp) {
        self.metrics.answered(answer.is_ok());
        let mut condition = self.condition.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(_) => {
                if let Some(since) = condition.away_since.take()
                    && condition.said_at.is_some_and(|said_at| said_at >= since)
                {
                    info!(source = self.name, away_since = %since, "the recordings' source is back");
                }
            }
            Err(error) => {
                let since = *condition.away_since.get_or_insert(now);
                if condition.said_at.is_none_or(|said_at| now.since(said_at) >= SAID) {
                    condition.said_at = Some(now);
                    let error = Chain(error);
                    warn!(source = self.name, %error, away_since = %since, "no recordings come in; trying on");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use reflector_core::testing::FakeSource;
    use reflector_core::testing::sample::at;

    use super::*;
    use crate::metrics::Metrics;

    fn feed() -> Feed {
        let source = Arc::new(FakeSource::new());
        Feed::new("queue", source, Holds::Buckets { named: false }, Metrics::new().of_feed("queue"))
    }

    fn away() -> Result<(), SourceError> {
        Err(SourceError::unavailable("nobody is there"))
    }

    #[test]
    fn that_a_source_is_away_is_said_once_and_every_ten_minutes_however_often_it_goes_and_comes() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let subscriber = tracing_subscriber::fmt().with_writer(Arc::new(log.reopen().unwrap())).finish();
        let said = || {
            let text = std::fs::read_to_string(log.path()).unwrap();
            text.lines().filter(|line| line.contains("no recordings come in")).count()
        };
        let feed = feed();
        tracing::subscriber::with_default(subscriber, || {
            for second in 0..600 {
                feed.answered(&if second % 7 == 3 { Ok(()) } else { away() }, at(second));
            }
            assert_eq!(said(), 1);
            feed.answered(&away(), at(600));
            feed.answered(&away(), at(601));
            assert_eq!(said(), 2);
        });
        assert_eq!(feed.away_since(), Some(at(599 - (599 - 3) % 7 + 1)), "since it went the last time");
        feed.answered(&Ok(()), at(602));
        assert_eq!(feed.away_since(), None);
    }

    #[test]
    fn an_object_is_held_by_the_source_of_its_bucket_alone() {
        let object = |bucket: &str| ObjectVersion {
            bucket: bucket.to_owned(),
            ..reflector_core::testing::sample::object(1)
        };
        let queue = feed();
        assert!(queue.holds(&object("recordings")) && !queue.holds(&object("file:recordings")));
        assert!(!queue.can_be_listed());
        let folder = Feed { holds: Holds::Folder("file:recordings".to_owned()), ..queue };
        assert!(folder.holds(&object("file:recordings")));
        assert!(!folder.holds(&object("file:others")) && !folder.holds(&object("recordings")));
    }
}
