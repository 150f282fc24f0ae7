//! What is in objects is read as it was put there, and what is in the way is told.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use reflector_aws::AwsSource;
use reflector_core::recording::{ObjectBytes, ObjectVersion, Objects, RecordingSource, SourceError, Version};
use reflector_core::testing::objects_suite::ObjectsHarness;
use reflector_test_aws::{BucketWithQueue, Put, moto};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::world::{Then, settings, source, source_of, that_says};

/// Mebibytes that are read without ever being in the memory at once.
const TALL: usize = 5 << 20;

#[derive(Debug)]
struct World {
    uploads: BucketWithQueue,
    source: AwsSource,
}

async fn world(versioned: bool) -> World {
    let uploads = moto().bucket_with_queue(versioned, ".mp4", None).await;
    let source = source_of(&uploads).await;
    World { uploads, source }
}

impl World {
    fn object(&self, key: &str, put: Put) -> ObjectVersion {
        // What came in parts has one even where none are kept.
        let id = put.version_id.filter(|id| id != "null");
        let version = id.map_or(Version::Tag(put.tag), Version::Id);
        ObjectVersion { bucket: self.uploads.bucket().to_owned(), key: key.to_owned(), version }
    }
}

#[async_trait]
impl ObjectsHarness for World {
    fn objects(&self) -> &dyn Objects {
        &self.source
    }

    async fn put_bytes(&self, key: &str, bytes: &[u8]) -> ObjectVersion {
        self.object(key, self.uploads.put(key, bytes).await)
    }

    async fn erase(&self, object: &ObjectVersion) {
        self.source.erase(object).await.expect("it may be erased");
    }
}

mod newest_only {
    use super::{World, world};

    async fn empty() -> World {
        world(false).await
    }

    reflector_core::objects_suite!(empty);
}

mod with_versions {
    use super::{World, world};

    async fn empty() -> World {
        world(true).await
    }

    reflector_core::objects_suite!(empty);
}

async fn opened(source: &AwsSource, object: &ObjectVersion, from: u64) -> Box<dyn ObjectBytes> {
    let opened = source.open(object, from).await.expect("it may be read");
    opened.expect("it is there")
}

async fn rest(mut object: Box<dyn ObjectBytes>) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(some) = object.next().await.expect("it can be read to its end") {
        all.extend(some);
    }
    all
}

#[tokio::test]
async fn a_version_is_read_as_it_was_after_it_was_replaced_and_deleted_and_a_tag_is_not() {
    for versioned in [true, false] {
        let world = world(versioned).await;
        let first = world.put_bytes("a.mp4", b"the first").await;
        world.put_bytes("a.mp4", b"the second").await;
        let replaced = world.source.open(&first, 4).await.unwrap();
        assert_eq!(replaced.is_some(), versioned);
        world.uploads.delete("a.mp4").await;
        let deleted = world.source.open(&first, 4).await.unwrap();
        assert_eq!(deleted.is_some(), versioned, "a mark stands above it");
        if let (Some(replaced), Some(deleted)) = (replaced, deleted) {
            assert_eq!((rest(replaced).await, rest(deleted).await), (b"first".to_vec(), b"first".to_vec()));
        }
    }
}

#[tokio::test]
async fn an_object_that_came_in_parts_is_read_across_them() {
    let world = world(false).await;
    let put = world.uploads.put_in_parts("a.mp4", b"its end").await;
    let object = world.object("a.mp4", put);
    assert!(object.version.as_str().ends_with("-2"), "the tag of parts: {:?}", object.version);
    let (mut reading, mut read, mut most) = (opened(&world.source, &object, 0).await, 0, 0);
    while let Some(some) = reading.next().await.unwrap() {
        (read, most) = (read + some.len(), most.max(some.len()));
    }
    assert_eq!(read, TALL + 7);
    assert!(most < TALL / 2, "{most} bytes were in the memory at once");
    let across = opened(&world.source, &object, TALL as u64 - 2).await;
    assert_eq!(rest(across).await, b"\0\0its end");
}

fn an_object(version: Version) -> ObjectVersion {
    ObjectVersion { bucket: "recordings".to_owned(), key: "a b+c.mp4".to_owned(), version }
}

fn by_tag() -> ObjectVersion {
    an_object(Version::Tag("t-1".to_owned()))
}

fn by_id() -> ObjectVersion {
    an_object(Version::Id("v-1".to_owned()))
}

async fn that_answers(answer: ResponseTemplate) -> (MockServer, AwsSource) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let source = source(settings(&server.uri(), None, &[])).await;
    (server, source)
}

