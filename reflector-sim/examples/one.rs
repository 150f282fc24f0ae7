//! One world.
fn main() {
    let seed: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let t = std::time::Instant::now();
    let told = reflector_sim::simulate_traced(&reflector_sim::Setup::hostile(seed), seed);
    println!("{} lines {:?} {}", told.trace.len(), t.elapsed(), told.report);
    for line in told.trace.iter().rev().take(60).rev() {
        println!("{line}");
    }
    println!("{:#?}", told.violations);
}
