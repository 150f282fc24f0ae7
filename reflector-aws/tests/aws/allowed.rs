//! What is set up and allowed is told, and nothing is changed by asking.

use reflector_aws::Tells;
use reflector_core::recording::RecordingSource;
use reflector_test_aws::moto;

use crate::world::{received, settings, source, source_of};

#[tokio::test]
async fn asking_what_is_allowed_deletes_nothing_and_hides_nothing() {
    for versioned in [false, true] {
        let uploads = moto().bucket_with_queue(versioned, ".mp4", None).await;
        uploads.put("a folder/a.mp4", b"video").await;
        let source = source_of(&uploads).await;
        let before = (uploads.versions("").await, uploads.counts().await);
        source.may_settle().await.unwrap();
        source.may_erase("").await.unwrap();
        source.may_erase("a folder/").await.unwrap();
        assert_eq!((uploads.versions("").await, uploads.counts().await), before, "versioned: {versioned}");
        assert_eq!(source.list(None).await.unwrap().notices.len(), 1);
        assert!(received(&source).await.iter().all(|message| message.receives == 1));
    }
}

#[tokio::test]
async fn a_bucket_says_whether_it_tells_the_queue() {
    let (uploads, others) = (
        moto().bucket_with_queue(false, ".mp4", None).await,
        moto().bucket_with_queue(false, ".mp4", None).await,
    );
    let told = |bucket: &str, tells| vec![(bucket.to_owned(), tells)];
    assert_eq!(source_of(&uploads).await.tells().await.unwrap(), told(uploads.bucket(), Tells::TheQueue));
    let crossed = settings(moto().endpoint(), Some(uploads.queue_url()), &[others.bucket()]);
    assert_eq!(source(crossed).await.tells().await.unwrap(), told(others.bucket(), Tells::Others));
}
