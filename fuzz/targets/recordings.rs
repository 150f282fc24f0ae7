//! What a queue says of recordings: whatever stands there, it is read, counted or told to be unreadable, and no key is
//! guessed at.

use reflector_aws::{key, notice};
use reflector_core::recording::{Notice, Version};
use serde_json::json;

/// A message of the queue.
pub fn s3_notice(input: &[u8]) {
    let body = String::from_utf8_lossy(input);
    let said = notice::read(&body);
    assert_eq!(said, notice::read(&body));
    assert!(
        !said.notices.is_empty() || said.others > 0 || said.unreadable.is_some(),
        "{body:?} is taken for understood and says nothing"
    );
    said.notices.iter().for_each(is_sound);
    if let Some(error) = &said.unreadable {
        assert!(!error.contains(['\n', '\r']) && error.len() < 200, "{error:?} is more than a line");
    }
    // An envelope of SNS around it says the same, but one within another is unreadable.
    let wrapped = notice::read(&json!({"Type": "Notification", "Message": body}).to_string());
    if said.unreadable.is_none() && wrapped.unreadable.is_none() {
        assert_eq!(said, wrapped);
    }
}

fn is_sound(notice: &Notice) {
    let object = &notice.object;
    assert!(!object.bucket.is_empty(), "{notice:?}");
    let version = object.version.as_str();
    assert!(!version.is_empty(), "{notice:?}");
    match &object.version {
        Version::Id(id) => assert_ne!(id, "null"),
        Version::Tag(tag) => assert!(!tag.starts_with('"') && !tag.ends_with('"'), "{notice:?}"),
    }
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(notice.sequencer.as_deref().is_none_or(hex), "{notice:?}");
}

/// A key, encoded or not.
pub fn object_key(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    assert_eq!(key::decode(&encoded(&text)).as_deref(), Ok(&*text), "it was encoded");
    match key::decode(&text) {
        Ok(key) => assert_eq!(key::decode(&encoded(&key)), Ok(key)),
        Err(refused) => {
            assert!(text.contains('%'), "{text:?} has nothing to be refused for");
            assert!(!refused.to_string().contains('\n'), "{refused}");
        }
    }
}

/// As S3 writes a key.
fn encoded(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte);
    let encoded = key.bytes().map(|byte| match byte {
        b' ' => "+".to_owned(),
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}
