//! What is in objects, a little at a time.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use reflector_core::recording::{ObjectBytes, ObjectVersion, SourceError, Version};
use tokio::time::timeout;

use crate::notice;
use crate::objects::Buckets;
use crate::trouble::{Asked, Kind, On, Trouble};

impl Buckets {
    /// Opens an object to be read from this byte on; nothing if this version of it is gone.
    pub(crate) async fn open(
        &self,
        object: &ObjectVersion,
        from: u64,
    ) -> Result<Option<Box<dyn ObjectBytes>>, SourceError> {
        let ObjectVersion { bucket, key, version } = object;
        let get = self.client.get_object().bucket(bucket).key(key);
        let get = match version {
            Version::Id(id) => get.version_id(id),
            Version::Tag(tag) => get.if_match(format!("\"{tag}\"")),
        };
        // An empty object has not even the range from its first byte on.
        let get = get.set_range((from > 0).then(|| format!("bytes={from}-")));
        let open =
            |body| Some(Box::new(Body { body, patience: self.time_outs.answer }) as Box<dyn ObjectBytes>);
        match get.send().await {
            Ok(answer) if is_of(&answer, version) && begins_at(&answer, from) => Ok(open(answer.body)),
            Ok(_) => Err(SourceError::refused(
                "what answers is not S3, which gives the version of an object and the part of it that it is asked \
                 for: check AWS_ENDPOINT_URL if it is set",
            )),
            Err(error) => match Trouble::of(error, asked(object)) {
                Trouble { kind: Kind::Gone, .. } => Ok(None),
                Trouble { kind: Kind::Behind, .. } => Ok(open(ByteStream::default())),
                trouble => Err(trouble.into()),
            },
        }
    }
}

/// The permission is another one where the version is named.
fn asked(object: &ObjectVersion) -> Asked<'_> {
    let permission = match object.version {
        Version::Id(_) => "s3:GetObjectVersion",
        Version::Tag(_) => "s3:GetObject",
    };
    Asked { permission, on: On::ObjectsOf(&object.bucket) }
}

/// What S3 gives has a tag, and is what was asked for. Others may not have understood the question.
fn is_of(answer: &GetObjectOutput, version: &Version) -> bool {
    match (version, notice::version(None, answer.e_tag())) {
        (_, None) => false,
        (Version::Tag(_), Some(tag)) => tag == *version,
        (Version::Id(id), Some(_)) => answer.version_id().is_none_or(|given| given == id),
    }
}

/// Whoever knows no ranges gives everything, and says so by not saying what it gives.
fn begins_at(answer: &GetObjectOutput, from: u64) -> bool {
    let range = answer.content_range().and_then(|range| range.strip_prefix("bytes "));
    let begin = range.and_then(|range| range.split('-').next()?.parse().ok());
    begin.unwrap_or(0) == from
}

/// An object that is being read.
struct Body {
    body: ByteStream,
    /// How long the next of its bytes may take.
    patience: Duration,
}

#[async_trait]
impl ObjectBytes for Body {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, SourceError> {
        loop {
            match timeout(self.patience, self.body.next()).await {
                Ok(Some(Ok(bytes))) if bytes.is_empty() => {}
                Ok(Some(Ok(bytes))) => return Ok(Some(bytes.into())),
                Ok(Some(Err(error))) => {
                    return Err(SourceError::Unavailable {
                        detail: "S3 broke off in the middle of an object".to_owned(),
                        source: Some(error.into()),
                    });
                }
                Ok(None) => return Ok(None),
                Err(_) => {
                    return Err(SourceError::unavailable(
                        "S3 does not answer in time, in the middle of an object: check the network",
                    ));
                }
            }
        }
    }
}
