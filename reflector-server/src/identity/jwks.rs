//! Public keys, from a file or an address: kept for a while, asked for anew when a token names one that is not known,
//! and used on while nobody answers.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::{Client, redirect};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{info, warn};
use url::Url;

use super::jwt::NotUsable;
use crate::config::JwtKeys;
use crate::error::Problem;

/// How long keys are good without another look: one that was taken out is of no use after that.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// How often they are asked for at the most, whatever tokens name.
const LEAST: Duration = Duration::from_secs(10);
/// How long asking may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many bytes they may have.
const LONGEST: usize = 1024 * 1024;

/// Public keys.
pub(super) struct Jwks {
    source: Source,
    kept: RwLock<Option<Kept>>,
    /// Only one asks at a time; when that was.
    asked: Mutex<Option<Instant>>,
}

enum Source {
    File(PathBuf),
    Address(Url, Client),
}

#[derive(Clone)]
struct Kept {
    keys: Arc<JwkSet>,
    since: Instant,
}

impl Jwks {
    /// Those in a file, which must be there.
    pub(super) async fn in_file(path: &Path) -> Result<Self, NotUsable> {
        let jwks = Self::of(Source::File(path.to_owned()));
        jwks.ask().await.map_err(|why| jwks.not_usable(why))?;
        Ok(jwks)
    }

    /// Those at an address. If nobody answers there, tokens are refused until somebody does.
    pub(super) async fn at(url: &Url) -> Result<Self, NotUsable> {
        let jwks = Self::not_asked_yet(url)?;
        if let Err(why) = jwks.ask().await {
            warn!(%url, why, "the keys of tokens cannot be had; trying again when a token comes");
        }
        Ok(jwks)
    }

    fn not_asked_yet(url: &Url) -> Result<Self, NotUsable> {
        let client = Client::builder().redirect(redirect::Policy::none()).timeout(PATIENCE).build();
        let not_usable =
            |error: reqwest::Error| NotUsable { source_of_keys: url.to_string(), why: error.to_string() };
        Ok(Self::of(Source::Address(url.clone(), client.map_err(not_usable)?)))
    }

    fn not_usable(&self, why: String) -> NotUsable {
        NotUsable { source_of_keys: format!("{:?}", self.source), why }
    }

    fn of(source: Source) -> Self {
        Self { source, kept: RwLock::default(), asked: Mutex::default() }
    }

    /// The key that a token names, and the only algorithm it is for.
    pub(super) async fn key(
        &self,
        named: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<(DecodingKey, Algorithm), Problem> {
        let kept = self.kept();
        let is_fresh = kept.as_ref().is_some_and(|kept| kept.since.elapsed() < FRESH);
        let known = kept.filter(|_| is_fresh).and_then(|kept| find(&kept.keys, named, algorithm));
        if let Some(known) = known {
            return Ok(known);
        }
        self.ask_unless_just_asked().await;
        let Some(kept) = self.kept() else {
            return Err(Problem::later(
                5,
                "the keys of bearer tokens cannot be had at the moment; try again",
            ));
        };
        find(&kept.keys, named, algorithm).ok_or_else(|| {
            Problem::unidentified("the bearer token is not signed with a key that is known here")
        })
    }

    fn kept(&self) -> Option<Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn ask_unless_just_asked(&self) {
        let mut asked = self.asked.lock().await;
        if asked.is_some_and(|at| at.elapsed() < LEAST) {
            return;
        }
        *asked = Some(Instant::now());
        if let Err(why) = self.ask().await {
            warn!(source = ?self.source, why, "the keys of tokens cannot be had; going on with those that are known");
        }
    }

    async fn ask(&self) -> Result<(), String> {
        let text = match &self.source {
            Source::File(path) => tokio::fs::read(path).await.map_err(|error| error.to_string())?,
            Source::Address(url, client) => fetched(url, client).await?,
        };
        let keys: JwkSet =
            serde_json::from_slice(&text).map_err(|error| format!("they are no JWKS: {error}"))?;
        if !keys.keys.iter().any(|key| usable(key).is_some()) {
            return Err("there is none of RSA or of the curve P-256".to_owned());
        }
        info!(keys = keys.keys.len(), "the keys of tokens were read");
        let kept = Kept { keys: Arc::new(keys), since: Instant::now() };
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(())
    }
}

async fn fetched(url: &Url, client: &Client) -> Result<Vec<u8>, String> {
    let mut answer = client.get(url.clone()).send().await.map_err(|error| error.without_url().to_string())?;
    if !answer.status().is_success() {
        return Err(format!("they were answered with {}", answer.status()));
    }
    let mut text = Vec::new();
    while let Some(some) = answer.chunk().await.map_err(|error| error.without_url().to_string())? {
        text.extend_from_slice(&some);
        if text.len() > LONGEST {
            return Err("they are longer than 1 MiB".to_owned());
        }
    }
    Ok(text)
}

/// How many keys there are where they are said to be that a token may be verified with: one at least.
pub(crate) async fn usable_keys(keys: &JwtKeys) -> Result<usize, NotUsable> {
    let jwks = match keys {
        JwtKeys::Secret(_) => return Ok(1),
        JwtKeys::File(path) => Jwks::in_file(path).await?,
        JwtKeys::Address(url) => {
            let jwks = Jwks::not_asked_yet(url)?;
            jwks.ask().await.map_err(|why| jwks.not_usable(why))?;
            jwks
        }
    };
    Ok(jwks.kept().map_or(0, |kept| kept.keys.keys.iter().filter(|key| usable(key).is_some()).count()))
}

/// The key of this name; if none is named, the only one for this algorithm.
fn find(keys: &JwkSet, named: Option<&str>, algorithm: Algorithm) -> Option<(DecodingKey, Algorithm)> {
    let fits = |key: &&Jwk| usable(key) == Some(algorithm);
    let key = match named {
        Some(name) => keys.find(name).filter(fits)?,
        None => {
            let mut fitting = keys.keys.iter().filter(fits);
            fitting.next().filter(|_| fitting.next().is_none())?
        }
    };
    Some((DecodingKey::from_jwk(key).ok()?, algorithm))
}

/// What a key's type fixes: tokens cannot choose.
fn usable(key: &Jwk) -> Option<Algorithm> {
    if key.common.public_key_use.as_ref().is_some_and(|of| *of != PublicKeyUse::Signature) {
        return None;
    }
    let algorithm = match &key.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        _ => return None,
    };
    let stated = key.common.key_algorithm.map(|stated| stated.to_string());
    stated.is_none_or(|stated| stated == format!("{algorithm:?}")).then_some(algorithm)
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Address(url, _) => write!(f, "{url}"),
        }
    }
}
