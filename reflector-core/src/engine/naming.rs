//! What a meeting's room is called at a provider: the deployment's name, the meeting's id, and which of its rooms.
//!
//! The name leads back to the meeting without a look-up, a message that overtakes our own commit finds its meeting,
//! and a room of another deployment is never taken for ours.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::ids::MeetingId;

/// The name that begins every room made at a provider: 1 to 10 lower-case letters and digits.
///
/// Ten, because Whereby takes 39 characters for the beginning of a name, and an id and two dashes want the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment(String);

/// The text cannot be a deployment's name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("use 1 to 10 lower-case letters and digits")]
pub struct NotADeployment;

impl FromStr for Deployment {
    type Err = NotADeployment;
    fn from_str(text: &str) -> Result<Self, NotADeployment> {
        let known = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if known && (1..=10).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err(NotADeployment) }
    }
}

impl fmt::Display for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Crockford's alphabet in lower case: five bits a character, none that is mistaken for another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ID_LENGTH: usize = 26;

impl Deployment {
    /// What the names of all its rooms begin with.
    pub fn prefix(&self) -> String {
        format!("{}-", self.0)
    }

    /// What the name of one of a meeting's rooms begins with; no other room's does.
    pub fn room(&self, meeting: MeetingId, generation: u16) -> String {
        let mut name = self.prefix();
        let bits = meeting.0.as_u128();
        for place in (0..ID_LENGTH).rev() {
            name.push(letter(bits >> (5 * place)));
        }
        name.push(letter(u128::from(generation)));
        name.push('-');
        name
    }

    /// Whose room a name is, and which; nothing if it is none of ours.
    ///
    /// Of the generation five bits are in the name: a meeting has fewer rooms than that.
    pub fn meeting_of(&self, name: &str) -> Option<(MeetingId, u16)> {
        let coded = name.strip_prefix(&self.0)?.strip_prefix('-')?;
        let (coded, rest) = coded.split_at_checked(ID_LENGTH + 1)?;
        if !(rest.is_empty() || rest.starts_with('-')) {
            return None;
        }
        let mut values = coded.bytes().map(|byte| ALPHABET.iter().position(|known| *known == byte));
        let mut bits: u128 = 0;
        for place in 0..ID_LENGTH {
            let value = values.next()?? as u128;
            if place == 0 && value > 7 {
                return None;
            }
            bits = bits << 5 | value;
        }
        let generation = values.next()?? as u16;
        Some((MeetingId(Uuid::from_u128(bits)), generation))
    }
}

fn letter(bits: u128) -> char {
    char::from(ALPHABET[(bits & 31) as usize])
}

/// Whether a generation read from a name is this one.
pub(super) fn same_generation(read: u16, generation: u16) -> bool {
    read == generation & 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reflector() -> Deployment {
        "reflector".parse().unwrap()
    }

    #[test]
    fn one_to_ten_lower_case_letters_and_digits_name_a_deployment_and_nothing_else_does() {
        for name in ["a", "7", "reflector2"] {
            assert_eq!(
                name.parse::<Deployment>().map(|deployment| deployment.to_string()),
                Ok(name.to_owned())
            );
        }
        for name in ["", "reflectors2", "Staging", "my-team", "équipe"] {
            assert_eq!(name.parse::<Deployment>(), Err(NotADeployment), "{name}");
        }
    }

    #[test]
    fn a_name_leads_back_to_its_meeting() {
        for (id, generation) in [(0, 0), (u128::MAX, 31), (0x0190_a5c2_6e9c_7b7e_8d3e_0123_4567_89ab, 3)] {
            let meeting = MeetingId(Uuid::from_u128(id));
            let name = reflector().room(meeting, generation);
            assert!(name.len() <= 39, "{name}");
            assert_eq!(reflector().meeting_of(&name), Some((meeting, generation)));
            assert_eq!(reflector().meeting_of(&format!("{name}0b1fbe30-2346")), Some((meeting, generation)));
            assert_eq!(reflector().meeting_of(name.trim_end_matches('-')), Some((meeting, generation)));
        }
    }

    #[test]
    fn a_name_of_another_deployment_is_not_ours() {
        let staging: Deployment = "staging".parse().unwrap();
        let name = staging.room(MeetingId(Uuid::from_u128(7)), 0);
        assert_eq!(reflector().meeting_of(&name), None);
        for none in [
            "",
            "reflector-",
            "reflector-standup",
            "reflector-zzzzzzzzzzzzzzzzzzzzzzzzzzz-",
            "reflector-üüüüüüüüüüüüüüüü",
        ] {
            assert_eq!(reflector().meeting_of(none), None, "{none}");
        }
    }

    #[test]
    fn the_names_of_two_rooms_of_a_meeting_do_not_begin_alike() {
        let meeting = MeetingId(Uuid::from_u128(7));
        assert!(!reflector().room(meeting, 1).starts_with(&reflector().room(meeting, 0)));
    }
}
