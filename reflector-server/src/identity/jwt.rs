//! JSON Web Tokens: who issued them, for whom, until when, and whom they name.

use std::collections::HashSet;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reflector_core::{Timestamp, UserId};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::jwks::Jwks;
use crate::config::{JwtKeys, JwtSettings};
use crate::error::Problem;

/// How far clocks may differ.
const LEEWAY: f64 = 60.0;
/// How long a user's name may be.
const LONGEST_NAME: usize = 255;

/// Tokens cannot be verified with these settings.
#[derive(Debug, thiserror::Error)]
#[error("REFLECTOR_JWT_JWKS is `{source_of_keys}`, which has no usable keys: {why}")]
pub struct NotUsable {
    pub(super) source_of_keys: String,
    pub(super) why: String,
}

/// Verifies tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    keys: Keys,
    audience: Option<String>,
    issuer: Option<String>,
}

enum Keys {
    /// Of HS256.
    Secret(DecodingKey),
    /// Of RS256 and ES256.
    Public(Jwks),
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("[secret]"),
            Self::Public(jwks) => jwks.fmt(f),
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
}

impl Tokens {
    pub(super) async fn new(settings: &JwtSettings) -> Result<Self, NotUsable> {
        let keys = match &settings.keys {
            JwtKeys::Secret(secret) => {
                Keys::Secret(DecodingKey::from_secret(secret.expose_secret().as_bytes()))
            }
            JwtKeys::File(path) => Keys::Public(Jwks::in_file(path).await?),
            JwtKeys::Address(url) => Keys::Public(Jwks::at(url).await?),
        };
        Ok(Self { keys, audience: settings.audience.clone(), issuer: settings.issuer.clone() })
    }

    /// The user whom a token names, and until when.
    pub(super) async fn user(&self, token: &str, now: Timestamp) -> Result<(UserId, Timestamp), Problem> {
        let header =
            decode_header(token).map_err(|_| Problem::unidentified("the bearer token cannot be read"))?;
        let claims = match &self.keys {
            Keys::Secret(key) => self.claims(token, key, Algorithm::HS256)?,
            Keys::Public(jwks) => {
                let (key, algorithm) = jwks.key(header.kid.as_deref(), header.alg).await?;
                self.claims(token, &key, algorithm)?
            }
        };
        let now = now.as_micros() as f64 / 1e6;
        // JSON has no numbers that are none.
        if claims.exp <= now - LEEWAY {
            return Err(Problem::unidentified("the bearer token has expired"));
        }
        if claims.nbf.is_some_and(|nbf| nbf > now + LEEWAY) {
            return Err(Problem::unidentified("the bearer token is not valid yet"));
        }
        if claims.sub.is_empty() || claims.sub.len() > LONGEST_NAME {
            return Err(Problem::unidentified(
                "the bearer token names nobody: sub must have 1 to 255 characters",
            ));
        }
        Ok((UserId::from(claims.sub.as_str()), Timestamp::from_micros((claims.exp * 1e6) as i64)))
    }

    /// What a token says, if it is signed with this key by this algorithm, and by nothing that it says itself.
    fn claims(&self, token: &str, key: &DecodingKey, algorithm: Algorithm) -> Result<Claims, Problem> {
        let mut wanted = Validation::new(algorithm);
        // Times are judged by our clock.
        wanted.validate_exp = false;
        wanted.validate_nbf = false;
        wanted.validate_aud = self.audience.is_some();
        let mut required = HashSet::from(["sub".to_owned(), "exp".to_owned()]);
        if let Some(audience) = &self.audience {
            wanted.set_audience(&[audience]);
            required.insert("aud".to_owned());
        }
        if let Some(issuer) = &self.issuer {
            wanted.set_issuer(&[issuer]);
            required.insert("iss".to_owned());
        }
        wanted.required_spec_claims = required;
        decode::<Claims>(token, key, &wanted).map(|token| token.claims).map_err(|error| {
            Problem::unidentified(match error.kind() {
                ErrorKind::InvalidAudience => "the bearer token is for somebody else (aud)",
                ErrorKind::InvalidIssuer => "the bearer token was issued by somebody else (iss)",
                ErrorKind::MissingRequiredClaim(_) => {
                    "the bearer token needs sub, exp, and aud and iss if they are checked"
                }
                _ => "the bearer token is not signed as it must be",
            })
        })
    }
}
