//! Signed messages beside all that.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use reflector_server::clock;
use reflector_whereby::signature::{HEADER, sign};
use serde_json::json;

use crate::attack::{Done, Slow};
use crate::http::Request;
use crate::program::{Program, eventually};

const SECRET: &str = "a-secret-of-these-tests";
/// Fewer than whoever dribbles has.
const PLACES: &str = "200";
const SLOW: [(Slow, usize); 3] = [(Slow::Head, 260), (Slow::Body, 200), (Slow::Reader, 40)];
const FLOODERS: usize = 8;
const SENDERS: usize = 8;
const MESSAGES: usize = 40;

/// Of a room that is not known: such messages are kept.
fn signed(id: &str) -> Request {
    let now = clock::system()();
    let data = json!({ "meetingId": "1", "roomName": "/reflector-elsewhere", "roleName": "visitor", "participantId": id });
    let kind = "room.client.joined";
    let body =
        json!({ "id": id, "apiVersion": "1.0", "createdAt": now.to_string(), "type": kind, "data": data });
    let body = body.to_string();
    let signature = sign(&SECRET.into(), now, body.as_bytes());
    Request::new("POST", "/whereby").header(HEADER, &signature).body(body)
}

#[test]
fn beside_five_hundred_slow_connections_and_a_flood_of_unsigned_messages_every_signed_one_is_taken_in() {
    let program = Program::start_in(
        tempfile::tempdir().expect("a folder").into(),
        &[
            ("REFLECTOR_CONNECTIONS", PLACES),
            ("REFLECTOR_CONNECTIONS_PER_ADDRESS", PLACES),
            ("WHEREBY_API_URL", "http://127.0.0.1:9"),
            ("WHEREBY_API_KEY", "key"),
            ("WHEREBY_WEBHOOK_SECRET", SECRET),
        ],
    );
    let to = program.address;
    let (done, enough) = (Done::default(), AtomicBool::new(false));
    let complaints = Mutex::new(Vec::new());
    thread::scope(|scope| {
        scope.spawn(|| done.dribble(to, &SLOW, &enough));
        for _ in 0..FLOODERS {
            scope.spawn(|| done.flood(to, &enough));
        }
        // Also when something panics: nobody would come to an end.
        let _ends = Ends(&enough);
        eventually("those that dribble are too many", || {
            (done.cut.load(Ordering::Relaxed) > 300).then_some(())
        });
        eventually("the flood is refused", || (done.refused.load(Ordering::Relaxed) > 40).then_some(()));
        thread::scope(|scope| {
            for sender in 0..SENDERS {
                let complaints = &complaints;
                scope.spawn(move || {
                    for n in 0..MESSAGES {
                        let answer = signed(&format!("{sender}-{n}")).sent(to);
                        let taken = answer.as_ref().is_ok_and(|answer| answer.status == 200);
                        if !taken {
                            complaints.lock().expect("nobody panics with it").push(answer);
                        }
                    }
                });
            }
        });
    });
    let complaints = complaints.into_inner().expect("nobody panicked with it");
    assert!(complaints.is_empty(), "{} of {}: {complaints:?}", complaints.len(), SENDERS * MESSAGES);
    assert_eq!(done.wrong.load(Ordering::Relaxed), 0, "{done:?}");
    // They are there, and those that are sent again are known.
    assert_eq!(signed("0-0").send(to).json()["status"], "duplicate");
    let metrics = program.get("/metrics").text();
    let gave_way =
        metrics.lines().find_map(|line| line.strip_prefix("reflector_http_connections_gave_way_total "));
    assert!(gave_way.is_some_and(|many| many.parse::<u64>().expect("a number") > 300), "{gave_way:?}");
    // Whoever floods does not fill the log.
    let lines = program.logged().lines().filter(|line| line.contains("was not taken in")).count();
    assert!(lines < done.refused.load(Ordering::Relaxed), "{lines} lines for {done:?}");
}

struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
