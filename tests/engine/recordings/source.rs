//! The source in memory keeps the contract of its port.

use async_trait::async_trait;
use reflector_core::recording::RecordingSource;
use reflector_core::testing::FakeSource;
use reflector_core::testing::source_suite::SourceHarness;

#[derive(Debug)]
struct Hands(FakeSource);

#[async_trait]
impl SourceHarness for Hands {
    fn source(&self) -> &dyn RecordingSource {
        &self.0
    }

    async fn put(&self, key: &str) {
        self.0.put(key, 7);
    }

    async fn send_garbage(&self, body: &str) -> bool {
        self.0.send_garbage(body);
        true
    }
}

mod plain {
    use super::{FakeSource, Hands};

    async fn empty() -> Hands {
        Hands(FakeSource::new())
    }

    reflector_core::source_suite!(empty);
}

mod keeping_versions {
    use super::{FakeSource, Hands};

    async fn empty() -> Hands {
        Hands(FakeSource::new().keeping_versions())
    }

    reflector_core::source_suite!(empty);
}
