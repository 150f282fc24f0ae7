//! The session of a browser: who signed in, in a cookie that only this deployment can make.
//!
//! Nothing is kept on the server: any server of the deployment knows a session by its mark. It says who signed in and by
//! what, and no more. Whether they are operators is judged at each request, and one that rests on an API key ends with it.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use hmac::Mac;
use reflector_core::store::{DeploymentKey, TokenHash};
use reflector_core::{Timestamp, UserId};
use url::Url;

use crate::signing;

/// What is marked is for this alone.
const PURPOSE: &[u8] = b"session of a browser\0";
/// How long a session lasts at the most.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// What somebody signed in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignedInBy {
    /// A token that named this user.
    Token(UserId),
    /// The API key of this hash.
    Key(TokenHash),
}

/// Somebody who signed in, until an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) by: SignedInBy,
    pub(crate) until: Timestamp,
}

/// Makes and knows sessions.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    key: DeploymentKey,
    /// Whether browsers reach this server by https alone.
    is_secure: bool,
}

impl Sessions {
    pub(crate) fn new(key: DeploymentKey, public_url: &Url) -> Self {
        Self { key, is_secure: public_url.scheme() == "https" }
    }

    /// The cookie of a session that begins now, and ends when what it rests on does, after half a day at the latest.
    pub(crate) fn cookie(&self, by: &SignedInBy, rests_until: Option<Timestamp>, now: Timestamp) -> String {
        let until = rests_until.unwrap_or(Timestamp::MAX).min(now + LONGEST);
        let text = self.written(&Session { by: by.clone(), until });
        self.set(&text, until.since(now).as_secs())
    }

    /// The cookie that takes a session's place when somebody signs out.
    pub(crate) fn no_cookie(&self) -> String {
        self.set("", 0)
    }

    /// Who signed in in the browser that sends these headers. What is no session, or none any more, says nothing: a browser
    /// sends it by itself, and must not be kept out for it of what is open to everybody.
    pub(crate) fn of(&self, headers: &HeaderMap, now: Timestamp) -> Option<Session> {
        let session = self.read(only(headers, self.name())?)?;
        (now < session.until).then_some(session)
    }

    fn set(&self, text: &str, seconds: u64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let name = self.name();
        format!("{name}={text}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
    }

    /// By its prefix a browser knows that no neighbouring host may have set it (RFC 6265bis, section 4.1.3.2).
    fn name(&self) -> &'static str {
        if self.is_secure { "__Host-reflector_session" } else { "reflector_session" }
    }

    fn written(&self, session: &Session) -> String {
        let (kind, by): (u8, &[u8]) = match &session.by {
            SignedInBy::Token(user) => (b't', user.as_str().as_bytes()),
            SignedInBy::Key(hash) => (b'k', hash.as_bytes()),
        };
        let said = [&[kind], &session.until.as_micros().to_be_bytes()[..], by].concat();
        hex::encode(&said) + &hex::encode(signing::mark(&self.key, &[PURPOSE, &said]).finalize().into_bytes())
    }

    /// What a cookie says, if we made it.
    fn read(&self, text: &str) -> Option<Session> {
        let bytes = hex::decode(text).ok()?;
        let (said, mark) = bytes.split_at_checked(bytes.len().checked_sub(signing::MARK)?)?;
        signing::mark(&self.key, &[PURPOSE, said]).verify_slice(mark).ok()?;
        let (kind, said) = said.split_first()?;
        let (until, by) = said.split_first_chunk()?;
        let by = match kind {
            b't' => SignedInBy::Token(UserId::from(str::from_utf8(by).ok()?)),
            b'k' => SignedInBy::Key(TokenHash::new(by.try_into().ok()?)),
            _ => return None,
        };
        Some(Session { by, until: Timestamp::from_micros(i64::from_be_bytes(*until)) })
    }
}

