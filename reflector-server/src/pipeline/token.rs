//! The tokens that joining gives to participants: their answers are known by them, and nobody else can make one.

use hmac::{Hmac, Mac};
use reflector_core::MeetingId;
use reflector_core::store::DeploymentKey;
use sha2::Sha256;

use crate::signing;

/// What is signed is for this alone.
const PURPOSE: &[u8] = b"participant of a meeting\0";
/// How many characters the mark at a token's end has.
const MARK: usize = 2 * signing::MARK;

/// Makes and knows participants' tokens.
#[derive(Clone, Debug)]
pub(crate) struct ParticipantTokens {
    key: DeploymentKey,
}

impl ParticipantTokens {
    pub(crate) fn new(key: DeploymentKey) -> Self {
        Self { key }
    }

    /// A new token for a participant of this meeting.
    pub(crate) fn issue(&self, meeting: MeetingId) -> String {
        let secret = crate::clock::new_secret();
        let mark = hex::encode(self.mark(meeting, &secret).finalize().into_bytes());
        secret + &mark
    }

    /// Whether this token was given to a participant of this meeting, in whatever time it takes to tell, always the same.
    pub(crate) fn are_of(&self, meeting: MeetingId, token: &str) -> bool {
        let Some((secret, mark)) = token.len().checked_sub(MARK).and_then(|at| token.split_at_checked(at))
        else {
            return false;
        };
        hex::decode(mark).is_ok_and(|mark| self.mark(meeting, secret).verify_slice(&mark).is_ok())
    }

    fn mark(&self, meeting: MeetingId, secret: &str) -> Hmac<Sha256> {
        signing::mark(&self.key, &[PURPOSE, meeting.0.as_bytes(), secret.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_token_is_of_its_meeting_and_deployment_alone() {
        let tokens = ParticipantTokens::new(DeploymentKey::new([7; 32]));
        let (ours, another) = (MeetingId(Uuid::from_u128(1)), MeetingId(Uuid::from_u128(2)));
        let token = tokens.issue(ours);
        assert!(tokens.are_of(ours, &token));
        assert!(!tokens.are_of(another, &token));
        assert!(!ParticipantTokens::new(DeploymentKey::new([8; 32])).are_of(ours, &token));
        assert_ne!(token, tokens.issue(ours), "each participant has one of their own");
    }

    #[test]
    fn what_is_no_token_is_none() {
        let tokens = ParticipantTokens::new(DeploymentKey::new([7; 32]));
        let meeting = MeetingId(Uuid::from_u128(1));
        let token = tokens.issue(meeting);
        let cut = &token[1..];
        for bad in ["", "a", "ü", &"ü".repeat(40), &"f".repeat(64), cut, &format!("{token}0")] {
            assert!(!tokens.are_of(meeting, bad), "{bad}");
        }
    }
}
