//! Whereby's signature: HMAC-SHA256 over a time and the body's bytes as they came.
//!
//! The header reads `t=1606227791,v1=94a23dc9…`: seconds since 1970, and the hash of `t`, a dot and the body in
//! lower-case hexadecimal digits. The body is never read and written again before it is checked: that is how a name
//! with an accent came to be refused elsewhere.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reflector_core::Timestamp;
use reflector_core::provider::Unverified;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The header's name, in lower case.
pub const HEADER: &str = "whereby-signature";

/// How old a signature may be, and how far ahead of our clock.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// Checks the header over the body. Any of the secrets will do, so that one can be changed for another.
///
/// # Errors
///
/// What is wrong with it. A signature is called stale only if it is right otherwise.
pub fn verify(header: &str, body: &[u8], secrets: &[SecretString], now: Timestamp) -> Result<(), Unverified> {
    let signature = Signature::parse(header)?;
    if !secrets.iter().any(|secret| signature.is_by(secret, body)) {
        return Err(Unverified::Wrong);
    }
    let at = signature.at();
    if now.since(at) > TOLERANCE || at.since(now) > TOLERANCE {
        return Err(Unverified::Stale);
    }
    Ok(())
}

/// Looks whether the header can be a signature of anything.
///
/// # Errors
///
/// That it cannot.
pub fn look(header: &str) -> Result<(), Unverified> {
    Signature::parse(header).map(drop)
}

/// The header's value for a body, as Whereby writes it: for tests, and for whoever stands in for Whereby.
pub fn sign(secret: &SecretString, at: Timestamp, body: &[u8]) -> String {
    let seconds = at.as_micros().div_euclid(1_000_000).to_string();
    let hash = hash(secret, &seconds, body).map(|hash| hash.finalize().into_bytes());
    format!("t={seconds},v1={}", hash.map(hex::encode).unwrap_or_default())
}

/// A header, taken apart.
struct Signature<'a> {
    /// The seconds as they are written: what is signed is the text.
    written: &'a str,
    seconds: i64,
    hashes: Vec<[u8; 32]>,
}

impl<'a> Signature<'a> {
    fn parse(header: &'a str) -> Result<Self, Unverified> {
        let mut time = None;
        let mut hashes = Vec::new();
        for part in header.split(',') {
            let (key, value) = part.trim().split_once('=').ok_or(Unverified::Malformed)?;
            match key {
                "t" if time.is_none() => time = Some((value, seconds(value)?)),
                "t" => return Err(Unverified::Malformed),
                "v1" => hashes.push(hash_written(value)?),
                // A scheme that comes after this one.
                _ => {}
            }
        }
        match time {
            Some((written, seconds)) if !hashes.is_empty() => Ok(Self { written, seconds, hashes }),
            _ => Err(Unverified::Malformed),
        }
    }

    fn is_by(&self, secret: &SecretString, body: &[u8]) -> bool {
        let Some(expected) = hash(secret, self.written, body) else { return false };
        self.hashes.iter().any(|hash| expected.clone().verify_slice(hash).is_ok())
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_micros(self.seconds.saturating_mul(1_000_000))
    }
}

/// The hash that is to be; none only if the key could not be one, and every text can.
fn hash(secret: &SecretString, seconds: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut hash = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    hash.update(seconds.as_bytes());
    hash.update(b".");
    hash.update(body);
    Some(hash)
}

fn seconds(text: &str) -> Result<i64, Unverified> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().map_err(|_| Unverified::Malformed) } else { Err(Unverified::Malformed) }
}

