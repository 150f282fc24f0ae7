//! The objects of every source that is configured.

use std::sync::Arc;

use async_trait::async_trait;
use reflector_core::recording::{ObjectBytes, ObjectVersion, Objects, SourceError};

use crate::recordings::Feed;

/// Objects, each at the source that holds it.
#[derive(Clone, Debug)]
pub(crate) struct FeedObjects {
    feeds: Vec<Arc<Feed>>,
}

impl FeedObjects {
    pub(crate) fn new(feeds: Vec<Arc<Feed>>) -> Self {
        Self { feeds }
    }

    /// Erases all versions of an object, where it is.
    pub(crate) async fn erase(&self, object: &ObjectVersion) -> Result<(), SourceError> {
        self.holder(object)?.source.erase(object).await
    }

    fn holder(&self, object: &ObjectVersion) -> Result<&Feed, SourceError> {
        let feed = self.feeds.iter().find(|feed| feed.holds(object));
        feed.map(Arc::as_ref).ok_or_else(|| {
            SourceError::refused(format!(
                "this server has no source that holds {}; set REFLECTOR_RECORDINGS_DIR for a folder, \
                 AWS_PROCESS_RECORDING_QUEUE_URL for a bucket",
                object.bucket
            ))
        })
    }
}

#[async_trait]
impl Objects for FeedObjects {
    async fn open(
        &self,
        object: &ObjectVersion,
        from: u64,
    ) -> Result<Option<Box<dyn ObjectBytes>>, SourceError> {
        self.holder(object)?.objects.open(object, from).await
    }
}
