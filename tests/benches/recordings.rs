//! 20,000 notifications from a queue into PostgreSQL, beside a bare loop of the same SDK that receives them from the same
//! queue and deletes them. As many hands do either, by turns. Every notification is of another object, and of one of a
//! thousand meetings.
//!
//! Where a call of the queue takes 5 ms, which is less than SQS takes ("tens or low hundreds of milliseconds", says AWS):
//! at least 0.6 of the bare loop. Where it takes no time, both are as fast as this machine's cores, and what is shown is
//! what a row costs beside two calls over loopback.

mod queue;

use std::sync::Arc;
use std::time::Instant;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry as Delete;
use queue::Queue;
use reflector_aws::{AccessKey, AwsSettings, AwsSource};
use reflector_core::engine::{Deployment, Engine, Recordings, Settings};
use reflector_core::lifecycle::Policy;
use reflector_core::recording::{RecordingSource, Wanted};
use reflector_core::store::{MeetingStore, Paging, RecordingStore, RoomStore, Viewer, WhichRecordings};
use reflector_core::testing::{FakeProvider, sample};
use reflector_core::{Meeting, ProviderRoom, RecordingId, Timestamp};
use reflector_store_postgres::{PostgresOptions, PostgresStore};
use reflector_test_postgres::{Cluster, Durability, Schema};
use uuid::Uuid;

const MESSAGES: u32 = 20_000;
const MEETINGS: u32 = 1_000;
/// How many receive at once.
const HANDS: usize = 4;
const ROUNDS: u32 = 3;
/// How many milliseconds a call of the queue takes where that is measured.
const A_CALL: u64 = 5;
const LEAST: f64 = 0.6;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let ratio = runtime.block_on(measure());
    assert!(ratio >= LEAST, "keeping a recording must not cost much more than hearing of it");
}

async fn measure() -> f64 {
    let cluster = Cluster::start(Durability::Full);
    let schema = cluster.schema();
    let store = town(&schema).await;
    let recordings = Arc::new(recordings(&store));
    let queue = Queue::start().await;
    let (client, source) = (bare_client(&queue), Arc::new(source(&queue).await));
    let (mut fresh, mut ratio) = (0.., 0.0);
    let mut fill = || queue.fill(notifications(fresh.next().expect("there are enough")));
    for milliseconds in [0, A_CALL] {
        queue.takes(milliseconds);
        let (mut bare, mut whole) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            fill();
            let one = drain(&queue, || bare_hand(client.clone(), queue.url())).await;
            fill();
            let other = drain(&queue, || hand(Arc::clone(&source), Arc::clone(&recordings))).await;
            // The first round warms both.
            if round > 0 {
                bare.push(one);
                whole.push(other);
            }
        }
        let (bare, whole) = (median(bare), median(whole));
        ratio = whole / bare;
        println!("where a call takes {milliseconds} ms:");
        println!("  received and deleted:        {bare:>7.0} messages a second");
        println!("  and kept in PostgreSQL:      {whole:>7.0} messages a second, ratio {ratio:.2}");
    }
    let all = WhichRecordings { viewer: Viewer::Operator, status: None, room: None };
    let kept = store.list_recordings(&all, Paging { offset: 0, limit: 0 }).await.expect("it is up").total;
    assert_eq!(kept, u64::from(2 * (ROUNDS + 1) * MESSAGES), "each is kept");
    println!("ratio: {ratio:.2}, and {LEAST} is asked for");
    ratio
}

/// A thousand meetings, each with its room.
async fn town(schema: &Schema) -> Arc<PostgresStore> {
    let url = schema.url().to_owned().into();
    let store = PostgresStore::connect(&url, PostgresOptions::default()).await.expect("it is up");
    store.migrate().await.expect("the schema is empty");
    let room = sample::room(1);
    store.create_room(room.clone()).await.expect("it is kept");
    for n in 0..MEETINGS {
        let name = name_of(n);
        let meeting = Meeting {
            room: Some(ProviderRoom { name, ..sample::provider_room(n) }),
            ..sample::meeting(n, &room)
        };
        store.create(sample::new_meeting(meeting)).await.expect("it is kept");
    }
    schema.sql("VACUUM ANALYZE");
    Arc::new(store)
}

fn name_of(n: u32) -> String {
    deployment().room(sample::meeting_id(n), 0)
}

