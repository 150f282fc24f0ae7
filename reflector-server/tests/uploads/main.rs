//! Hundreds of objects and more, from a bucket over its queue to recordings, by the program itself: killed on the way, cut
//! off from its database, with messages that are doubled, lost and unreadable.

#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../harness/mod.rs"]
mod harness;
mod many;
mod poison;
#[path = "../harness/uploads.rs"]
mod uploads;

use std::time::Duration;

use futures::future::join_all;
use harness::program::within;
use harness::{http, program};
use reflector_test_aws::Put;
use uploads::Uploads;

/// Much longer than anything here takes: this machine may be busy with other things.
const LONGEST: Duration = Duration::from_secs(240);
/// How many objects are put at once.
const AT_ONCE: usize = 20;

/// Waits for something that may take its time.
fn in_the_end(what: &str, mut is_so: impl FnMut() -> bool) {
    within(LONGEST, || is_so().then_some(())).unwrap_or_else(|| panic!("it never happened that {what}"));
}

impl Uploads {
    fn put_all(&self, keys: &[String]) -> Vec<Put> {
        let puts = keys.chunks(AT_ONCE).flat_map(|some| {
            let puts = some.iter().map(|key| self.bucket.put(key, key.as_bytes()));
            self.wait(async { join_all(puts).await })
        });
        puts.collect()
    }
}