/// The value of a cookie that is there once; two would leave open which one counts.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn sessions(key: u8, public_url: &str) -> Sessions {
        Sessions::new(DeploymentKey::new([key; 32]), &public_url.parse().unwrap())
    }

    fn here() -> Sessions {
        sessions(7, "http://127.0.0.1:1250")
    }

    fn ada() -> SignedInBy {
        SignedInBy::Token("ada".into())
    }

    /// What a browser sends that was given this cookie, and others beside it.
    fn sent(cookie: &str) -> HeaderMap {
        let pair = cookie.split(';').next().unwrap();
        HeaderMap::from_iter([(header::COOKIE, format!("theme=dark; {pair}").parse().unwrap())])
    }

    #[test]
    fn a_session_is_known_by_every_server_of_its_deployment_and_by_no_other() {
        for by in [ada(), SignedInBy::Key(TokenHash::new([9; 32]))] {
            let headers = sent(&here().cookie(&by, None, NOW));
            assert_eq!(here().of(&headers, NOW), Some(Session { by, until: NOW + 12 * HOUR }));
            assert_eq!(sessions(8, "http://127.0.0.1:1250").of(&headers, NOW), None);
        }
    }

    #[test]
    fn a_session_ends_with_what_it_rests_on_and_after_half_a_day_at_the_latest() {
        for (rests_until, lasts) in [(Some(NOW + HOUR), HOUR), (Some(NOW + 48 * HOUR), 12 * HOUR)] {
            let cookie = here().cookie(&ada(), rests_until, NOW);
            assert!(cookie.contains(&format!("Max-Age={};", lasts.as_secs())), "{cookie}");
            let headers = sent(&cookie);
            assert!(here().of(&headers, NOW + lasts - Duration::from_micros(1)).is_some());
            assert_eq!(
                here().of(&headers, NOW + lasts),
                None,
                "the browser may keep it, we don't believe it"
            );
        }
    }

    #[test]
    fn no_script_reads_it_and_no_other_page_sends_it() {
        let plain = here().cookie(&ada(), None, NOW);
        assert!(plain.starts_with("reflector_session=") && plain.contains("; Path=/;"), "{plain}");
        assert!(plain.ends_with("; HttpOnly; SameSite=Strict"), "{plain}");
        let secure = sessions(7, "https://meet.example").cookie(&ada(), None, NOW);
        assert!(secure.starts_with("__Host-reflector_session=") && secure.ends_with("; Secure"), "{secure}");
    }

    #[test]
    fn whatever_is_changed_in_it_makes_it_nothing() {
        let cookie = here().cookie(&ada(), None, NOW);
        let pair = cookie.split(';').next().unwrap();
        let (name, text) = pair.split_once('=').unwrap();
        let of = |cookies: &[&str]| {
            let cookies = cookies.iter().map(|value| (header::COOKIE, value.parse().unwrap()));
            here().of(&HeaderMap::from_iter(cookies.collect::<Vec<_>>()), NOW)
        };
        assert!(of(&[pair]).is_some());
        for at in 0..text.len() {
            let digit = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
            let changed = format!("{name}={}{digit}{}", &text[..at], &text[at + 1..]);
            assert_eq!(of(&[&changed]), None, "digit {at}");
        }
        let cut = &pair[..pair.len() - 2];
        for bad in ["", "=", name, &format!("{name}="), &format!("{name}=ü"), cut, &format!("{pair}00")] {
            assert_eq!(of(&[bad]), None, "{bad}");
        }
        assert_eq!(of(&[pair, &format!("{name}=0")]), None, "nobody knows which one counts");
    }

    #[test]
    fn what_is_marked_for_a_participant_is_no_session() {
        let key = DeploymentKey::new([7; 32]);
        let said = [b"t", &(NOW + HOUR).as_micros().to_be_bytes()[..], b"ada"].concat();
        let mark = signing::mark(&key, &[b"participant of a meeting\0", &said]).finalize().into_bytes();
        assert_eq!(here().read(&(hex::encode(&said) + &hex::encode(mark))), None);
    }
}
