//! Where a request really came from, behind proxies that are trusted to say so.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

use crate::builtin::ClientAddress;
use crate::state::App;

/// The header in which each proxy adds whom it was called by.
const FORWARDED: &str = "x-forwarded-for";

/// Notes where a request came from, for all that comes after.
pub(crate) async fn note_client(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let client = client(peer.ip(), request.headers(), &app.trusted_proxies);
        request.extensions_mut().insert(ClientAddress(client));
    }
    next.run(request).await
}

/// The first address, seen from here, that no trusted proxy has. What stands before it anybody may have written.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address.to_canonical()));
    let mut client = peer.to_canonical();
    let values: Vec<_> = headers.get_all(FORWARDED).iter().filter_map(|value| value.to_str().ok()).collect();
    let mut hops = values.iter().flat_map(|value| value.split(',')).rev();
    while is_trusted(client) {
        match hops.next().and_then(|hop| hop.trim().parse::<IpAddr>().ok()) {
            Some(hop) => client = hop.to_canonical(),
            None => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED, value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn what_a_stranger_says_of_where_they_come_from_counts_for_nothing() {
        assert_eq!(of("203.0.113.9", &["1.1.1.1"], &[]), "203.0.113.9");
        assert_eq!(of("203.0.113.9", &["1.1.1.1"], &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn a_client_is_whom_the_outermost_trusted_proxy_was_called_by() {
        let trusted = &["10.0.0.0/8", "fd00::/8"];
        assert_eq!(of("10.0.0.1", &["203.0.113.9"], trusted), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"], trusted), "203.0.113.9", "made up");
        assert_eq!(of("10.0.0.1", &["6.6.6.6", "203.0.113.9, fd00::2"], trusted), "203.0.113.9", "two lines");
        assert_eq!(of("::ffff:10.0.0.1", &["2001:db8::7"], trusted), "2001:db8::7");
        assert_eq!(of("10.0.0.1", &["nonsense"], trusted), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &["nonsense, 10.0.0.2"], trusted), "10.0.0.2");
        assert_eq!(of("10.0.0.1", &[], trusted), "10.0.0.1");
    }
}
