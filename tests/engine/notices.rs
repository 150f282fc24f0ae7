//! Notices to rooms' owners: over a store in memory and a courier that does as it is told, with time moved by hand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use reflector_core::engine::{Brought, Courier, Notices, Undelivered};
use reflector_core::store::{
    ClaimedNotice, NoticeStore, OwedNotice, RoomStore, Settled, Settlement, StoreError,
};
use reflector_core::testing::{Fault, Flaky, sample};
use reflector_core::{Room, RoomWebhook, Timestamp, WebhookSecret};
use reflector_store_memory::MemoryStore;
use serde_json::{Value, json};

use crate::runs::studio::{JUST, Studio, locked};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a notice is in hand.
const CLAIM: Duration = Duration::from_secs(60);

/// Brings what it is given, or not, as it is told, and writes down what it was given.
#[derive(Debug, Default)]
struct Messenger {
    told: Mutex<VecDeque<Undelivered>>,
    given: Mutex<Vec<(RoomWebhook, OwedNotice)>>,
}

#[async_trait]
impl Courier for Messenger {
    async fn bring(&self, to: &RoomWebhook, notice: &OwedNotice, _: Timestamp) -> Result<(), Undelivered> {
        locked(&self.given).push((to.clone(), notice.clone()));
        locked(&self.told).pop_front().map_or(Ok(()), Err)
    }
}

/// A room whose owner is told of the transcript that was just finished.
struct Post {
    store: Arc<MemoryStore>,
    messenger: Arc<Messenger>,
    notices: Notices,
    now: Timestamp,
}

impl Post {
    async fn new() -> Self {
        let mut studio = Studio::with_recording(1).await;
        let webhook = Some(webhook("https://ann.example/hook"));
        studio.store.create_room(Room { webhook, ..sample::room(1) }).await.expect("sound");
        studio.work_to_the_end().await;
        let (store, messenger) = (studio.store, Arc::new(Messenger::default()));
        let notices =
            Notices::new(Arc::clone(&store) as _, Arc::clone(&store) as _, Arc::clone(&messenger) as _);
        Self { store, messenger, notices, now: studio.now }
    }

    /// What the messenger comes back with the next times; after that, it brings what it is given.
    fn fails(&self, times: usize, after: Option<Duration>) {
        let undelivered = Undelivered { reason: reason(), after };
        locked(&self.messenger.told).extend(vec![undelivered; times]);
    }

    async fn claimed(&self) -> Vec<ClaimedNotice> {
        self.notices.claim(10, self.now).await.expect("sound")
    }

    async fn claim(&self) -> ClaimedNotice {
        let mut claimed = self.claimed().await;
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        claimed.remove(0)
    }

    async fn bring(&self, claimed: &ClaimedNotice) -> Brought {
        self.notices.bring(claimed, self.now).await.expect("sound")
    }

    async fn next(&self) -> Option<Timestamp> {
        self.notices.store().next_notice().await.expect("sound")
    }

    fn given(&self) -> Vec<(RoomWebhook, OwedNotice)> {
        locked(&self.messenger.given).clone()
    }

    async fn changes_room(&self, change: impl FnOnce(&mut Room)) {
        let mut room = self.store.load_room(sample::room(1).id).await.expect("sound").expect("it is there");
        change(&mut room);
        assert!(self.store.update_room(room).await.expect("sound"));
    }
}

fn webhook(url: &str) -> RoomWebhook {
    RoomWebhook { url: url.to_owned(), secret: WebhookSecret::new(format!("secret of {url}")) }
}

fn reason() -> String {
    "its receiver answered 503".to_owned()
}

#[tokio::test]
async fn what_is_owed_is_brought_once_to_the_webhook_of_its_room() {
    let post = Post::new().await;
    assert_eq!(post.next().await, Some(post.now));
    let claimed = post.claim().await;
    assert_eq!(post.bring(&claimed).await, Brought::Taken);
    let (to, notice) = post.given().remove(0);
    assert_eq!(to, webhook("https://ann.example/hook"));
    assert_eq!((notice.event.as_str(), notice.owed_at), ("transcript.completed", post.now));
    let body: Value = serde_json::from_str(&notice.body).expect("it is JSON");
    assert_eq!((&body["status"], &body["recording_id"]), (&json!("ended"), &json!(sample::recording_id(1))));
    assert_eq!((post.claimed().await, post.next().await), (vec![], None));
    assert_eq!(post.given().len(), 1);
}

#[tokio::test]
async fn it_goes_where_the_room_says_when_it_is_brought() {
    let post = Post::new().await;
    let claimed = post.claim().await;
    post.changes_room(|room| room.webhook = Some(webhook("https://ann.example/other"))).await;
    assert_eq!(post.bring(&claimed).await, Brought::Taken);
    assert_eq!(post.given()[0].0, webhook("https://ann.example/other"));
}

