//! Whereby's adapter passes the suite that every provider passes, over the stand-in that knows the truth.

use std::time::Duration;

use async_trait::async_trait;
use reflector_core::provider::VideoProvider;
use reflector_core::testing::provider_suite::{ProviderWorld, Skipped};
use reflector_core::{ProviderRoom, Role};
use reflector_whereby::{Whereby, WherebySettings};

use crate::whereby_stub::{Failure, KEY, SECRET, Where, WherebyStub};

struct World {
    whereby: Whereby,
    stub: WherebyStub,
}

async fn world() -> World {
    let stub = WherebyStub::start().await;
    // So that there is more than one page of whatever is listed.
    stub.longest_page(2);
    let mut settings = WherebySettings::new(KEY, vec![SECRET.into()]);
    settings.api_url = stub.url.clone();
    settings.points_per_minute = 100_000;
    let whereby = Whereby::with_timeout(settings, Duration::from_secs(5)).expect("the settings are sound");
    World { whereby, stub }
}

#[async_trait]
impl ProviderWorld for World {
    fn provider(&self) -> &dyn VideoProvider {
        &self.whereby
    }

    async fn enter(&self, room: &ProviderRoom, connection: &str, role: Role) {
        let name = match role {
            Role::Recorder => "recorder",
            Role::Streamer => "streamer",
            Role::Captioner => "captioner",
            Role::Bot => "assistant",
            _ => "visitor",
        };
        self.stub.enters(&room.external_id, connection, name);
    }

    async fn leave(&self, room: &ProviderRoom, connection: &str) {
        self.stub.leaves(&room.external_id, connection);
    }

    async fn outage(&self, on: bool) {
        if on { self.stub.fails(Where::Everywhere, Failure::Away) } else { self.stub.recovers() }
    }

    fn expects_skipped(&self) -> &'static [Skipped] {
        &[Skipped::ClosesIfEmptyInTwoSteps]
    }
}

reflector_core::provider_suite!(world);
