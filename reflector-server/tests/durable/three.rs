//! Three servers on one PostgreSQL, in a storm over the same meetings.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use reflector_core::MeetingId;
use reflector_core::engine::Deployment;
use reflector_core::lifecycle::{Deadline, Event, Phase, Wake, deadline, replay};
use reflector_core::store::Entry;
use serde_json::json;

use crate::books::{self, Book};
use crate::http::Request;
use crate::program::{Program, within};
use crate::town::Town;
use crate::webhook::{Place, Seen, now, webhook};
use crate::whereby::Asked;

const SERVERS: usize = 3;
const MEETINGS: usize = 200;
/// How many send to each server at once.
const SENDERS: usize = 3;
/// Each is a joining or a leaving.
const WEBHOOKS: usize = 2000;
/// Short, so that deadlines fall into the storm.
const SETTINGS: [(&str, &str); 3] =
    [("REFLECTOR_GRACE", "1s"), ("REFLECTOR_LEASE", "200ms"), ("REFLECTOR_SWEEP", "250ms")];
/// All is at rest much sooner, unless this machine is busy with other things.
const CALMS_DOWN: Duration = Duration::from_secs(120);

#[test]
fn three_servers_on_one_database_do_everything_once_and_lose_nothing() {
    let schema = reflector_test_postgres::schema();
    let town = Town::on(schema.url(), &SETTINGS);
    let programs: Vec<_> = (0..SERVERS).map(|_| town.start()).collect();
    let addresses: Vec<_> = programs.iter().map(|program| program.address).collect();
    let places = all_ask_for_the_same_meetings(&programs, &addresses);
    let acknowledged = storm(&places, &addresses);
    all_come_to_an_end(&town, &addresses);
    let logged: String = programs.iter().map(Program::logged).collect();
    for program in programs {
        program.kill();
    }

    assert!(!logged.contains("panicked") && !logged.contains("a rule was violated"), "{logged}");
    let (books, asked) = (books::read(&town.database), town.whereby.asked());
    books::hold_once(&books, acknowledged.into_iter());
    let mut lags = Vec::new();
    for book in &books {
        book.tells_its_life();
        assert_eq!(book.owed, 0, "{} owes something", book.loaded.meeting.id);
        lags.extend(deadlines_kept(&book.history));
    }
    let closes = each_room_was_made_and_ended_once(&books, &asked);
    println!("{} meetings, {closes} closes begun, {} deadlines", books.len(), lags.len());
    assert!(lags.len() >= MEETINGS / 2, "few meetings ended by themselves");
    lags.sort_unstable();
    let at = |share: usize| lags[(lags.len() - 1) * share / 100].as_secs_f64();
    println!("due_lag_seconds: half {:.3}, 99 of 100 {:.3}, all {:.3}", at(50), at(99), at(100));
}

/// At every server at once somebody asks for the meeting of each room: all get the same one.
fn all_ask_for_the_same_meetings(programs: &[Program], addresses: &[SocketAddr]) -> Vec<Place> {
    for n in 0..MEETINGS {
        programs[n % SERVERS].make_room(&format!("room-{n}"));
    }
    let asked: Vec<Vec<Place>> = thread::scope(|scope| {
        let ask = |address: SocketAddr| (0..MEETINGS).map(|n| meet(address, n)).collect();
        let asking: Vec<_> = addresses.iter().map(|address| scope.spawn(move || ask(*address))).collect();
        asking.into_iter().map(|asking| asking.join().expect("every answer is a meeting")).collect()
    });
    for others in &asked[1..] {
        let same = asked[0].iter().zip(others).all(|(one, other)| one.meeting == other.meeting);
        assert!(same, "two meetings were made of one room");
    }
    asked.into_iter().next().expect("somebody asked")
}

fn meet(address: SocketAddr, n: usize) -> Place {
    let room = format!("room-{n}");
    let met = within(CALMS_DOWN, || {
        let answer = Request::new("POST", format!("/rooms/{room}/meeting")).json(&json!({})).send(address);
        // On a machine that is busy with other things a room may take longer than anybody is kept waiting.
        assert!(matches!(answer.status, 200 | 503), "{room}: {} {}", answer.status, answer.text());
        (answer.status == 200).then(|| Place::of(&room, &answer.json()))
    });
    met.unwrap_or_else(|| panic!("{room} has no meeting"))
}

/// Webhooks at all servers, and people who ask for a meeting and ask to join. Gives what was acknowledged.
fn storm(places: &[Place], addresses: &[SocketAddr]) -> Vec<String> {
    let (next, acknowledged) = (AtomicUsize::new(0), Mutex::default());
    thread::scope(|scope| {
        for sender in 0..SERVERS * SENDERS {
            let (next, acknowledged) = (&next, &acknowledged);
            scope.spawn(move || {
                let at = |n: usize| addresses[(sender + n) % SERVERS];
                loop {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    if n >= WEBHOOKS {
                        return;
                    }
                    sends_one(n, places, at(n), acknowledged);
                    if n.is_multiple_of(5) {
                        asks(n, places, at(n + 1));
                    }
                }
            });
        }
    });
    acknowledged.into_inner().expect("nobody panicked with it")
}

