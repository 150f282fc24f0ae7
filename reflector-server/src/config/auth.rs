//! Who is asked who they are, and how.

use std::collections::BTreeSet;
use std::path::PathBuf;

use reflector_core::UserId;
use secrecy::SecretString;
use url::Url;

use super::ConfigError;
use super::values::Values;

/// Whether callers are asked who they are.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Nobody is asked: everybody is the user `local`, and an operator.
    Nobody,
    /// By a JSON Web Token, or an API key.
    Jwt(JwtSettings),
}

/// How tokens are verified.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    /// What they are signed with.
    pub keys: JwtKeys,
    /// Whom they must be for, if that is checked.
    pub audience: Option<String>,
    /// Who must have issued them, if that is checked.
    pub issuer: Option<String>,
    /// The users who are operators.
    pub admins: BTreeSet<UserId>,
}

/// What tokens are signed with. The type of a key tells the algorithm.
#[derive(Clone, Debug)]
pub enum JwtKeys {
    /// A secret that we share with whoever issues them (HS256).
    Secret(SecretString),
    /// Public keys in a file (RS256, ES256).
    File(PathBuf),
    /// Public keys at an address (RS256, ES256).
    Address(Url),
}

const SECRET: &str = "REFLECTOR_JWT_SECRET";
const JWKS: &str = "REFLECTOR_JWT_JWKS";
/// HS256 is as strong as its secret up to this many bytes (RFC 7518, section 3.2).
const LEAST_SECRET: usize = 32;

impl Values {
    pub(super) fn auth(&self) -> Result<Auth, ConfigError> {
        if !self.one_of("REFLECTOR_AUTH", &[("none", false), ("jwt", true)])? {
            return Ok(Auth::Nobody);
        }
        let optional = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let admins = self.text("REFLECTOR_ADMINS").split(',').map(str::trim);
        Ok(Auth::Jwt(JwtSettings {
            keys: self.jwt_keys()?,
            audience: optional(self.text("REFLECTOR_JWT_AUDIENCE")),
            issuer: optional(self.text("REFLECTOR_JWT_ISSUER")),
            admins: admins.filter(|name| !name.is_empty()).map(UserId::from).collect(),
        }))
    }

    fn jwt_keys(&self) -> Result<JwtKeys, ConfigError> {
        match (self.text(SECRET), self.text(JWKS)) {
            ("", "") => Err(self.wrong(
                JWKS,
                "with REFLECTOR_AUTH=jwt use a file or an address of public keys, or set REFLECTOR_JWT_SECRET",
            )),
            (secret, "") if secret.len() < LEAST_SECRET => {
                Err(self.wrong(SECRET, "use at least 32 characters that nobody can guess"))
            }
            (secret, "") => Ok(JwtKeys::Secret(SecretString::from(secret))),
            ("", source) => match Url::parse(source) {
                Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(JwtKeys::Address(url)),
                Ok(url) if url.has_host() => Err(self.wrong(JWKS, "use a file, or an http or https address")),
                _ => Ok(JwtKeys::File(PathBuf::from(source))),
            },
            (_, _) => Err(self.wrong(JWKS, "set this or REFLECTOR_JWT_SECRET, not both")),
        }
    }
}
