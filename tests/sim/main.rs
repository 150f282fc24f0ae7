//! Worlds in which everything goes wrong, told again exactly from a seed.

use reflector_sim::{Setup, simulate, simulate_traced};

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in 0..3 {
        let setup = Setup::hostile(seed);
        assert_eq!(simulate_traced(&setup, seed), simulate_traced(&setup, seed));
    }
}

#[test]
fn in_three_hundred_worlds_in_which_everything_goes_wrong_nothing_is_violated() {
    let mut all = reflector_sim::Report::default();
    for seed in 0..300 {
        let told = simulate(&Setup::hostile(seed), seed);
        assert!(told.violations.is_empty(), "seed {seed}:\n{}", told.violations.join("\n"));
        all.add(&told.report);
    }
    println!("{all}");
    println!("events {}, rules {:?}", all.events, all.rules);
}
