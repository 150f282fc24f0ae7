//! What happens is heard as it happens, and nothing of it is missed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::http::Request;
use crate::program::{Program, eventually};
use crate::sse::{Heard, Listening};

fn started() -> Program {
    Program::start_in(Arc::new(tempfile::tempdir().expect("a folder")), &[])
}

fn is(kind: &'static str) -> impl Fn(&Heard) -> bool {
    move |heard| heard.kind == kind
}

/// Which entry of which history this is, and what happened.
fn entry(heard: &Heard) -> (String, u64, String) {
    let text = |value: &Value| value.as_str().expect("it is text").to_owned();
    let entry = &heard.data["entry"];
    (text(&heard.data["meeting_id"]), entry["seq"].as_u64().expect("a number"), text(&entry["event"]))
}

fn patch(program: &Program, meeting: &str, minutes: u64) {
    let request = Request::new("PATCH", format!("/meetings/{meeting}"));
    assert_eq!(program.send(&request.json(&json!({ "grace_period_minutes": minutes }))).status, 200);
}

#[test]
fn a_listener_hears_what_stands_and_then_each_change_with_the_meeting_as_it_is_then() {
    let program = started();
    program.make_room("standup");
    program.make_room("retro");
    let standing = program.meet("standup")["id"].clone();
    let mut all = Listening::to(program.address, "/events", &[]);
    let before = all.until(is("ready"));
    assert_eq!(before.len(), 2, "{before:?}");
    let work = all.any().expect("it goes on");
    assert_eq!((work.kind.as_str(), &work.data["owed"]["effects"]), ("work", &json!(0)));
    assert_eq!((before[0].kind.as_str(), &before[0].data["meeting_id"]), ("meeting", &standing));
    assert_eq!(
        (&before[0].data["room"], &before[0].data["meeting"]["phase"]),
        (&json!("standup"), &json!("waiting"))
    );
    assert!(before[1].id.is_some(), "from here on nothing is missed");

    let mut of_retro = Listening::to(program.address, "/v1/events?room=retro", &[]);
    assert_eq!(of_retro.until(is("ready")).len(), 1, "nobody meets there");
    let id = program.meet("retro")["id"].as_str().expect("an id").to_owned();
    for listener in [&mut all, &mut of_retro] {
        let opened = listener.until(|heard| heard.data["entry"]["phase"] == "waiting");
        assert!(opened.iter().all(|heard| heard.kind == "entry" && heard.data["meeting_id"] == id.as_str()));
        let last = opened.last().expect("there is one");
        assert_eq!(last.data["meeting"]["phase"], "waiting");
        assert_eq!(last.data["meeting"], program.read(&format!("/meetings/{id}")));
    }
    patch(&program, standing.as_str().expect("an id"), 7);
    let changed = all.next().expect("it goes on");
    assert_eq!(
        (&changed.data["entry"]["event"], &changed.data["meeting"]["grace_period_minutes"]),
        (&json!("grace_changed"), &json!(7))
    );
    program.post(&format!("/meetings/{id}/end"), &json!({}));
    let over = of_retro.until(|heard| heard.data["entry"]["phase"] == "closed");
    assert!(
        over.iter().all(|heard| heard.data["meeting_id"] == id.as_str()),
        "nothing of another room: {over:?}"
    );
    let host = |heard: &Heard| {
        heard.data["meeting"].as_object().and_then(|meeting| meeting.get("host_room_url").cloned())
    };
    assert!(over.iter().filter_map(host).all(|url| url == ""), "{over:?}");
}