/// Two visits of a meeting at once, each a joining and a leaving.
fn sends_one(n: usize, places: &[Place], to: SocketAddr, acknowledged: &Mutex<Vec<String>>) {
    let (visit, joins) = (n / 4 * 2 + n % 2, n % 4 < 2);
    let place = &places[somewhere(visit / 2)];
    let (id, seen) =
        (format!("delivery-{n:06}"), Seen { joins, who: format!("participant-{visit}"), at: now() });
    let sent = within(CALMS_DOWN, || {
        let answer = webhook(place, &id, &seen).send(to);
        // So many at once may change one meeting that somebody has to try again.
        assert!(matches!(answer.status, 200 | 503), "{}: {}", answer.status, answer.text());
        (answer.status == 200).then_some(())
    });
    assert!(sent.is_some(), "{id} was never taken in");
    acknowledged.lock().expect("nobody panics with it").push(id);
}

/// A meeting that cannot be foreseen, of those that are visited now: again soon, or later, or too late.
fn somewhere(visit: usize) -> usize {
    const NOW: usize = 80;
    let mixed = (visit as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let chance = (mixed ^ mixed >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40;
    (visit * 4 / WEBHOOKS.div_ceil(MEETINGS) + chance as usize % NOW) % MEETINGS
}

/// Somebody asks to join a meeting that may have ended, and somebody asks for the meeting of its room.
fn asks(n: usize, places: &[Place], to: SocketAddr) {
    let place = &places[somewhere(n / 4)];
    let join = format!("/rooms/{}/meetings/{}/join", place.room, place.meeting);
    for (path, allowed) in
        [(join, [200, 400, 503]), (format!("/rooms/{}/meeting", place.room), [200, 200, 503])]
    {
        let answer = Request::new("POST", path.as_str()).json(&json!({})).send(to);
        assert!(allowed.contains(&answer.status), "{path}: {} {}", answer.status, answer.text());
    }
}

/// Where nobody has been, the owner ends the meeting, at all servers at once; the others end by themselves.
fn all_come_to_an_end(town: &Town, addresses: &[SocketAddr]) {
    let mut open = Vec::new();
    let ended = within(CALMS_DOWN, || {
        open = books::open_meetings(&town.database);
        let nobody_was_in = open.iter().filter(|meeting| matches!(meeting.life.phase, Phase::Waiting { .. }));
        for meeting in nobody_was_in {
            thread::scope(|scope| {
                for address in addresses {
                    scope.spawn(|| {
                        let end =
                            Request::new("POST", format!("/meetings/{}/end", meeting.id)).json(&json!({}));
                        let answer = end.send(*address);
                        assert_eq!(answer.status, 200, "{}", answer.text());
                    });
                }
            });
        }
        open.is_empty().then_some(())
    });
    assert!(ended.is_some(), "these never end: {open:#?}");
}

/// Each room was made once, and was ended as often as its meeting began to close: once, unless somebody came back.
/// Gives how often meetings began to close.
fn each_room_was_made_and_ended_once(books: &[Book], asked: &Asked) -> usize {
    let deployment: Deployment = "reflector".parse().expect("it is the default");
    let made = |id: MeetingId| (deployment.room(id, 0), 1);
    let expected: BTreeMap<_, _> = books.iter().map(|book| made(book.loaded.meeting.id)).collect();
    assert_eq!(asked.opened, expected, "each meeting has one room");
    let mut all = 0;
    for book in books {
        let name = &book.loaded.meeting.room.as_ref().expect("it had a room").name;
        let (deleted, closes) = (asked.deleted.get(name).copied().unwrap_or_default(), closes(&book.history));
        assert!(deleted >= 1 && deleted <= closes, "{name} was deleted {deleted} times in {closes} closes");
        all += closes;
    }
    assert_eq!(asked.deleted.len(), books.len(), "nothing else was deleted");
    all
}

/// How often a meeting began to close.
fn closes(history: &[Entry]) -> usize {
    let closing = |entry: &Entry| matches!(entry.phase, Phase::Closing { .. });
    history.windows(2).filter(|pair| !closing(&pair[0]) && closing(&pair[1])).count()
}

/// How late each deadline was taken in. None was before its instant, and none came twice without somebody in between.
fn deadlines_kept(history: &[Entry]) -> Vec<Duration> {
    let mut lags = Vec::new();
    let mut last: Option<Deadline> = None;
    for (place, entry) in history.iter().enumerate() {
        if !matches!(entry.event, Event::DeadlineReached { .. }) || entry.ignored.is_some() {
            // A late message brings a meeting back, and one that is later still may end it at the same instant.
            last = last.filter(|_| !entry.phase.is_active());
            continue;
        }
        let before = history[..place].iter();
        let before = replay(before.map(|entry| (&entry.event, entry.recorded_at, &entry.policy)));
        let due = before.and_then(|life| deadline(&life, &entry.policy)).expect("something was due");
        assert!(due.at <= entry.recorded_at, "{entry:?} came before {due:?}");
        assert_eq!(Some(due.why), entry.wake, "{entry:?}");
        assert!(matches!(due.why, Wake::Close(_)), "nothing else falls into the storm: {entry:?}");
        assert_ne!(last, Some(due), "it came twice");
        last = Some(due);
        lags.push(entry.recorded_at.since(due.at));
    }
    lags
}
