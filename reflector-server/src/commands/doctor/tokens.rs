//! What callers' tokens are verified with.

use super::Finding;
use crate::config::{Auth, Config, JwtKeys};
use crate::identity::usable_keys;

const CHECK: &str = "tokens";

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let Auth::Jwt(settings) = &config.auth else {
        return vec![Finding::ok(CHECK, "nobody is asked who they are: REFLECTOR_AUTH is none")];
    };
    if let JwtKeys::Secret(_) = settings.keys {
        return vec![Finding::ok(CHECK, "they are verified with REFLECTOR_JWT_SECRET")];
    }
    vec![match usable_keys(&settings.keys).await {
        Ok(keys) => Finding::ok(CHECK, format!("the keys can be had, and {keys} of them can be used")),
        Err(error) => Finding::fail(CHECK, error.to_string()),
    }]
}
