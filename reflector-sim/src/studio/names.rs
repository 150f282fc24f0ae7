//! What is counted of runs, by the names it is counted under.

use crate::uploads::names::names;

names! {
    /// What goes wrong between a recording that waits for its run and what is told of it. Many worlds reach all of it.
    RUN_FAULTS:
    AGAIN = "stage failed for now",
    FAILED = "stage failed for good",
    CURSED = "stage kills its worker",
    SLOW = "stage slow",
    STALLED = "runs worker stood still",
    STORE_BEFORE = "runs failed before",
    STORE_AFTER = "runs failed after",
    CONFLICT = "runs conflict",
    DIED = "runs worker died",
    DIED_IN_A_STAGE = "died while a stage ran",
    RECEIVER_OUT = "receiver out",
    RECEIVER_SLOW = "receiver slow",
    ANSWER_LOST = "receiver's answer lost",
}

names! {
    /// What comes of runs. Many worlds reach all of it.
    RUN_OUTCOMES:
    BEGUN = "run begun",
    BEGUN_ANEW = "run begun anew",
    COMPLETED = "run completed",
    RUN_FAILED = "run failed",
    CLAIMED = "run claimed",
    TAKEN_OVER = "run taken over",
    PROLONGED = "claim prolonged",
    LOST = "run lost",
    LOST_AT_A_BEAT = "stage dropped, its run is lost",
    STARTED = "stage started",
    REPEATED = "stage started after a death",
    DONE = "stage done",
    SKIPPED = "stage skipped",
    RETRIED = "stage to be tried again",
    GAVE_UP = "stage failed",
    EXHAUSTED = "stage failed too often",
    GIVEN_BACK = "stage given back",
    KEPT_AGAIN = "outcome kept at the second try",
    REQUEUED = "recording queued again",
    RESTARTED = "run restarted",
    KEPT = "stage kept by a restart",
    OWED = "notice owed",
    BROUGHT = "notice brought",
    BROUGHT_AGAIN = "notice brought again",
    PUT_OFF = "notice put off",
    UNWANTED = "notice unwanted",
}