/// An answer with these bytes of the object of the tag `t-1` and the id `v-1`.
fn giving(status: u16, bytes: &str) -> ResponseTemplate {
    let answer = ResponseTemplate::new(status).insert_header("ETag", "\"t-1\"");
    answer.insert_header("x-amz-version-id", "v-1").set_body_raw(bytes, "video/mp4")
}

#[tokio::test]
async fn a_version_is_asked_for_by_its_id_and_a_tag_by_what_has_to_match() {
    let (server, source) =
        that_answers(giving(206, "xyz").insert_header("Content-Range", "bytes 7-9/10")).await;
    for object in [by_id(), by_tag()] {
        assert_eq!(rest(opened(&source, &object, 7).await).await, b"xyz");
    }
    let asked = |request: Request| {
        let header = |name| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let version = request.url.query_pairs().find(|(name, _)| name == "versionId");
        let version = version.map(|(_, id)| id.into_owned());
        (request.url.path().to_owned(), version, header("if-match"), header("range"))
    };
    let asked: Vec<_> = server.received_requests().await.unwrap().into_iter().map(asked).collect();
    let (path, range) = ("/recordings/a%20b%2Bc.mp4".to_owned(), Some("bytes=7-".to_owned()));
    let of_id = (path.clone(), Some("v-1".to_owned()), None, range.clone());
    assert_eq!(asked, [of_id, (path, None, Some("\"t-1\"".to_owned()), range)]);
}

#[tokio::test]
async fn whoever_gives_another_part_or_another_object_than_was_asked_for_is_not_taken_for_s3() {
    let another = |version: &Version| match version {
        Version::Id(_) => an_object(Version::Id("v-2".to_owned())),
        Version::Tag(_) => an_object(Version::Tag("t-2".to_owned())),
    };
    let (_server, source) = that_answers(giving(200, "0123456789")).await;
    for object in [by_id(), by_tag()] {
        assert_eq!(rest(opened(&source, &object, 0).await).await, b"0123456789");
        for (object, from) in [(&object, 7), (&another(&object.version), 0)] {
            let error = source.open(object, from).await.map(drop).unwrap_err();
            assert!(
                matches!(&error, SourceError::Refused { detail } if detail.contains("not S3")),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn the_permission_to_read_a_version_is_told_from_the_one_to_read_what_stands() {
    let denied = "<Error><Code>AccessDenied</Code><Message>hunter2</Message></Error>";
    let (_server, source) =
        that_answers(ResponseTemplate::new(403).set_body_raw(denied, "application/xml")).await;
    for (object, permission) in [(by_tag(), "s3:GetObject on"), (by_id(), "s3:GetObjectVersion on")] {
        let error = source.open(&object, 7).await.map(drop).unwrap_err();
        let line = error.to_string();
        assert!(matches!(error, SourceError::Refused { .. }), "{line} is to be tried again");
        assert!(line.contains(permission) && line.contains("the bucket recordings"), "{line}");
        assert!(!line.contains("hunter2") && !line.contains('\n'), "{line}");
    }
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_named_and_its_objects_are_not_taken_for_gone() {
    let source = source(settings(moto().endpoint(), None, &[])).await;
    let error = source.open(&by_tag(), 0).await.map(drop).unwrap_err();
    let told =
        matches!(&error, SourceError::Refused { detail } if detail.contains("bucket recordings does not"));
    assert!(told, "{error}");
}

async fn broken(endpoint: &str) -> (Vec<u8>, SourceError) {
    let source = source(settings(endpoint, None, &[])).await.with_answers_within(Duration::from_millis(100));
    let mut object = opened(&source, &by_tag(), 0).await;
    let mut all = Vec::new();
    loop {
        match object.next().await {
            Ok(Some(some)) => all.extend(some),
            Ok(None) => panic!("it was taken for its end after {} bytes", all.len()),
            Err(error) => return (all, error),
        }
    }
}

const HALF: &str = "HTTP/1.1 200 OK\r\nETag: \"t-1\"\r\nContent-Length: 10\r\n\r\n01234";

#[tokio::test]
async fn an_object_that_hangs_in_its_middle_is_given_up_with_what_came_before() {
    let begun = Instant::now();
    let (read, error) = broken(&that_says(HALF, Then::Hangs)).await;
    let told = matches!(&error, SourceError::Unavailable { detail, .. } if detail.contains("does not answer in time"));
    assert!(told && read == b"01234", "{read:?} {error}");
    assert!(begun.elapsed() < Duration::from_secs(5), "it was waited for");
}

#[tokio::test]
async fn an_object_that_breaks_off_is_not_taken_for_a_short_one() {
    let (read, error) = broken(&that_says(HALF, Then::Closes)).await;
    let told = matches!(&error, SourceError::Unavailable { detail, .. } if detail.contains("broke off"));
    assert!(told && read == b"01234", "{read:?} {error}");
}
