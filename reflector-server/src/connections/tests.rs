//! A listener on loopback whose sockets are used as whoever means no good would, and one that stops.

use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

const WIDE: usize = 64;

struct Served {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    close: CancellationToken,
    serving: JoinHandle<()>,
}

async fn serve(router: Router, all: usize) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stopping, close) = (Arc::new(AtomicBool::new(false)), CancellationToken::new());
    let bounds = Bounds { all, per_address: all, proxies: Vec::new() };
    let metrics = ConnectionMetrics::default();
    let door =
        Door { listener, router, bounds, metrics, stopping: Arc::clone(&stopping), close: close.clone() };
    Served { address, stopping, close, serving: tokio::spawn(door.serve()) }
}

fn echo() -> Router {
    Router::new().route("/", get(async || "here")).route("/", post(async |body: String| body))
}

async fn connect(to: SocketAddr) -> TcpStream {
    TcpStream::connect(to).await.unwrap()
}

/// Sends something, and reads until the text is there or the other side has closed.
async fn exchange(stream: &mut TcpStream, sent: &str, until: &str) -> String {
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(until) {
        if stream.read_buf(&mut read).await.unwrap() == 0 {
            break;
        }
    }
    String::from_utf8(read).unwrap()
}

const GET: &str = "GET / HTTP/1.1\r\nhost: us\r\n\r\n";

#[tokio::test]
async fn connections_that_dribble_give_way_to_one_that_says_what_it_wants() {
    let served = serve(echo(), 4).await;
    let mut dribbling = Vec::new();
    for begun in ["GET / HT", "", "POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nabc", GET] {
        let mut stream = connect(served.address).await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        dribbling.push(stream);
    }
    // All that are there wait for more by then.
    let answered = exchange(&mut dribbling[3], "", "here").await;
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    for _ in 0..4 {
        let mut stream = connect(served.address).await;
        let answered = exchange(&mut stream, GET, "here").await;
        assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    }
    let mut rest = String::new();
    // It was cut off, by whatever the system calls it.
    let _ = dribbling[0].read_to_string(&mut rest).await;
    assert_eq!(rest, "");
}

#[tokio::test]
async fn a_request_whose_connection_is_in_hand_is_answered_while_others_press() {
    let (begun, go_on) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let (tell, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let slow = async move || {
        tell.notify_one();
        wait.notified().await;
        "slowly"
    };
    let served = serve(echo().route("/slow", get(slow)), 2).await;
    let mut stream = connect(served.address).await;
    stream.write_all(b"GET /slow HTTP/1.1\r\nhost: us\r\n\r\n").await.unwrap();
    begun.notified().await;
    let mut others = Vec::new();
    for _ in 0..6 {
        others.push(connect(served.address).await);
        let answered = exchange(others.last_mut().unwrap(), GET, "here").await;
        assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    }
    go_on.notify_one();
    let answered = exchange(&mut stream, "", "slowly").await;
    assert!(answered.ends_with("slowly"), "{answered}");
}

#[tokio::test]
async fn a_server_that_stops_says_that_connections_end_and_answers_all_that_it_has_taken() {
    let served = serve(echo(), WIDE).await;
    let mut kept = connect(served.address).await;
    let answered = exchange(&mut kept, GET, "here").await;
    assert!(!answered.to_ascii_lowercase().contains("connection: close"), "{answered}");
    served.stopping.store(true, Ordering::SeqCst);
    let answered = exchange(&mut kept, GET, "here").await;
    assert!(answered.to_ascii_lowercase().contains("connection: close"), "{answered}");
    assert_eq!(kept.read(&mut [0]).await.unwrap(), 0);

    let mut late = connect(served.address).await;
    served.close.cancel();
    let answered = exchange(&mut late, GET, "here").await;
    assert!(answered.starts_with("HTTP/1.1 200"), "it was let in: {answered}");
    drop(late);
    served.serving.await.unwrap();
    assert!(TcpStream::connect(served.address).await.is_err(), "nobody is let in any more");
}

#[tokio::test]
async fn what_is_in_hand_when_it_closes_is_answered() {
    let (begun, go_on) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let (tell, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let slow = async move || {
        tell.notify_one();
        wait.notified().await;
        "slowly"
    };
    let served = serve(Router::new().route("/", get(slow)), WIDE).await;
    let mut stream = connect(served.address).await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    begun.notified().await;
    served.close.cancel();
    go_on.notify_one();
    let answered = exchange(&mut stream, "", "slowly").await;
    assert!(answered.ends_with("slowly"), "{answered}");
    served.serving.await.unwrap();
}

fn wire<S>(stream: S) -> Wire<S> {
    let bounds = Bounds { all: 1, per_address: 1, proxies: Vec::new() };
    let table = Arc::new(Table::new(bounds, ConnectionMetrics::default()));
    let Admission::In(place) = table.admit([192, 0, 2, 7].into()) else { panic!("there is a place") };
    Wire::new(stream, place)
}

#[tokio::test(start_paused = true)]
async fn the_head_of_a_request_has_ten_seconds_from_its_first_byte_on() {
    let (mut client, server) = duplex(64);
    let mut wire = wire(server);
    let mut read = [0; 8];
    // Nothing at all may be said for as long as it likes, as far as this is concerned.
    assert!(timeout(Duration::from_secs(60), wire.read(&mut read)).await.is_err());
    client.write_all(b"G").await.unwrap();
    let begun = Instant::now();
    assert_eq!(wire.read(&mut read).await.unwrap(), 1);
    let dribbling = tokio::spawn(async move {
        while client.write_all(b"E").await.is_ok() {
            sleep(Duration::from_secs(3)).await;
        }
    });
    let refused = loop {
        if let Err(error) = wire.read(&mut read).await {
            break error;
        }
    };
    assert_eq!((refused.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, Duration::from_secs(10)));
    drop(wire);
    dribbling.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_request_of_a_connection_has_its_own_ten_seconds() {
    let (mut client, server) = duplex(64);
    let mut wire = wire(server);
    let held = wire.held();
    for _ in 0..5 {
        client.write_all(b"GET").await.unwrap();
        assert_eq!(wire.read(&mut [0; 8]).await.unwrap(), 3);
        // It is answered at once, and nobody reads on meanwhile.
        held.has_head();
        assert!(held.begins());
        held.ends();
        sleep(Duration::from_secs(6)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_nothing_for_half_a_minute_is_cut_off() {
    let (mut client, server) = duplex(64);
    let mut wire = wire(server);
    wire.write_all(&[0; 64]).await.unwrap();
    let begun = Instant::now();
    let half_a_minute = Duration::from_secs(30);
    let reading = tokio::spawn(async move {
        sleep(half_a_minute - Duration::from_secs(1)).await;
        client.read_exact(&mut [0; 64]).await.unwrap();
        client
    });
    wire.write_all(&[0; 64]).await.unwrap();
    let client = reading.await.unwrap();
    let refused = wire.write_all(&[0; 64]).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
    assert_eq!(begun.elapsed(), half_a_minute * 2 - Duration::from_secs(1));
    drop(client);
}
