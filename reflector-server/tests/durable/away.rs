//! PostgreSQL goes away under a load and comes back. The program stays, and helps itself.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use reflector_test_postgres::{Cluster, Durability};

use crate::books;
use crate::http::Request;
use crate::load::{Load, Stops};
use crate::program::eventually;
use crate::town::Town;

const MEETINGS: usize = 20;
type Act = fn(&Cluster);
/// It crashes, is stopped, and hangs; and what brings it back.
const FALLS: [(Act, Act); 3] =
    [(Cluster::crash, Cluster::resume), (Cluster::stop, Cluster::resume), (Cluster::freeze, Cluster::thaw)];
/// How many are acknowledged before each fall, and after the last.
const BETWEEN: usize = 300;
/// How many are refused before it comes back.
const REFUSED: usize = 16;
/// Nobody waits longer for an answer: a connection is given up after 3 seconds and a statement after 6, readiness is
/// told after 3, and this machine may be busy.
const LONGEST: Duration = Duration::from_secs(20);

#[test]
fn while_postgres_is_away_requests_are_refused_and_once_it_is_back_nothing_acknowledged_is_lost() {
    let cluster = Cluster::start(Durability::Full);
    let schema = cluster.schema();
    let town = Town::on(schema.url(), &[]);
    let program = town.start();
    let places = town.meet(&program, MEETINGS);
    let load = Load::on(&places);
    let readiness = Looks::at(program.address, vec!["/readyz".to_owned()]);
    let meetings = Looks::at(
        program.address,
        places
            .iter()
            .flat_map(|place| {
                [format!("/meetings/{}", place.meeting), format!("/rooms/{}/meetings/active", place.room)]
            })
            .collect(),
    );
    load.while_doing(&[program.address], || {
        readiness.while_doing(|| {
            meetings.while_doing(|| {
                for (falls, comes_back) in FALLS {
                    load.await_acknowledged(BETWEEN);
                    falls(&cluster);
                    let gone = Instant::now();
                    load.await_refused(REFUSED);
                    is_away_until(|| comes_back(&cluster), gone, &[&readiness, &meetings]);
                }
                load.await_acknowledged(BETWEEN);
            });
        });
    });
    load.send_again(program.address);
    let logged = program.logged();
    program.kill();
    println!("{}", load.summary());
    println!("readiness: {}; meetings: {}", readiness.summary(), meetings.summary());

    assert!(!logged.contains("panicked"), "{logged}");
    assert!(logged.contains("the store is ill"), "nobody is told: {logged}");
    let sent = load.sent();
    assert_eq!((&sent.complaints, sent.cut), (&vec![], 0));
    for slowest in [sent.slowest, readiness.slowest(), meetings.slowest()] {
        assert!(slowest < LONGEST, "somebody waited for {slowest:?}");
    }
    let books = books::read(&town.database);
    for book in &books {
        book.tells_its_life();
        book.counts_its_writes();
    }
    books::hold_once(&books, sent.acknowledged.iter().map(|number| Load::id(*number)));
}

/// Says that the store is away, and nothing else, until it comes back.
fn is_away_until(comes_back: impl FnOnce(), gone: Instant, looks: &[&Looks]) {
    for looks in looks {
        eventually("it says that it is away", || {
            looks.after(gone).any(|look| look.status == 503).then_some(())
        });
    }
    let returns = Instant::now();
    comes_back();
    let back = Instant::now();
    for looks in looks {
        eventually("it is there again", || looks.after(back).any(|look| look.status == 200).then_some(()));
        let meanwhile: Vec<_> = looks.after(gone).filter(|look| look.ended < returns).collect();
        assert!(meanwhile.iter().all(|look| look.status == 503), "{meanwhile:?}");
    }
    println!("ready again {:?} after it was back", back.elapsed());
}

/// Somebody who looks again and again, and notes what they saw.
struct Looks {
    at: SocketAddr,
    paths: Vec<String>,
    seen: Mutex<Vec<Look>>,
}

#[derive(Clone, Copy, Debug)]
struct Look {
    begun: Instant,
    ended: Instant,
    status: u16,
}

impl Looks {
    fn at(at: SocketAddr, paths: Vec<String>) -> Self {
        Self { at, paths, seen: Mutex::default() }
    }

    fn while_doing(&self, something: impl FnOnce()) {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for path in self.paths.iter().cycle().take_while(|_| !stop.load(Ordering::SeqCst)) {
                    let begun = Instant::now();
                    let status = Request::new("GET", path).send(self.at).status;
                    self.seen().push(Look { begun, ended: Instant::now(), status });
                    // It is the others who make the load.
                    thread::sleep(Duration::from_millis(5));
                }
            });
            let _stops = Stops(&stop);
            something();
        });
        // Neither 500 nor anything else that nobody could do something about.
        assert!(self.seen().iter().all(|look| matches!(look.status, 200 | 503)), "{:?}", self.seen());
    }

    fn seen(&self) -> MutexGuard<'_, Vec<Look>> {
        self.seen.lock().expect("nobody panics with it")
    }

    /// What was asked since an instant.
    fn after(&self, instant: Instant) -> impl Iterator<Item = Look> {
        self.seen().clone().into_iter().filter(move |look| look.begun > instant)
    }

    fn slowest(&self) -> Duration {
        self.seen().iter().map(|look| look.ended - look.begun).max().unwrap_or_default()
    }

    fn summary(&self) -> String {
        let (slowest, seen) = (self.slowest(), self.seen());
        let refused = seen.iter().filter(|look| look.status == 503).count();
        format!("{} looks, {refused} of them refused, slowest {slowest:?}", seen.len())
    }
}
