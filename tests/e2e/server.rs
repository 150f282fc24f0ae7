//! The real server in this process, on a free port of loopback, with the real clock.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reflector_server::app::Server;
use reflector_server::clock;
use reflector_server::config::{Config, Sources};
use reflector_server::database::Migrate;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use url::Url;

/// The longest that anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(10);

/// A server that runs until it is dropped, with all its tasks in a runtime of its own.
pub(crate) struct Running {
    /// Where it is.
    pub(crate) address: Url,
    http: reqwest::Client,
    runtime: Option<Runtime>,
    logs: Logs,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    /// The body; null if there is none, or it is no JSON.
    pub(crate) body: Value,
}

impl Running {
    /// Starts a server with these settings, by the names of their environment variables. Nothing is kept on disk.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        listener.set_nonblocking(true).expect("a socket can be");
        let address = listener.local_addr().expect("it is bound").to_string();
        let set = [("REFLECTOR_LISTEN", address.as_str()), ("DATABASE_URL", "memory:")];
        let environment: BTreeMap<_, _> =
            set.iter().chain(settings).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let config =
            Config::read(&Sources { environment, ..Sources::default() }).expect("the settings are sound");
        let logs = Logs::default();
        let runtime = logs.of_runtime();
        runtime.spawn(async move {
            let server =
                Server::new(&config, Migrate::Yes, clock::system()).await.expect("the settings can be used");
            let listener = TcpListener::from_std(listener).expect("it is a socket");
            server.run(listener, std::future::pending()).await;
        });
        let address = Url::parse(&format!("http://{address}")).expect("it is an address");
        Self { address, http: reqwest::Client::new(), runtime: Some(runtime), logs }
    }

    /// A request to a path, to which headers and a body can be added.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.address.join(path).expect("it is a path"))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::PATCH, path).json(body)).await
    }

    /// Everything it has logged so far, down to the finest level.
    pub(crate) fn logged(&self) -> String {
        self.logs.text()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Sends a request and reads the answer to its end.
pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("the server answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.expect("the answer has an end");
    Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() }
}

impl Answer {
    /// The body of an answer that has this status.
    #[track_caller]
    pub(crate) fn with(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

/// Looks until there is something, and fails after a while.
pub(crate) async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let last = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < last, "this has not come: {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// What the threads of one runtime log.
#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    /// A runtime whose threads log in here, and nowhere else.
    fn of_runtime(&self) -> Runtime {
        let logs = self.clone();
        let lines = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(move || logs.clone())
            .finish();
        let dispatch = tracing::Dispatch::new(lines);
        // For as long as the thread lives.
        let listen = move || std::mem::forget(tracing::dispatcher::set_default(&dispatch));
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().on_thread_start(listen).build().expect("threads can be had")
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
