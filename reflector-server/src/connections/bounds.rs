//! How many connections there may be.

use std::net::IpAddr;

use ipnet::IpNet;

/// How many connections there may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// In all.
    pub all: usize,
    /// From one address.
    pub per_address: usize,
    /// From where everybody comes: these have no bound of their own, and never give way.
    pub proxies: Vec<IpNet>,
}

impl Bounds {
    /// Whether connections from there are those of many.
    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        self.proxies.iter().any(|net| net.contains(&peer.to_canonical()))
    }
}

/// More than that nobody needs without saying so.
const MOST: usize = 10_000;
/// Where the system names no limit.
const UNNAMED: usize = 1_024;

/// Three quarters of the files that this process may open: the rest is for the database, providers and recordings.
pub(crate) fn default_bound() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let files = limit.map_or(UNNAMED, |files| usize::try_from(files).unwrap_or(MOST));
    (files / 4 * 3).clamp(16, MOST)
}
