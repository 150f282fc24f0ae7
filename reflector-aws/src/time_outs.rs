//! How long AWS is waited for.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How many answers' time a call has: a call that fails at once is tried again within it.
const ANSWERS: u32 = 3;

/// How long AWS is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeOuts {
    /// How long an answer may take.
    pub(crate) answer: Duration,
}

impl Default for TimeOuts {
    fn default() -> Self {
        Self { answer: ANSWER }
    }
}

impl TimeOuts {
    /// Of an ordinary call.
    pub(crate) fn of_a_call(self) -> TimeoutConfig {
        self.within(self.answer, self.answer.saturating_mul(ANSWERS))
    }

    /// Of a call whose answer comes after SQS has waited for so long. Who makes it makes it again anyway, so it is
    /// not worth trying twice.
    pub(crate) fn of_a_call_that_waits(self, wait: Duration) -> TimeoutConfig {
        let answer = self.answer.saturating_add(wait);
        self.within(answer, answer)
    }

    fn within(self, answer: Duration, call: Duration) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(CONNECT.min(self.answer))
            .read_timeout(answer)
            .operation_attempt_timeout(answer)
            .operation_timeout(call)
            .build()
    }
}