#[test]
fn whoever_comes_back_is_sent_what_they_missed_once_also_by_another_process() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let program = Program::start_in(Arc::clone(&folder), &[]);
    program.make_room("standup");
    let id = program.meet("standup")["id"].as_str().expect("an id").to_owned();
    let mut first = Listening::to(program.address, "/events", &[]);
    first.until(is("ready"));
    for minutes in 1..=3 {
        patch(&program, &id, minutes);
    }
    let heard: Vec<_> = (0..3).map(|_| first.next().expect("it goes on")).collect();
    drop(first);
    for minutes in 4..=6 {
        patch(&program, &id, minutes);
    }
    let known = entries(&program, &id);
    // From each place that was given: all that is behind it, and nothing else.
    for (number, place) in heard.iter().enumerate() {
        let place = place.id.as_deref().expect("each says where to go on");
        let mut again = Listening::to(program.address, "/events", &[("last-event-id", place)]);
        let missed: Vec<_> = (number..5).map(|_| again.next().expect("it goes on")).collect();
        let expected: Vec<_> = known[known.len() - missed.len()..].to_vec();
        assert_eq!(missed.iter().map(entry).collect::<Vec<_>>(), expected);
    }
    let place = heard[0].id.clone().expect("it says where to go on");
    let program = Program::start_in(program.kill(), &[]);
    patch(&program, &id, 7);
    let mut later = Listening::to(program.address, "/events", &[("last-event-id", &place)]);
    let missed = later.until(|heard| heard.data["meeting"]["grace_period_minutes"] == 7);
    let seqs: Vec<_> = missed.iter().map(|heard| entry(heard).1).collect();
    assert!(seqs.windows(2).all(|two| two[1] == two[0] + 1), "{seqs:?}");
    assert_eq!(seqs.first(), Some(&(entry(&heard[0]).1 + 1)));
}

/// The history of a meeting, as it is listed.
fn entries(program: &Program, id: &str) -> Vec<(String, u64, String)> {
    let history = program.read(&format!("/meetings/{id}/history"));
    let entry = |entry: &Value| {
        let seq = entry["seq"].as_u64().expect("a number");
        (id.to_owned(), seq, entry["event"].as_str().expect("it is text").to_owned())
    };
    history["items"].as_array().expect("an array").iter().map(entry).collect()
}

#[test]
fn whoever_comes_back_from_nowhere_is_told_so_and_hears_what_stands() {
    let program = started();
    program.make_room("standup");
    let id = program.meet("standup")["id"].clone();
    for place in ["nonsense", "999999999", "-1"] {
        let mut listening = Listening::to(program.address, "/events", &[("last-event-id", place)]);
        let heard = listening.until(is("ready"));
        let kinds: Vec<_> = heard.iter().map(|heard| heard.kind.as_str()).collect();
        assert_eq!(kinds, ["reset", "meeting", "ready"], "{place}");
        assert_eq!(heard[1].data["meeting_id"], id);
    }
}

#[test]
fn the_twenty_first_stream_is_refused_until_one_of_the_others_is_closed() {
    let program = started();
    let mut open: Vec<_> = (0..20).map(|_| Listening::to(program.address, "/events", &[])).collect();
    assert!(open.iter().all(|listening| listening.status == 200));
    let refused = program.get("/events");
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert!(refused.header("retry-after").is_some());
    open.pop();
    eventually("there is a seat again", || {
        (Listening::to(program.address, "/events", &[]).status == 200).then_some(())
    });
}

#[test]
fn many_changes_at_once_are_all_heard_and_each_meeting_in_its_order() {
    let program = started();
    let mut meetings = Vec::new();
    for n in 0..8 {
        program.make_room(&format!("room-{n}"));
        meetings.push(program.meet(&format!("room-{n}"))["id"].as_str().expect("an id").to_owned());
    }
    let mut listening = Listening::to(program.address, "/events", &[]);
    listening.until(is("ready"));
    std::thread::scope(|scope| {
        for id in &meetings {
            scope.spawn(|| (1..=40).for_each(|minutes| patch(&program, id, minutes)));
        }
    });
    let mut heard: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for _ in 0..8 * 40 {
        let (meeting, seq, _) = entry(&listening.next().expect("it goes on"));
        heard.entry(meeting).or_default().push(seq);
    }
    for id in &meetings {
        let seqs = &heard[id];
        assert_eq!(seqs.len(), 40);
        assert!(seqs.windows(2).all(|two| two[1] == two[0] + 1), "{seqs:?}");
    }
}
