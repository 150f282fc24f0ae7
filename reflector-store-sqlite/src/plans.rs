//! What is asked often is answered from an index, however much is kept.

use std::time::Duration;

use reflector_core::UserId;
use reflector_core::recording::RecordingStatus;
use reflector_core::store::{
    DueClaim, MeetingStore, NewMeeting, RoomStore, Viewer, WhichMeetings, WhichRecordings, WhichTranscripts,
};
use reflector_core::testing::sample::{at, due, meeting, meeting_id, new_meeting, room};
use sqlx::{AssertSqlSafe, query, query_scalar};
use tempfile::TempDir;

use crate::{
    SqliteOptions, SqliteStore, consents, effects, feed, meetings, notices, recordings, retention, take_in,
    tally, transcripts,
};

async fn empty() -> (SqliteStore, TempDir) {
    let folder = TempDir::new().expect("a folder can be made");
    let file = folder.path().join("reflector.db").display().to_string();
    let store = SqliteStore::open(&file, &SqliteOptions::default()).await.expect("it can be opened");
    store.migrate().await.expect("it can be brought up to date");
    (store, folder)
}

/// How SQLite goes about a statement, a step a line.
async fn plan(store: &SqliteStore, sql: &str) -> String {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let steps = query(explain).fetch_all(&store.readers).await.expect("it is a statement");
    let steps: Vec<String> = steps.iter().map(|step| sqlx::Row::get(step, "detail")).collect();
    steps.join("\n")
}

#[tokio::test]
async fn no_statement_that_is_asked_often_looks_at_every_row_or_sorts_what_it_found() {
    let (store, _folder) = empty().await;
    let listings = [(None, true), (None, false), (Some(room(1).id), true), (Some(room(1).id), false)]
        .map(|(room, closed)| meetings::listing(&WhichMeetings { room, closed, made_since: None }));
    for (sql, index) in [
        (meetings::DUE, "meetings_by_wake (wakes_at<?)"),
        (meetings::NEXT_DUE, "meetings_by_wake"),
        (meetings::OUTDATED, "meetings_by_policy (fingerprint>?)"),
        (meetings::FOUND, "meetings_by_external_id (provider=? AND external_id=?)"),
        (meetings::FOUND, "meetings_by_room_name (provider=? AND room_name=?)"),
        (meetings::OPEN, "meetings_open (room_id=?)"),
        (effects::READY, "effects_ready (urgency=? AND ready_at<?)"),
        (effects::NEXT, "effects_ready (urgency=?)"),
        (retention::TO_FORGET, "meetings_to_forget (closed_at>? AND closed_at<?)"),
        (retention::OLD_DELIVERIES, "deliveries_by_age (received_at<?)"),
        (retention::OLD_WORK, "effects_settled (settled_at<?)"),
        (recordings::CANDIDATES, "meetings_by_room_name (provider=? AND room_name=?)"),
        (recordings::UNMATCHED, "recordings_by_status (status=? AND (received_at,id)>(?,?)"),
        (transcripts::AWAITING, "recordings_by_status (status=?)"),
        (transcripts::READY, "transcripts_ready (ready_at<?)"),
        (transcripts::NEXT, "transcripts_ready"),
        (notices::READY, "notices_ready (ready_at<?)"),
        (notices::NEXT, "notices_ready"),
        (notices::OLD, "notices_settled (settled_at<?)"),
        (consents::DENIED, "PRIMARY KEY (meeting_id=?)"),
        (feed::FEED, "history_in_order (place>?)"),
        (&listings[0], "meetings_by_age"),
        (&listings[1], "meetings_open_by_age"),
        (&listings[2], "meetings_of_room_by_age (room_id=?"),
        (&listings[3], "room_id=?"),
    ] {
        let plan = plan(&store, sql).await;
        assert!(plan.contains(index), "{sql}\n{plan}");
        assert!(
            !plan.contains("SCAN"),
            "{sql}
{plan}"
        );
        assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
    }
}

#[tokio::test]
async fn a_tally_reads_what_is_open_and_what_is_owed() {
    let (store, _folder) = empty().await;
    for (sql, index) in
        [(tally::OPEN, "USING INDEX meetings_open_by_age"), (tally::OWED, "effects_ready (urgency=?)")]
    {
        let plan = plan(&store, sql).await;
        assert!(plan.contains(index), "{sql}\n{plan}");
    }
}

