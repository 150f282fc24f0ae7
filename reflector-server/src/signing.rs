//! Marks that only this deployment can make.

use hmac::{Hmac, KeyInit, Mac};
use reflector_core::store::DeploymentKey;
use sha2::Sha256;

/// How many bytes a mark has.
pub(crate) const MARK: usize = 32;

/// The mark of these parts, one after the other. The first says what the mark is for, and ends with a zero: what is marked
/// for one thing is worth nothing for another.
pub(crate) fn mark(key: &DeploymentKey, parts: &[&[u8]]) -> Hmac<Sha256> {
    // A key that is shorter than a block counts as if zeros followed.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key.expose());
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(part);
    }
    mac
}
