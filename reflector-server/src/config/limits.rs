//! How many connections there may be, and how much is too much.

use std::num::NonZeroU32;

use super::values::Values;
use super::{Bounds, ConfigError, LimitSettings};
use crate::connections::default_bound;

const CONNECTIONS: &str = "REFLECTOR_CONNECTIONS";
const PER_ADDRESS: &str = "REFLECTOR_CONNECTIONS_PER_ADDRESS";
/// An office, or a network of phones, comes from one address.
const PART_OF_AN_ADDRESS: usize = 4;

impl Values {
    pub(super) fn connections(&self) -> Result<Bounds, ConfigError> {
        let all = self.above_zero(CONNECTIONS)?.unwrap_or_else(default_bound);
        let per_address = self.above_zero(PER_ADDRESS)?;
        let per_address = per_address.unwrap_or_else(|| all.div_ceil(PART_OF_AN_ADDRESS));
        Ok(Bounds { all, per_address, proxies: self.trusted_proxies()? })
    }

    fn above_zero(&self, name: &'static str) -> Result<Option<usize>, ConfigError> {
        match self.text(name) {
            "" => Ok(None),
            text => match text.parse() {
                Ok(0) | Err(_) => Err(self.wrong(name, "use a number above 0, such as 1000")),
                Ok(number) => Ok(Some(number)),
            },
        }
    }

    pub(super) fn limits(&self) -> Result<LimitSettings, ConfigError> {
        let often = |name| self.parse::<NonZeroU32>(name, "use a number above 0, such as 100");
        Ok(LimitSettings {
            guest_calls: often("REFLECTOR_GUEST_CALLS_PER_MINUTE")?,
            meetings: often("REFLECTOR_MEETINGS_PER_MINUTE")?,
        })
    }
}
