//! Whoever issues tokens, and those who would like to.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// Whom tokens are for, and who issues them.
pub(crate) const AUDIENCE: &str = "reflector";
pub(crate) const ISSUER: &str = "https://issuer.example";

/// Issues tokens of both kinds.
pub(crate) struct Issuer {
    rsa: RsaKeyPair,
    curve: EcdsaKeyPair,
    /// What its keys are called.
    name: &'static str,
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What a token says of a user, for so many seconds from now on.
pub(crate) fn claims(user: &str, seconds: i64) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than that").as_secs();
    let until = i64::try_from(now).expect("it fits") + seconds;
    json!({ "sub": user, "exp": until, "aud": AUDIENCE, "iss": ISSUER })
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()))
}

/// A token that is signed with a secret.
pub(crate) fn hs256(secret: &[u8], claims: &Value) -> String {
    let said = unsigned(&json!({ "alg": "HS256", "typ": "JWT" }), claims);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length");
    mac.update(said.as_bytes());
    format!("{said}.{}", encoded(mac.finalize().into_bytes()))
}

/// A token that nobody signed.
pub(crate) fn none(claims: &Value) -> String {
    unsigned(&json!({ "alg": "none", "typ": "JWT" }), claims) + "."
}

impl Issuer {
    pub(crate) fn new(name: &'static str) -> Self {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("it can be made");
        let curve = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("it can be made");
        Self { rsa, curve, name }
    }

    /// Its public keys, as it publishes them.
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": self.public() })
    }

    pub(crate) fn public(&self) -> Vec<Value> {
        let key = self.rsa.public_key();
        let modulus = key.modulus().big_endian_without_leading_zero();
        let exponent = key.exponent().big_endian_without_leading_zero();
        // A byte that says that both coordinates follow.
        let point = &self.curve.public_key().as_ref()[1..];
        let rsa = json!({
            "kty": "RSA", "kid": format!("{}-rsa", self.name), "use": "sig", "alg": "RS256",
            "n": encoded(modulus), "e": encoded(exponent),
        });
        let curve = json!({
            "kty": "EC", "kid": format!("{}-ec", self.name), "crv": "P-256",
            "x": encoded(&point[..32]), "y": encoded(&point[32..]),
        });
        vec![rsa, curve]
    }

    /// The public key as a text that everybody can have, and that is no secret.
    pub(crate) fn public_text(&self) -> Vec<u8> {
        self.rsa.public_key().as_ref().to_vec()
    }

    pub(crate) fn rs256(&self, claims: &Value) -> String {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": format!("{}-rsa", self.name) });
        self.signed_by_rsa(&header, claims)
    }

    pub(crate) fn signed_by_rsa(&self, header: &Value, claims: &Value) -> String {
        let said = unsigned(header, claims);
        let mut signature = vec![0; self.rsa.public_modulus_len()];
        let signed = self.rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), said.as_bytes(), &mut signature);
        signed.expect("it can be signed");
        format!("{said}.{}", encoded(signature))
    }

    pub(crate) fn es256(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": format!("{}-ec", self.name) });
        let said = unsigned(&header, claims);
        let signature = self.curve.sign(&SystemRandom::new(), said.as_bytes()).expect("it can be signed");
        format!("{said}.{}", encoded(signature.as_ref()))
    }
}
