//! What is in buckets is listed as it stands now, and erased with all its versions.

use reflector_aws::AwsSource;
use reflector_core::recording::{Notice, ObjectVersion, RecordingSource, SourceError, Version};
use reflector_test_aws::{BucketWithQueue, moto};
use wiremock::matchers::{method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::world::{listed, settings, source, source_of};

fn keys(notices: &[Notice]) -> Vec<&str> {
    notices.iter().map(|notice| notice.object.key.as_str()).collect()
}

fn object(uploads: &BucketWithQueue, key: &str) -> ObjectVersion {
    let version = Version::Tag("whichever".to_owned());
    ObjectVersion { bucket: uploads.bucket().to_owned(), key: key.to_owned(), version }
}

#[tokio::test]
async fn several_buckets_are_listed_one_after_the_other() {
    let (one, empty, other) = (
        moto().bucket_with_queue(false, ".mp4", None).await,
        moto().bucket_with_queue(false, ".mp4", None).await,
        moto().bucket_with_queue(true, ".mp4", None).await,
    );
    for number in 0..4 {
        one.put(&format!("{number}.mp4"), b"1").await;
        other.put(&format!("{number}.mp4"), b"1").await;
    }
    // One that is named twice is listed once.
    let buckets = [one.bucket(), empty.bucket(), other.bucket(), one.bucket()];
    let source = source(settings(moto().endpoint(), None, &buckets)).await;
    let (notices, pages) = listed(&source).await;
    assert_eq!((notices.len(), pages), (8, 5), "pages of three");
    let of = |uploads: &BucketWithQueue| {
        notices.iter().filter(|notice| notice.object.bucket == uploads.bucket()).cloned().collect::<Vec<_>>()
    };
    let all = ["0.mp4", "1.mp4", "2.mp4", "3.mp4"];
    assert_eq!((keys(&of(&one)), keys(&of(&other))), (all.to_vec(), all.to_vec()));
    let is_id = |notice: &Notice| matches!(notice.object.version, Version::Id(_));
    assert!(of(&other).iter().all(is_id) && !of(&one).iter().any(is_id), "{notices:?}");
}

#[tokio::test]
async fn neither_older_versions_nor_what_was_deleted_is_listed() {
    let uploads = moto().bucket_with_queue(true, ".mp4", None).await;
    for (key, text) in [("a.mp4", "1"), ("gone.mp4", "1"), ("a.mp4", "2"), ("b.mp4", "1")] {
        uploads.put(key, text.as_bytes()).await;
    }
    let newest = uploads.put("a.mp4", b"new").await;
    uploads.delete("gone.mp4").await;
    let (notices, _) = listed(&source_of(&uploads).await).await;
    assert_eq!(keys(&notices), ["a.mp4", "b.mp4"]);
    assert_eq!(notices[0].object.version, Version::Id(newest.version_id.unwrap()));
    assert_eq!((notices[0].size, &notices[0].sequencer), (3, &None));
}

#[tokio::test]
async fn all_versions_and_marks_of_a_key_are_erased_and_of_no_other_key() {
    let uploads = moto().bucket_with_queue(true, ".mp4", None).await;
    let source = source_of(&uploads).await;
    // More than two pages of them.
    for text in ["1", "2", "3", "4", "5", "6", "7"] {
        uploads.put("a.mp4", text.as_bytes()).await;
    }
    uploads.delete("a.mp4").await;
    for beside in ["a.mp4 ", "a.mp4/b.mp4", "a.mp4x", "a.mp", "A.mp4"] {
        uploads.put(beside, b"1").await;
    }
    assert_eq!(uploads.versions("a.mp4").await, 8 + 3);
    for _ in 0..2 {
        source.erase(&object(&uploads, "a.mp4")).await.unwrap();
        assert_eq!(uploads.versions("a.mp4").await, 3);
        assert_eq!(listed(&source).await.0.len(), 5);
    }
}

#[tokio::test]
async fn a_key_that_was_never_there_is_erased_already() {
    let uploads = moto().bucket_with_queue(false, ".mp4", None).await;
    let source = source_of(&uploads).await;
    uploads.put("Übung/a b+%2B.mp4", b"1").await;
    source.erase(&object(&uploads, "Übung/a b+.mp4")).await.unwrap();
    assert_eq!(listed(&source).await.0.len(), 1);
    source.erase(&object(&uploads, "Übung/a b+%2B.mp4")).await.unwrap();
    assert_eq!(listed(&source).await.0, []);
}

#[tokio::test]
async fn nothing_but_the_versions_and_marks_of_the_key_is_asked_to_be_deleted() {
    let body = "<Version><Key>a.mp4</Key><VersionId>v-1</VersionId></Version>\
                <Version><Key>a.mp4x</Key><VersionId>v-2</VersionId></Version>\
                <DeleteMarker><Key>a.mp4</Key><VersionId>m-1</VersionId></DeleteMarker>\
                <DeleteMarker><Key>a.mp4/</Key><VersionId>m-2</VersionId></DeleteMarker>";
    let (server, source) = listing(&[(None, body)]).await;
    Mock::given(method("DELETE")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let version = Version::Id("v-1".to_owned());
    let object = ObjectVersion { bucket: "recordings".to_owned(), key: "a.mp4".to_owned(), version };
    source.erase(&object).await.unwrap();
    let deleted = |request: Request| {
        let id = request.url.query_pairs().find(|(name, _)| name == "versionId");
        (request.method == "DELETE")
            .then(|| (request.url.path().to_owned(), id.map(|(_, id)| id.into_owned())))
    };
    let deleted: Vec<_> = server.received_requests().await.unwrap().into_iter().filter_map(deleted).collect();
    let of_key = |id: &str| ("/recordings/a.mp4".to_owned(), Some(id.to_owned()));
    assert_eq!(deleted, [of_key("v-1"), of_key("m-1")]);
}

#[tokio::test]
async fn a_page_of_other_buckets_is_refused() {
    let uploads = moto().bucket_with_queue(false, ".mp4", None).await;
    let source = source_of(&uploads).await;
    for page in ["", "5", "{}", r#"{"bucket":"another"}"#] {
        let error = source.list(Some(page)).await.unwrap_err();
        assert!(matches!(&error, SourceError::Refused { detail } if detail.contains("beginning")), "{error}");
    }
}

/// A server whose listing of the bucket `recordings` answers like this.
async fn listing(pages: &[(Option<(&str, &str)>, &str)]) -> (MockServer, AwsSource) {
    let server = MockServer::start().await;
    for (after, body) in pages {
        let xml = format!("<ListVersionsResult>{body}</ListVersionsResult>");
        let mock =
            Mock::given(method("GET")).and(path("/recordings/")).and(query_param("encoding-type", "url"));
        let mock = match after {
            Some((key, version)) => {
                mock.and(query_param("key-marker", *key)).and(query_param("version-id-marker", *version))
            }
            None => mock.and(query_param_is_missing("key-marker")),
        };
        mock.respond_with(ResponseTemplate::new(200).set_body_raw(xml, "application/xml"))
            .mount(&server)
            .await;
    }
    let source = source(settings(&server.uri(), None, &["recordings"])).await;
    (server, source)
}

#[tokio::test]
async fn keys_and_markers_of_a_listing_are_decoded_if_it_says_that_they_are_encoded() {
    let version = |key: &str| {
        format!(
            "<Version><Key>{key}</Key><VersionId>null</VersionId><IsLatest>true</IsLatest>\
             <ETag>&quot;t&quot;</ETag><Size>5</Size></Version>"
        )
    };
    let first = format!(
        "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
         <NextKeyMarker>a+b%2B%01.mp4</NextKeyMarker><NextVersionIdMarker>null</NextVersionIdMarker>{}",
        version("a+b%2B%01.mp4")
    );
    let last = format!("<IsTruncated>false</IsTruncated>{}", version("a+c%2B.mp4"));
    let (_server, source) = listing(&[(None, &first), (Some(("a b+\u{1}.mp4", "null")), &last)]).await;
    let (notices, pages) = listed(&source).await;
    assert_eq!((keys(&notices), pages), (vec!["a b+\u{1}.mp4", "a+c%2B.mp4"], 2));
    assert_eq!(notices[0].object.version, Version::Tag("t".to_owned()));
}

#[tokio::test]
async fn a_listing_that_would_never_end_or_cannot_be_read_is_an_outage() {
    let same = "<IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker>\
                <NextVersionIdMarker>v</NextVersionIdMarker>";
    let (_server, source) = listing(&[(None, same), (Some(("a", "v")), same)]).await;
    let next = source.list(None).await.unwrap().next;
    for (body, page) in [
        (same, next),
        ("<IsTruncated>true</IsTruncated>", None),
        ("<EncodingType>url</EncodingType><Version><Key>100%</Key></Version>", None),
        ("<Version><ETag>t</ETag></Version>", None),
    ] {
        let (_server, source) = listing(&[(None, body), (Some(("a", "v")), body)]).await;
        let error = source.list(page.as_deref()).await.unwrap_err();
        let told = matches!(&error, SourceError::Unavailable { detail, .. } if detail.contains("recordings"));
        assert!(told, "{body}: {error}");
    }
}
