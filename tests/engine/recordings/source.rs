//! The source in memory keeps the contracts of its ports.

use async_trait::async_trait;
use reflector_core::recording::{ObjectVersion, Objects, RecordingSource};
use reflector_core::testing::FakeSource;
use reflector_core::testing::objects_suite::ObjectsHarness;
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

#[async_trait]
impl ObjectsHarness for Hands {
    fn objects(&self) -> &dyn Objects {
        &self.0
    }

    async fn put_bytes(&self, key: &str, bytes: &[u8]) -> ObjectVersion {
        self.0.put_bytes(key, bytes.to_vec()).object
    }

    async fn erase(&self, object: &ObjectVersion) {
        self.0.erase(object).await.expect("it answers");
    }
}

mod plain {
    use super::{FakeSource, Hands};

    async fn empty() -> Hands {
        Hands(FakeSource::new())
    }

    reflector_core::source_suite!(empty);
    reflector_core::objects_suite!(empty);
}

mod keeping_versions {
    use super::{FakeSource, Hands};

    async fn empty() -> Hands {
        Hands(FakeSource::new().keeping_versions())
    }

    reflector_core::source_suite!(empty);
    reflector_core::objects_suite!(empty);
}
