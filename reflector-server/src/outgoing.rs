//! Addresses that users give: the host is resolved once, every address is checked, and the checked ones are connected.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::{Client, redirect};
use url::Url;

/// How long a call may take in all.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which addresses may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public ones, by https.
    Public,
    /// Any, also by http: for a deployment that trusts whoever gives addresses.
    Anything,
}

/// An address may not be called, in one sentence that says what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReachable {
    /// It is written in a way that is not allowed.
    #[error("use an https address, without a name or a password in it")]
    Form,
    /// Its host is one of this network.
    #[error("{0} is not a public address; REFLECTOR_ALLOW_PRIVATE_URLS=yes allows it")]
    Private(String),
    /// Its host has no address.
    #[error("{0} cannot be resolved")]
    Unknown(String),
    /// This machine cannot make secure connections.
    #[error("no secure connection can be made from here; check the certificates of this machine")]
    NoClient,
}

impl Reach {
    /// Whether an address can be called, as far as that can be told without asking anybody: for when it is saved.
    ///
    /// # Errors
    ///
    /// [`NotReachable`], saying what to write instead.
    pub fn allows(self, url: &Url) -> Result<(), NotReachable> {
        let scheme = match self {
            Self::Public => url.scheme() == "https",
            Self::Anything => matches!(url.scheme(), "https" | "http"),
        };
        let plain = url.username().is_empty() && url.password().is_none();
        match url.host() {
            Some(host) if scheme && plain => match host {
                url::Host::Ipv4(address) => self.admits(IpAddr::V4(address)),
                url::Host::Ipv6(address) => self.admits(IpAddr::V6(address)),
                url::Host::Domain(name) if self == Self::Public && is_local_name(name) => {
                    Err(NotReachable::Private(name.to_owned()))
                }
                url::Host::Domain(_) => Ok(()),
            },
            _ => Err(NotReachable::Form),
        }
    }

    /// A client that connects this address's host at the addresses that were checked now, and follows nothing from there.
    ///
    /// # Errors
    ///
    /// [`NotReachable`] when one of its addresses may not be called, or it has none.
    pub async fn client(self, url: &Url) -> Result<Client, NotReachable> {
        self.allows(url)?;
        let host = url.host_str().ok_or(NotReachable::Form)?;
        let port = url.port_or_known_default().ok_or(NotReachable::Form)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let unknown = || NotReachable::Unknown(host.to_owned());
        let addresses: Vec<SocketAddr> =
            tokio::net::lookup_host((bare, port)).await.map_err(|_| unknown())?.collect();
        if addresses.is_empty() {
            return Err(unknown());
        }
        for address in &addresses {
            self.admits(address.ip())?;
        }
        let client = Client::builder().redirect(redirect::Policy::none()).timeout(PATIENCE).no_proxy();
        client.resolve_to_addrs(host, &addresses).build().map_err(|_| NotReachable::NoClient)
    }

    fn admits(self, address: IpAddr) -> Result<(), NotReachable> {
        if self == Self::Anything || is_public(address) {
            Ok(())
        } else {
            Err(NotReachable::Private(address.to_string()))
        }
    }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || [".localhost", ".local", ".internal"].iter().any(|end| name.ends_with(end))
}

/// Whether an address is one of the public network: not this machine, this network, a link, a cloud's metadata, a group,
/// or one that is reserved.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match inner_v4(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocols = a == 192 && b == 0 && c == 0;
    let benchmarks = a == 198 && (b == 18 || b == 19);
    let relays = a == 192 && b == 88 && c == 99;
    !(a == 0
        || a >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || shared
        || protocols
        || benchmarks
        || relays)
}

/// The IPv4 address that stands in an IPv6 one: mapped, translated (NAT64), or by 6to4.
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => of(high, low),
        [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}

/// What is given out as public begins with the bits 001.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let documentation = first == 0x2001 && second == 0xdb8;
    let protocols = first == 0x2001 && second < 0x200;
    first & 0xe000 == 0x2000 && !documentation && !protocols
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(reach: Reach, url: &str) -> bool {
        reach.allows(&url.parse().unwrap()).is_ok()
    }

    #[test]
    fn only_public_addresses_are_called() {
        for public in ["1.1.1.1", "203.0.114.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn an_address_is_judged_when_it_is_saved() {
        for good in
            ["https://example.org/hook?a=b", "https://93.184.216.34/", "https://[2606:4700::1]:8443/x"]
        {
            assert!(allowed(Reach::Public, good), "{good}");
        }
        for bad in [
            "http://example.org/",
            "ftp://example.org/",
            "https://user:pass@example.org/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://localhost/",
            "https://a.localhost./",
            "https://printer.local/",
            "https://metadata.google.internal/",
            "https://2130706433/",
            "https://0x7f.1/",
            "mailto:a@b",
        ] {
            assert!(!allowed(Reach::Public, bad), "{bad}");
        }
        assert!(allowed(Reach::Anything, "http://127.0.0.1:9/x"));
        assert!(!allowed(Reach::Anything, "file:///etc/passwd"));
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_called() {
        // What this name leads to is looked at when it is called, whatever it led to when it was saved.
        let url: Url = "https://ip6-localhost/".parse().unwrap();
        let refused = Reach::Public.client(&url).await.unwrap_err();
        assert!(matches!(refused, NotReachable::Private(_) | NotReachable::Unknown(_)), "{refused:?}");
    }
}
