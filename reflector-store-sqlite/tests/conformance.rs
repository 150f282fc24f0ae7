//! The store keeps every sentence of the ports' contracts, and so does the flaky decorator around it while nothing fails.

mod world;

mod sqlite {
    use crate::world::OnFile;

    reflector_core::store_suite!(OnFile::empty, durable);
    reflector_core::connection_suite!(OnFile::empty);
    reflector_core::recording_suite!(OnFile::empty, durable);
    reflector_core::transcript_suite!(OnFile::empty, durable);
    reflector_core::notice_suite!(OnFile::empty);
    reflector_core::consent_suite!(OnFile::empty);
    reflector_core::key_suite!(OnFile::empty);
    reflector_core::feed_suite!(OnFile::empty);
    reflector_core::tally_suite!(OnFile::empty);
}

mod flaky_without_faults {
    use std::sync::Arc;

    use reflector_core::store::{RecordingStore, Store, TranscriptStore};
    use reflector_core::testing::Flaky;
    use reflector_core::testing::recording_suite::RecordingHarness;
    use reflector_core::testing::store_suite::Harness;
    use reflector_core::testing::transcript_suite::TranscriptHarness;
    use reflector_store_sqlite::SqliteStore;

    use crate::world::OnFile;

    struct Sound {
        flaky: Arc<Flaky<SqliteStore>>,
        _file: OnFile,
    }

    impl Harness for Sound {
        fn store(&self) -> Arc<dyn Store> {
            Arc::clone(&self.flaky) as Arc<dyn Store>
        }
    }

    impl RecordingHarness for Sound {
        fn meetings(&self) -> Arc<dyn Store> {
            self.store()
        }

        fn recordings(&self) -> Arc<dyn RecordingStore> {
            Arc::clone(&self.flaky) as Arc<dyn RecordingStore>
        }
    }

    impl TranscriptHarness for Sound {
        fn transcripts(&self) -> Arc<dyn TranscriptStore> {
            Arc::clone(&self.flaky) as Arc<dyn TranscriptStore>
        }
    }

    async fn empty() -> Sound {
        let file = OnFile::empty().await;
        Sound { flaky: Arc::new(Flaky::sound(Arc::clone(&file.store))), _file: file }
    }

    reflector_core::store_suite!(empty);
    reflector_core::recording_suite!(empty);
    reflector_core::transcript_suite!(empty);
}
