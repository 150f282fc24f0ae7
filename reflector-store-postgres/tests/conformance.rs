//! The store keeps every sentence of the ports' contracts, and so does the flaky decorator while nothing fails.

mod postgres {
    use std::ops::Deref;
    use std::sync::Arc;

    use async_trait::async_trait;
    use reflector_core::store::{NoticeStore, RecordingStore, Store, TallyStore, TranscriptStore};
    use reflector_core::testing::Flaky;
    use reflector_core::testing::notice_suite::NoticeHarness;
    use reflector_core::testing::recording_suite::{DurableRecordings, RecordingHarness};
    use reflector_core::testing::store_suite::{Durable, Harness};
    use reflector_core::testing::tally_suite::TallyHarness;
    use reflector_core::testing::transcript_suite::{DurableTranscripts, TranscriptHarness};
    use reflector_store_postgres::{PostgresOptions, PostgresStore};
    use reflector_test_postgres::Schema;

    /// A store in a schema of its own, which goes after it.
    pub(super) struct World {
        store: Arc<PostgresStore>,
        schema: Schema,
    }

    pub(super) async fn empty() -> World {
        let schema = reflector_test_postgres::schema();
        let store = connect(&schema).await;
        store.migrate().await.expect("an empty schema can be migrated");
        World { store: Arc::new(store), schema }
    }

    async fn connect(schema: &Schema) -> PostgresStore {
        let url = schema.url().to_owned().into();
        PostgresStore::connect(&url, PostgresOptions::default()).await.expect("the cluster is up")
    }

    impl World {
        pub(super) fn flaky(self) -> FlakyWorld {
            FlakyWorld { store: Arc::new(Flaky::sound(Arc::clone(&self.store))), _world: self }
        }

        async fn again(&self) -> Arc<PostgresStore> {
            self.store.close().await;
            Arc::new(connect(&self.schema).await)
        }
    }

    impl Harness for World {
        fn store(&self) -> Arc<dyn Store> {
            Arc::<PostgresStore>::clone(&self.store)
        }
    }

    #[async_trait]
    impl Durable for World {
        async fn reopen(&self) -> Arc<dyn Store> {
            self.again().await
        }
    }

    impl RecordingHarness for World {
        fn meetings(&self) -> Arc<dyn Store> {
            self.store()
        }

        fn recordings(&self) -> Arc<dyn RecordingStore> {
            Arc::<PostgresStore>::clone(&self.store)
        }
    }

    #[async_trait]
    impl DurableRecordings for World {
        async fn reopen_recordings(&self) -> Arc<dyn RecordingStore> {
            self.again().await
        }
    }

    impl TranscriptHarness for World {
        fn transcripts(&self) -> Arc<dyn TranscriptStore> {
            Arc::<PostgresStore>::clone(&self.store)
        }
    }

    #[async_trait]
    impl DurableTranscripts for World {
        async fn reopen_transcripts(&self) -> Arc<dyn TranscriptStore> {
            self.again().await
        }
    }

    impl NoticeHarness for World {
        fn notices(&self) -> Arc<dyn NoticeStore> {
            Arc::<PostgresStore>::clone(&self.store)
        }
    }

    impl TallyHarness for World {
        fn keeps(&self) -> Arc<dyn Store> {
            self.store()
        }

        fn counts(&self) -> Arc<dyn TallyStore> {
            Arc::<PostgresStore>::clone(&self.store)
        }
    }

    impl Deref for World {
        type Target = PostgresStore;
        fn deref(&self) -> &PostgresStore {
            &self.store
        }
    }

    pub(super) struct FlakyWorld {
        store: Arc<Flaky<PostgresStore>>,
        _world: World,
    }

    impl Harness for FlakyWorld {
        fn store(&self) -> Arc<dyn Store> {
            Arc::<Flaky<PostgresStore>>::clone(&self.store)
        }
    }

    impl RecordingHarness for FlakyWorld {
        fn meetings(&self) -> Arc<dyn Store> {
            self.store()
        }

        fn recordings(&self) -> Arc<dyn RecordingStore> {
            Arc::<Flaky<PostgresStore>>::clone(&self.store)
        }
    }

    impl TranscriptHarness for FlakyWorld {
        fn transcripts(&self) -> Arc<dyn TranscriptStore> {
            Arc::<Flaky<PostgresStore>>::clone(&self.store)
        }
    }

    reflector_core::store_suite!(empty, durable);
    reflector_core::connection_suite!(empty);
    reflector_core::recording_suite!(empty, durable);
    reflector_core::transcript_suite!(empty, durable);
    reflector_core::notice_suite!(empty);
    reflector_core::consent_suite!(empty);
    reflector_core::key_suite!(empty);
    reflector_core::feed_suite!(empty);
    reflector_core::tally_suite!(empty);
}

mod flaky_without_faults {
    async fn empty() -> super::postgres::FlakyWorld {
        super::postgres::empty().await.flaky()
    }

    reflector_core::store_suite!(empty);
    reflector_core::recording_suite!(empty);
    reflector_core::transcript_suite!(empty);
}
