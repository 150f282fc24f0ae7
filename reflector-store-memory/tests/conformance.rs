//! The store keeps every sentence of the ports' contracts, and so does the flaky decorator while nothing fails.

mod memory {
    use std::sync::Arc;

    use reflector_store_memory::MemoryStore;

    async fn empty() -> Arc<MemoryStore> {
        Arc::new(MemoryStore::new())
    }

    reflector_core::store_suite!(empty);
    reflector_core::connection_suite!(empty);
    reflector_core::recording_suite!(empty);
    reflector_core::transcript_suite!(empty);
    reflector_core::notice_suite!(empty);
    reflector_core::consent_suite!(empty);
    reflector_core::key_suite!(empty);
    reflector_core::feed_suite!(empty);
    reflector_core::tally_suite!(empty);
}

mod flaky_without_faults {
    use std::sync::Arc;

    use reflector_core::testing::Flaky;
    use reflector_store_memory::MemoryStore;

    async fn empty() -> Arc<Flaky<MemoryStore>> {
        Arc::new(Flaky::sound(Arc::new(MemoryStore::new())))
    }

    reflector_core::store_suite!(empty);
    reflector_core::recording_suite!(empty);
    reflector_core::transcript_suite!(empty);
    reflector_core::notice_suite!(empty);
}