fn deployment() -> Deployment {
    "bench".parse().expect("this is a name")
}

fn recordings(store: &Arc<PostgresStore>) -> Recordings {
    let settings = Settings { deployment: deployment(), policy: Policy::default() };
    let engine = Engine::new(Arc::clone(store) as _, settings)
        .with_provider(sample::provider(), Arc::new(FakeProvider::default()));
    Recordings::new(Arc::new(engine), Arc::clone(store) as _, Wanted::default())
}

async fn source(queue: &Queue) -> AwsSource {
    let settings = AwsSettings {
        queue_url: Some(queue.url()),
        endpoint: Some(queue.endpoint()),
        region: Some("us-east-1".to_owned()),
        access_key: Some(AccessKey { id: "id".to_owned(), secret: "secret".to_owned().into() }),
        ..AwsSettings::default()
    };
    AwsSource::connect(settings).await.expect("they lead somewhere")
}

/// What S3 sends for as many objects.
fn notifications(round: u32) -> impl Iterator<Item = String> {
    (0..MESSAGES).map(move |n| {
        let name = name_of(n % MEETINGS);
        let key = format!("recordings%2F{name}-2026-09-21T14%3A13%3A{:02}.{n:06}Z.mp4", round % 60);
        format!(
            r#"{{"Records":[{{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-west-2","eventTime":"2026-09-21T14:20:00.000Z","eventName":"ObjectCreated:CompleteMultipartUpload","userIdentity":{{"principalId":"AIDAJDPLRKLG7UEXAMPLE"}},"requestParameters":{{"sourceIPAddress":"127.0.0.1"}},"responseElements":{{"x-amz-request-id":"C3D13FE58DE4C810","x-amz-id-2":"FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD"}},"s3":{{"s3SchemaVersion":"1.0","configurationId":"recordings","bucket":{{"name":"bench","ownerIdentity":{{"principalId":"A3NL1KOZZKExample"}},"arn":"arn:aws:s3:::bench"}},"object":{{"key":"{key}","size":104857600,"eTag":"{n:08x}{round:08x}e9800998ecf8427e-7","sequencer":"00{n:08X}{round:08X}"}}}}}}]}}"#
        )
    })
}

/// How many messages a second several hands take out of the queue until it is empty.
async fn drain<H: Future<Output = ()> + Send + 'static>(queue: &Queue, hand: impl Fn() -> H) -> f64 {
    let begun = Instant::now();
    let hands: Vec<_> = (0..HANDS).map(|_| tokio::spawn(hand())).collect();
    for hand in hands {
        hand.await.expect("it does not panic");
    }
    assert_eq!(queue.deleted(), MESSAGES as usize, "each is deleted once");
    f64::from(MESSAGES) / begun.elapsed().as_secs_f64()
}

/// The SDK and nothing else.
fn bare_client(queue: &Queue) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(queue.endpoint())
        .credentials_provider(Credentials::new("id", "secret", None, None, "bench"));
    Client::from_conf(config.build())
}

async fn bare_hand(client: Client, url: String) {
    loop {
        let receive = client.receive_message().queue_url(&url).max_number_of_messages(10);
        let messages = receive.send().await.expect("the queue answers").messages.unwrap_or_default();
        if messages.is_empty() {
            return;
        }
        let entries = messages.into_iter().enumerate().map(|(n, message)| {
            let receipt = message.receipt_handle.expect("a message has a receipt");
            Delete::builder().id(n.to_string()).receipt_handle(receipt).build().expect("it has both")
        });
        let delete = client.delete_message_batch().queue_url(&url).set_entries(Some(entries.collect()));
        assert_eq!(delete.send().await.expect("the queue answers").failed, []);
    }
}

/// As a server's loop does it.
async fn hand(source: Arc<AwsSource>, recordings: Arc<Recordings>) {
    let ids = || RecordingId(Uuid::new_v4());
    let now: Timestamp = "2026-09-21T14:20:01Z".parse().expect("this is a time");
    loop {
        let mut messages = source.receive().await.expect("the queue answers");
        if messages.is_empty() {
            return;
        }
        source.receive_more(&mut messages).await;
        let ingested = recordings.ingest_once(&*source, &messages, now, &ids).await.expect("it is up");
        assert_eq!((ingested.stored.len(), ingested.unmatched), (messages.len(), 0));
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