fn hash_written(text: &str) -> Result<[u8; 32], Unverified> {
    let mut hash = [0; 32];
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    if lower && hex::decode_to_slice(text, &mut hash).is_ok() { Ok(hash) } else { Err(Unverified::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDER_JOINED: &[u8] = include_bytes!("../fixtures/client_joined_recorder.json");
    const RECORDER_JOINED_HASH: &str = "7c34e58909d81203fefd0d18957f56a8e89ad8e6f97d9f6e73d8378d0bdd7b2b";
    const ACCENT: &str = r#"{"id":"evt-1","type":"room.client.joined","data":{"displayName":"José"}}"#;
    const ACCENT_HASH: &str = "668cd820ae9518fa2df9a4f9d33e0b786b54ad756300e308bf5f79dd734f998f";
    const SECONDS: i64 = 1_665_405_536;

    fn secret() -> SecretString {
        "test-secret".into()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn verified(header: &str) -> Result<(), Unverified> {
        verify(header, RECORDER_JOINED, &[secret()], at(SECONDS))
    }

    #[test]
    fn the_known_signatures_are_right_to_the_byte() {
        assert_eq!(RECORDER_JOINED.len(), 364);
        for (body, hash) in [(RECORDER_JOINED, RECORDER_JOINED_HASH), (ACCENT.as_bytes(), ACCENT_HASH)] {
            let header = format!("t={SECONDS},v1={hash}");
            assert_eq!(sign(&secret(), at(SECONDS), body), header);
            assert_eq!(verify(&header, body, &[secret()], at(SECONDS)), Ok(()));
        }
    }

    #[test]
    fn another_secret_another_body_and_another_time_are_wrong() {
        let header = format!("t={SECONDS},v1={RECORDER_JOINED_HASH}");
        assert_eq!(verify(&header, RECORDER_JOINED, &["other".into()], at(SECONDS)), Err(Unverified::Wrong));
        assert_eq!(verify(&header, RECORDER_JOINED, &[], at(SECONDS)), Err(Unverified::Wrong));
        assert_eq!(verify(&header, ACCENT.as_bytes(), &[secret()], at(SECONDS)), Err(Unverified::Wrong));
        assert_eq!(verified(&format!("t=0{SECONDS},v1={RECORDER_JOINED_HASH}")), Err(Unverified::Wrong));
        assert_eq!(verified(&format!("t={},v1={RECORDER_JOINED_HASH}", SECONDS + 1)), Err(Unverified::Wrong));
    }

    #[test]
    fn any_of_several_secrets_and_hashes_will_do() {
        let header = format!("t={SECONDS}, v0=x, v1={}, v1={RECORDER_JOINED_HASH}", "0".repeat(64));
        let secrets = ["new".into(), secret()];
        assert_eq!(verify(&header, RECORDER_JOINED, &secrets, at(SECONDS)), Ok(()));
    }

    #[test]
    fn five_minutes_either_way_are_taken_and_a_second_more_is_stale() {
        let header = format!("t={SECONDS},v1={RECORDER_JOINED_HASH}");
        for (now, answer) in [
            (SECONDS - 301, Err(Unverified::Stale)),
            (SECONDS - 300, Ok(())),
            (SECONDS + 300, Ok(())),
            (SECONDS + 301, Err(Unverified::Stale)),
        ] {
            assert_eq!(verify(&header, RECORDER_JOINED, &[secret()], at(now)), answer, "{now}");
        }
    }

    #[test]
    fn a_malformed_header_is_an_error_and_never_a_panic() {
        let hash = RECORDER_JOINED_HASH;
        for bad in [
            String::new(),
            ",".to_owned(),
            "é".to_owned(),
            format!("t={SECONDS}"),
            format!("v1={hash}"),
            format!("t=,v1={hash}"),
            format!("t=soon,v1={hash}"),
            format!("t=-1,v1={hash}"),
            format!("t=+{SECONDS},v1={hash}"),
            format!("t={SECONDS}.0,v1={hash}"),
            format!("t=99999999999999999999,v1={hash}"),
            format!("t={SECONDS},t={SECONDS},v1={hash}"),
            format!("t={SECONDS},v1="),
            format!("t={SECONDS},v1={}", &hash[..62]),
            format!("t={SECONDS},v1={hash}00"),
            format!("t={SECONDS},v1={}", hash.to_uppercase()),
            format!("t={SECONDS},v1={}", "é".repeat(32)),
            format!("t={SECONDS},v1={hash},"),
        ] {
            assert_eq!(verified(&bad), Err(Unverified::Malformed), "{bad}");
        }
    }

    #[test]
    fn a_time_at_the_end_of_all_time_is_stale() {
        let body = b"{}";
        let written = i64::MAX.to_string();
        let hash = hash(&secret(), &written, body).unwrap().finalize().into_bytes();
        let header = format!("t={written},v1={}", hex::encode(hash));
        assert_eq!(verify(&header, body, &[secret()], at(SECONDS)), Err(Unverified::Stale));
    }
}