#[tokio::test]
async fn nobody_is_told_where_the_room_has_no_webhook_or_is_gone() {
    let (without, gone) = (Post::new().await, Post::new().await);
    without.changes_room(|room| room.webhook = None).await;
    gone.store.delete_room(sample::room(1).id, gone.now).await.expect("sound");
    for post in [without, gone] {
        assert_eq!(post.bring(&post.claim().await).await, Brought::Unwanted);
        assert_eq!((post.given(), post.next().await), (vec![], None), "and it is owed no more");
    }
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_after_five_seconds_and_ever_longer_up_to_an_hour_for_a_day() {
    let mut post = Post::new().await;
    post.fails(1_000, None);
    let owed_at = post.now;
    let mut rests = Vec::new();
    loop {
        let claimed = post.claim().await;
        let tried = rests.len() as u32;
        let last_error = (tried > 0).then(reason);
        assert_eq!((claimed.attempts, &claimed.last_error), (tried + 1, &last_error));
        match post.bring(&claimed).await {
            Brought::Later { at, error } => {
                assert!(post.now.since(owed_at) < DAY, "it is tried for a day");
                assert_eq!((error, post.next().await), (reason(), Some(at)));
                rests.push(at.since(post.now).as_secs());
                post.now = at - JUST;
                assert_eq!(post.claimed().await, [], "not before its time");
                post.now = at;
            }
            last => {
                assert_eq!(last, Brought::GivenUp { error: reason() });
                break;
            }
        }
    }
    assert_eq!(rests[..11], [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600]);
    assert!(rests[11..].iter().all(|rest| *rest == 3_600), "{rests:?}");
    let tried_for = post.now.since(owed_at);
    assert!((DAY..DAY + HOUR).contains(&tried_for), "{tried_for:?}");
    assert_eq!((post.given().len(), post.next().await), (rests.len() + 1, None), "it is owed no more");
}

#[tokio::test]
async fn a_receiver_is_left_alone_for_as_long_as_it_wants_and_never_shorter_than_others() {
    for (wants, rests) in [(SECOND, 5 * SECOND), (5 * HOUR, 5 * HOUR), (365 * DAY, DAY)] {
        let post = Post::new().await;
        post.fails(1, Some(wants));
        let brought = post.bring(&post.claim().await).await;
        assert_eq!(brought, Brought::Later { at: post.now + rests, error: reason() }, "{wants:?}");
    }
}

#[tokio::test]
async fn what_a_worker_had_in_hand_when_it_died_is_another_ones_after_its_claim() {
    let mut post = Post::new().await;
    let died_at = post.now;
    post.claim().await;
    assert_eq!(post.next().await, Some(died_at + CLAIM));
    post.now = died_at + CLAIM - JUST;
    assert_eq!(post.claimed().await, []);
    post.now = died_at + CLAIM;
    let claimed = post.claim().await;
    assert_eq!(claimed.attempts, 2);
    assert_eq!(post.bring(&claimed).await, Brought::Taken);
}

#[tokio::test]
async fn whoever_took_too_long_has_lost_it_and_says_nothing_of_it() {
    for failures in [0, 1] {
        let mut post = Post::new().await;
        let mine = post.claim().await;
        post.now = post.now + CLAIM;
        let theirs = post.claim().await;
        post.fails(failures, None);
        assert_eq!(post.bring(&mine).await, Brought::Lost);
        assert_eq!(post.claimed().await, [], "it is in other hands");
        assert_eq!(post.bring(&theirs).await, Brought::Taken);
        assert_eq!(post.next().await, None);
    }
}

#[tokio::test]
async fn while_the_store_is_ill_nothing_is_given_up_and_what_is_not_noted_is_brought_again() {
    let mut post = Post::new().await;
    let ill = Arc::new(Flaky::new(Arc::clone(&post.store), |_| Some(Fault::Before)));
    let rooms_away = Notices::new(Arc::clone(&post.store) as _, ill, Arc::clone(&post.messenger) as _);
    let forgets = Forgetful(Arc::clone(&post.store));
    let forgetful =
        Notices::new(Arc::new(forgets), Arc::clone(&post.store) as _, Arc::clone(&post.messenger) as _);
    for (notices, given) in [(rooms_away, 0), (forgetful, 1)] {
        let claimed = post.claim().await;
        assert!(notices.bring(&claimed, post.now).await.is_err());
        assert_eq!(post.given().len(), given);
        assert_eq!(post.next().await, Some(post.now + CLAIM), "it is owed still");
        post.now = post.now + CLAIM;
    }
    assert_eq!(post.bring(&post.claim().await).await, Brought::Taken);
    let given = post.given();
    assert_eq!((given.len(), &given[0]), (2, &given[1]), "under the same id");
}

/// A store that cannot note what came of a notice.
#[derive(Debug)]
struct Forgetful(Arc<MemoryStore>);

#[async_trait]
impl NoticeStore for Forgetful {
    async fn claim_notices(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<ClaimedNotice>, StoreError> {
        self.0.claim_notices(now, until, limit).await
    }

    async fn settle_notice(
        &self,
        _: &ClaimedNotice,
        _: Settlement,
        _: Timestamp,
    ) -> Result<Settled, StoreError> {
        Err(StoreError::Unavailable("it is forgetful".into()))
    }

    async fn next_notice(&self) -> Result<Option<Timestamp>, StoreError> {
        self.0.next_notice().await
    }

    async fn drop_notices_before(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.0.drop_notices_before(before, limit).await
    }
}
