//! What is in the buckets: listing it, and erasing it with all its versions. Reading it is a module of its own.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::EncodingType;
use reflector_core::recording::{Listing, Notice, ObjectVersion, SourceError};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::key;
use crate::notice;
use crate::time_outs::TimeOuts;
use crate::trouble::{Asked, On, Trouble};

/// How many versions a page of S3 has at most.
const PAGE: i32 = 1_000;

/// Some buckets, and what is in them.
pub(crate) struct Buckets {
    pub(crate) client: Client,
    pub(crate) buckets: Vec<String>,
    /// How many versions a page has at most.
    pub(crate) page: i32,
    pub(crate) time_outs: TimeOuts,
}

/// Where in the buckets a page begins. To others it is a text that they hand back.
#[derive(Deserialize)]
struct Place {
    bucket: String,
    /// Behind which version, if not at the beginning of the bucket.
    after: Option<Marker>,
}

/// A version in a bucket, the last one of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Marker {
    key: String,
    version: Option<String>,
}

impl Buckets {
    pub(crate) fn new(client: Client, named: Vec<String>, time_outs: TimeOuts) -> Self {
        let mut buckets = Vec::new();
        for bucket in named {
            // What follows a bucket is told by its name: none may be there twice.
            if !buckets.contains(&bucket) {
                buckets.push(bucket);
            }
        }
        Self { client, buckets, page: PAGE, time_outs }
    }

    /// A page of what stands now in the buckets, one after the other.
    pub(crate) async fn list(&self, page: Option<&str>) -> Result<Listing, SourceError> {
        let place = self.place(page)?;
        let (versions, next) = self.versions(&place.bucket, None, place.after.as_ref()).await?;
        let notices = versions.iter().filter(|version| version.stands);
        let notices = notices.filter_map(|version| version.notice(&place.bucket)).collect();
        let next = match next {
            Some(after) => Some(Place { bucket: place.bucket, after: Some(after) }),
            None => self.bucket_after(&place.bucket).map(|bucket| Place { bucket, after: None }),
        };
        Ok(Listing { notices, next: next.map(|place| place.write()) })
    }

    /// Erases every version of an object, and the marks that say it was deleted.
    pub(crate) async fn erase(&self, object: &ObjectVersion) -> Result<(), SourceError> {
        for version in self.versions_of(object).await? {
            let asked = Asked { permission: "s3:DeleteObjectVersion", on: On::ObjectsOf(&object.bucket) };
            let delete = self.client.delete_object().bucket(&object.bucket).key(&object.key);
            delete.set_version_id(version.id).send().await.map_err(|error| Trouble::of(error, asked))?;
        }
        Ok(())
    }

    /// All of them before one is erased: a page may not begin behind a version that is gone.
    async fn versions_of(&self, object: &ObjectVersion) -> Result<Vec<Listed>, SourceError> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let (versions, next) = self.versions(&object.bucket, Some(&object.key), after.as_ref()).await?;
            all.extend(versions.into_iter().filter(|version| version.key == object.key));
            // Keys come in order: behind the first longer one there is none of ours.
            match next.filter(|next| next.key == object.key) {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// A page of versions and marks of a bucket, and where it ended if there is another one.
    async fn versions(
        &self,
        bucket: &str,
        prefix: Option<&str>,
        after: Option<&Marker>,
    ) -> Result<(Vec<Listed>, Option<Marker>), SourceError> {
        // Some keys cannot stand in XML as they are.
        let page = self.client.list_object_versions().bucket(bucket).encoding_type(EncodingType::Url);
        let page = page.max_keys(self.page).set_prefix(prefix.map(str::to_owned));
        let page = page.set_key_marker(after.map(|after| after.key.clone()));
        let page = page.set_version_id_marker(after.and_then(|after| after.version.clone()));
        let asked = Asked { permission: "s3:ListBucketVersions", on: On::Bucket(bucket) };
        let page = page.send().await.map_err(|error| Trouble::of(error, asked))?;
        let read = read_page(&page).filter(|(_, next)| next.is_none() || next.as_ref() != after);
        read.ok_or_else(|| {
            SourceError::unavailable(format!("S3's listing of the bucket {bucket} cannot be read"))
        })
    }

    fn place(&self, page: Option<&str>) -> Result<Place, SourceError> {
        let Some(page) = page else {
            let bucket = self.buckets.first().cloned();
            let none = || SourceError::refused("no bucket is named: name those that are to be listed");
            return Ok(Place { bucket: bucket.ok_or_else(none)?, after: None });
        };
        let place: Option<Place> = serde_json::from_str(page).ok();
        let place = place.filter(|place| self.buckets.contains(&place.bucket));
        place.ok_or_else(|| {
            SourceError::refused("the page is of a listing of other buckets: list from the beginning")
        })
    }

    fn bucket_after(&self, bucket: &str) -> Option<String> {
        self.buckets.iter().skip_while(|named| *named != bucket).nth(1).cloned()
    }
}

impl Place {
    fn write(&self) -> String {
        json!({ "bucket": self.bucket, "after": self.after }).to_string()
    }
}

/// A version in a listing, or a mark that the object was deleted.
struct Listed {
    key: String,
    id: Option<String>,
    tag: Option<String>,
    size: u64,
    /// Whether it is an object and what stands now.
    stands: bool,
}

impl Listed {
    fn notice(&self, bucket: &str) -> Option<Notice> {
        let version = notice::version(self.id.as_deref(), self.tag.as_deref())?;
        let object = ObjectVersion { bucket: bucket.to_owned(), key: self.key.clone(), version };
        Some(Notice { object, size: self.size, sequencer: None })
    }
}

/// What a page says. Nothing if it has a key that cannot be read, or does not say where it ended.
fn read_page(page: &ListObjectVersionsOutput) -> Option<(Vec<Listed>, Option<Marker>)> {
    let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
    let key = |text: Option<&str>| match text? {
        text if is_encoded => key::decode(text).ok(),
        text => Some(text.to_owned()),
    };
    let objects = page.versions().iter().map(|version| {
        Some(Listed {
            key: key(version.key())?,
            id: version.version_id().map(str::to_owned),
            tag: version.e_tag().map(str::to_owned),
            size: version.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
            stands: version.is_latest() == Some(true),
        })
    });
    let marks = page.delete_markers().iter().map(|mark| {
        let id = mark.version_id().map(str::to_owned);
        Some(Listed { key: key(mark.key())?, id, tag: None, size: 0, stands: false })
    });
    let listed = objects.chain(marks).collect::<Option<_>>()?;
    if page.is_truncated() != Some(true) {
        return Some((listed, None));
    }
    let version = page.next_version_id_marker().map(str::to_owned);
    Some((listed, Some(Marker { key: key(page.next_key_marker())?, version })))
}
