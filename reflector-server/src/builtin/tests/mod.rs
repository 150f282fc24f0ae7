//! The built-in provider as a browser meets it: over loopback, with a store and an engine.

mod door;
mod life;
mod provider;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use reflector_core::engine::{CurrentMeeting, Engine, Settings};
use reflector_core::lifecycle::{Phase, Policy};
use reflector_core::store::{Entry, Store};
use reflector_core::testing::sample;
use reflector_core::{Meeting, MeetingId, Room, Timestamp};
use reflector_store_memory::MemoryStore;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

use super::{Builtin, Clock, Meet, NAME, Timing, router};

/// A tick of the sockets. What they measure in longer spans is measured by the clock of the world, which is moved.
const TICK: Duration = Duration::from_millis(20);
/// Nothing that is waited for takes this long unless it never comes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A clock that a test moves.
#[derive(Clone)]
struct Moved(Arc<AtomicI64>);

impl Moved {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(sample::at(0).as_micros())))
    }

    fn clock(&self) -> Clock {
        let moved = self.clone();
        Arc::new(move || moved.now())
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn pass(&self, span: Duration) {
        self.0.store((self.now() + span).as_micros(), Ordering::SeqCst);
    }
}

/// A server with one room.
struct World {
    clock: Moved,
    store: Arc<dyn Store>,
    engine: Arc<Engine>,
    builtin: Arc<Builtin>,
    meet: Arc<Meet>,
    address: SocketAddr,
    room: Room,
}

impl World {
    async fn new() -> Self {
        Self::over(Moved::new(), Arc::new(MemoryStore::new())).await
    }

    /// A server that has just started over this store.
    async fn over(clock: Moved, store: Arc<dyn Store>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let public_url = "https://meet.example".parse().unwrap();
        let builtin = Arc::new(Builtin::new(Arc::new(MemoryStore::new()), &public_url, clock.clock()));
        let settings = Settings { deployment: "test".parse().unwrap(), policy: Policy::default() };
        let engine = Engine::new(store.clone(), settings)
            .with_provider(NAME.into(), builtin.clone())
            .with_announcer(builtin.clone());
        let engine = Arc::new(engine);
        let timing = Timing { first_message: 10 * TICK, ping_every: TICK, ..Timing::default() };
        let meet = Meet::new(builtin.clone(), engine.clone(), clock.clock(), &public_url).with_timing(timing);
        let meet = Arc::new(meet);
        let service = router(meet.clone()).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let room = sample::room(1);
        store.create_room(room.clone()).await.unwrap();
        Self { clock, store, engine, builtin, meet, address, room }
    }

    /// The room's meeting, open at the provider.
    async fn meeting(&self) -> Meeting {
        let now = self.clock.now();
        let new = MeetingId(Uuid::new_v4());
        let current = self.engine.current_meeting(&self.room, &NAME.into(), new, now).await.unwrap();
        let CurrentMeeting::Is(loaded) = current else { panic!("the room is gone") };
        self.engine.dispatch_meeting(loaded.meeting.id, now).await.unwrap();
        self.load(loaded.meeting.id).await
    }

    async fn load(&self, id: MeetingId) -> Meeting {
        self.store.load(id).await.unwrap().unwrap().meeting
    }

    async fn history(&self, id: MeetingId) -> Vec<Entry> {
        self.store.history(id, 0, 1000).await.unwrap()
    }

    /// Waits until the meeting is in such a phase.
    async fn sees(&self, id: MeetingId, phase: impl Fn(&Phase) -> bool) {
        let seen = timeout(PATIENCE, async {
            while !phase(&self.load(id).await.life.phase) {
                tokio::time::sleep(TICK / 4).await;
            }
        });
        assert!(seen.await.is_ok(), "it stays {:?}", self.load(id).await.life.phase);
    }

    async fn token(&self, meeting: &Meeting) -> String {
        let token = crate::clock::new_secret();
        self.builtin.admit(name(meeting), &token, self.clock.now()).await.unwrap();
        token
    }

    /// A socket at the door, which has said nothing yet.
    async fn knock(&self, meeting: &Meeting, origin: Option<&str>) -> Result<Tab, Error> {
        let path = format!("ws://{}/meet/{}/socket", self.address, name(meeting));
        let mut request = path.into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        client_async(request, stream).await.map(|(socket, _)| Tab { socket })
    }

    /// A tab that is in, its connection and how many people it was told are in.
    async fn join(&self, meeting: &Meeting) -> (Tab, String, u64) {
        self.return_as(meeting, None).await
    }

    async fn return_as(&self, meeting: &Meeting, connection: Option<&str>) -> (Tab, String, u64) {
        let mut tab = self.knock(meeting, None).await.unwrap();
        tab.say(&json!({ "token": self.token(meeting).await, "connection": connection })).await;
        let welcome = tab.hear().await.unwrap();
        (tab, welcome["connection"].as_str().unwrap().to_owned(), welcome["humans"].as_u64().unwrap())
    }
}

fn name(meeting: &Meeting) -> &str {
    &meeting.room.as_ref().unwrap().name
}

/// A tab of a browser. It gives signs of life while it listens.
struct Tab {
    socket: WebSocketStream<TcpStream>,
}

impl Tab {
    async fn say(&mut self, said: &Value) {
        self.socket.send(Message::text(said.to_string())).await.unwrap();
    }

    /// The next thing that is said; the code of the close if the socket ends instead.
    async fn hear(&mut self) -> Result<Value, Option<u16>> {
        match timeout(PATIENCE, self.listen(usize::MAX)).await.expect("nothing is said") {
            Heard::Said(said) => Ok(said),
            Heard::Ended(code) => Err(code),
            Heard::Pings => unreachable!("they have no end"),
        }
    }

    /// Listens until so many pings have come; nothing is said meanwhile.
    async fn hear_pings(&mut self, pings: usize) {
        let heard = timeout(PATIENCE, self.listen(pings)).await.expect("no ping comes");
        assert!(matches!(heard, Heard::Pings), "{heard:?}");
    }

    async fn listen(&mut self, pings: usize) -> Heard {
        let mut heard = 0;
        while heard < pings {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Heard::Said(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Heard::Ended(frame.map(|frame| frame.code.into())),
                Some(Ok(Message::Ping(_))) => heard += 1,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Ended(None),
            }
        }
        Heard::Pings
    }

    /// Closes the tab as a browser does, which reads on until the server has answered.
    async fn close(mut self) {
        self.socket.close(None).await.unwrap();
        let answered = timeout(PATIENCE, async { while let Some(Ok(_)) = self.socket.next().await {} });
        answered.await.expect("the close is not answered");
    }
}

#[derive(Debug)]
enum Heard {
    Said(Value),
    Ended(Option<u16>),
    Pings,
}