#[tokio::test]
async fn a_page_of_recordings_is_found_and_counted_in_an_index() {
    let (store, _folder) = empty().await;
    let all = WhichRecordings { viewer: Viewer::Operator, status: None, room: None };
    let failed = WhichRecordings { status: Some(RecordingStatus::Failed), ..all.clone() };
    let of_room = WhichRecordings { room: Some(room(1).id), ..all.clone() };
    let of_owner = WhichRecordings { viewer: Viewer::User(UserId::from("ada")), ..all.clone() };
    for (which, counted, found) in [
        (all, "SCAN recordings USING COVERING INDEX", "SCAN recordings USING INDEX recordings_by_age"),
        (
            failed,
            "SEARCH recordings USING COVERING INDEX recordings_by_status (status=?)",
            "SEARCH recordings USING INDEX recordings_by_status (status=?)",
        ),
        (
            of_room,
            "SEARCH recordings USING COVERING INDEX recordings_of_room (room_id=?)",
            "SEARCH recordings USING INDEX recordings_of_room (room_id=?)",
        ),
        (
            of_owner,
            "rooms_by_owner (owner=?)",
            "SEARCH recordings USING INDEX recordings_of_room (room_id=?)",
        ),
    ] {
        let plan = plan(&store, &recordings::listing(&which)).await;
        assert!(plan.contains(counted) && plan.contains(found), "{which:?}\n{plan}");
        assert!(!plan.lines().any(|step| step == "SCAN recordings" || step == "SCAN rooms"), "{plan}");
    }
    let letters = plan(&store, recordings::DEAD_LETTERS).await;
    assert!(letters.contains("SCAN dead_letters USING INDEX dead_letters_by_age"), "{letters}");
}

#[tokio::test]
async fn a_page_of_transcripts_is_found_and_counted_in_an_index() {
    let (store, _folder) = empty().await;
    let all = WhichTranscripts { viewer: Viewer::Operator, room: None, unfinished: false };
    let unfinished = WhichTranscripts { unfinished: true, ..all.clone() };
    let of_room = WhichTranscripts { room: Some(room(1).id), ..all.clone() };
    let unfinished_of_room = WhichTranscripts { room: Some(room(1).id), ..unfinished.clone() };
    let of_owner = WhichTranscripts { viewer: Viewer::User(UserId::from("ada")), ..all.clone() };
    for (which, counted, found) in [
        (all, "SCAN transcripts USING COVERING INDEX", "SCAN transcripts USING INDEX transcripts_by_age"),
        (
            unfinished,
            "transcripts USING COVERING INDEX transcripts_ready",
            "transcripts USING INDEX transcripts_unfinished",
        ),
        (
            unfinished_of_room,
            "SEARCH transcripts USING COVERING INDEX transcripts_of_room (room_id=?)",
            "SEARCH transcripts USING INDEX transcripts_of_room (room_id=?)",
        ),
        (
            of_room,
            "SEARCH transcripts USING COVERING INDEX transcripts_of_room (room_id=?)",
            "SEARCH transcripts USING INDEX transcripts_of_room (room_id=?)",
        ),
        (
            of_owner,
            "rooms_by_owner (owner=?)",
            "SEARCH transcripts USING INDEX transcripts_of_room (room_id=?)",
        ),
    ] {
        let plan = plan(&store, &transcripts::listing(&which)).await;
        assert!(plan.contains(counted) && plan.contains(found), "{which:?}\n{plan}");
        assert!(!plan.lines().any(|step| step == "SCAN transcripts" || step == "SCAN rooms"), "{plan}");
    }
}

#[tokio::test]
async fn what_is_there_of_an_object_is_searched_in_indexes_and_nowhere_else() {
    let (store, _folder) = empty().await;
    let plan = plan(&store, take_in::SEEN).await;
    for index in [
        "recordings_by_object (bucket=? AND key=? AND object_version=?)",
        "recordings_by_revision (bucket=? AND key=? AND revision=?)",
        "recordings_by_revision (bucket=? AND key=?)",
    ] {
        assert!(plan.contains(index), "{plan}");
    }
    assert!(!plan.contains("SCAN recordings") && !plan.contains("SCAN known"), "{plan}");
}

#[tokio::test]
async fn a_sweep_over_a_hundred_thousand_meetings_finds_the_ten_that_are_due() {
    let (store, _folder) = empty().await;
    store.create_room(room(1)).await.unwrap();
    for n in 0..10 {
        let new = NewMeeting { due: Some(due(60 - u64::from(n))), ..new_meeting(meeting(n, &room(1))) };
        store.create(new).await.unwrap();
    }
    let many = "INSERT INTO meetings SELECT randomblob(16), room_id, version, entries, forgotten, created_at, start_at,
            closed_at, is_forced, claim, provider, external_id, room_name, due_at + ?1 + n, wakes_at + ?1 + n,
            fingerprint, document
        FROM (SELECT * FROM meetings LIMIT 1),
            (WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)
                SELECT n FROM numbers)";
    let mut write = store.writer.alone().await.unwrap();
    query(many).bind(3_600_000_000_i64).execute(&mut *write).await.unwrap();
    write.finish();
    let kept: i64 = query_scalar("SELECT count(*) FROM meetings").fetch_one(&store.readers).await.unwrap();
    assert_eq!(kept, 100_010);

    let sweep = DueClaim { now: at(60), until: at(60) + Duration::from_secs(5), limit: 1_000 };
    let expected: Vec<_> = (0..10).rev().map(meeting_id).collect();
    assert_eq!(store.due(sweep).await.unwrap(), expected);
    assert_eq!(store.due(sweep).await.unwrap(), [], "they are claimed");
    assert_eq!(store.next_due().await.unwrap(), Some(sweep.until));
}
