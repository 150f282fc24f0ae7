//! The program is killed in the middle of a load, again and again.

use reflector_test_postgres::{Cluster, Durability};

use crate::books;
use crate::load::Load;
use crate::town::Town;

const MEETINGS: usize = 20;
const KILLS: usize = 3;
/// How many are acknowledged before each kill.
const BEFORE: usize = 1000;

#[test]
fn nothing_that_was_acknowledged_is_lost_or_doubled_by_kills_on_sqlite() {
    is_killed_again_and_again(&Town::on_sqlite());
}

#[test]
fn nothing_that_was_acknowledged_is_lost_or_doubled_by_kills_on_postgres() {
    let cluster = Cluster::start(Durability::Full);
    let schema = cluster.schema();
    is_killed_again_and_again(&Town::on(schema.url(), &[]));
}

fn is_killed_again_and_again(town: &Town) {
    let mut program = town.start();
    let places = town.meet(&program, MEETINGS);
    let load = Load::on(&places);
    for _ in 0..KILLS {
        load.while_doing(&[program.address], || {
            load.await_acknowledged(BEFORE);
            program.kill();
        });
        program = town.start();
    }
    load.send_again(program.address);
    program.kill();
    println!("{}", load.summary());

    let sent = load.sent();
    assert_eq!(sent.complaints, Vec::<String>::new());
    assert!(sent.cut >= KILLS, "it was killed while nobody waited for an answer");
    let books = books::read(&town.database);
    assert_eq!(books.len(), MEETINGS);
    for book in &books {
        book.tells_its_life();
        book.counts_its_writes();
    }
    books::hold_once(&books, sent.acknowledged.iter().map(|number| Load::id(*number)));
}
