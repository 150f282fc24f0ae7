//! A source around a bucket and a queue of one test.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use reflector_aws::{AccessKey, AwsSettings, AwsSource};
use reflector_core::recording::{Message, Notice, RecordingSource};
use reflector_test_aws::{ACCESS_KEY_ID, BucketWithQueue, REGION, SECRET_ACCESS_KEY, moto};

/// Settings for a server that stands in for AWS, with nothing left to the environment.
pub(crate) fn settings(endpoint: &str, queue_url: Option<&str>, buckets: &[&str]) -> AwsSettings {
    AwsSettings {
        queue_url: queue_url.map(str::to_owned),
        buckets: buckets.iter().map(|&bucket| bucket.to_owned()).collect(),
        region: Some(REGION.to_owned()),
        endpoint: Some(endpoint.to_owned()),
        access_key: Some(AccessKey { id: ACCESS_KEY_ID.to_owned(), secret: SECRET_ACCESS_KEY.into() }),
    }
}

/// A source that waits for no message, with pages of three.
pub(crate) async fn source(settings: AwsSettings) -> AwsSource {
    let source = AwsSource::connect(settings).await.expect("the settings are sound");
    source.with_wait(Duration::ZERO).with_page(3)
}

/// The source of what is put into a bucket.
pub(crate) async fn source_of(uploads: &BucketWithQueue) -> AwsSource {
    source(settings(moto().endpoint(), Some(uploads.queue_url()), &[uploads.bucket()])).await
}

/// All messages that can be received now.
pub(crate) async fn received(source: &AwsSource) -> Vec<Message> {
    let mut all = Vec::new();
    loop {
        let messages = source.receive().await.expect("the queue can be asked");
        if messages.is_empty() {
            return all;
        }
        all.extend(messages);
    }
}

/// Everything that is listed, page by page, and how many pages that took.
pub(crate) async fn listed(source: &AwsSource) -> (Vec<Notice>, usize) {
    let (mut all, mut pages) = (Vec::new(), 0);
    let mut page: Option<String> = None;
    loop {
        let listing = source.list(page.as_deref()).await.expect("the buckets can be listed");
        all.extend(listing.notices);
        pages += 1;
        page = listing.next;
        if page.is_none() {
            return (all, pages);
        }
    }
}

/// What a server does with a connection when it has said what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Hangs,
    Closes,
}

/// The address of a server that says this to whatever it is asked, and no more.
pub(crate) fn that_says(answer: &'static str, then: Then) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has one");
    thread::spawn(move || {
        let mut held = Vec::new();
        for mut connection in listener.incoming().flatten() {
            // Whoever has no time left asks nothing, or does not wait for the answer.
            let is_asked = connection.read(&mut [0; 8_192]).is_ok_and(|asked| asked > 0);
            if is_asked && connection.write_all(answer.as_bytes()).is_ok() && then == Then::Hangs {
                held.push(connection);
            }
        }
    });
    format!("http://{address}")
}
