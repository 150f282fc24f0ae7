//! What a message of the queue says: bytes in, notices out. Pure.
//!
//! | envelope | how it is told |
//! | --- | --- |
//! | S3's own, also of those that look like S3 | `Records` |
//! | the test message that S3 sends when it is told of a queue | `Event` is `s3:TestEvent` |
//! | either of them in an envelope of SNS | `Type` is `Notification`, and `Message` a text |
//! | EventBridge | `detail-type` and `source` |
//!
//! Nothing is taken for understood that is not: what is none of these, or lacks what an object is told apart by, is
//! unreadable. Fields that are not needed are not looked at, so that new ones do no harm.

use reflector_core::recording::{Notice, ObjectVersion, Version};
use serde_json::Value;

use crate::key;

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The objects that it announces.
    pub notices: Vec<Notice>,
    /// How much it says that announces nothing: test messages, other events and those of other sources.
    pub others: u32,
    /// What in it cannot be read, in a line that repeats nothing of it.
    pub unreadable: Option<String>,
}

/// Reads the body of a message. Of several records each is judged alone.
pub fn read(body: &str) -> Said {
    opened(body)
        .and_then(|message| of_message(&message))
        .unwrap_or_else(|error| Said { unreadable: Some(error), ..Said::default() })
}

/// The version that S3 tells an object by: its id, else the tag of what is in it. Nothing if it has neither.
///
/// In a bucket that never kept versions the id is absent, empty or `null`, depending on who asks.
pub(crate) fn version(id: Option<&str>, tag: Option<&str>) -> Option<Version> {
    let id = id.filter(|id| !id.is_empty() && *id != "null");
    let tag = tag.map(|tag| tag.trim_matches('"')).filter(|tag| !tag.is_empty());
    id.map(|id| Version::Id(id.to_owned())).or_else(|| tag.map(|tag| Version::Tag(tag.to_owned())))
}

/// The message without SNS's envelope, if it has one.
fn opened(body: &str) -> Result<Value, String> {
    let message = json(body, "it")?;
    match message.get("Type").and_then(Value::as_str) {
        Some("Notification") => {
            let inner = text(&message, "/Message", "in SNS's envelope")?;
            json(inner, "the Message in SNS's envelope")
        }
        Some("SubscriptionConfirmation") => {
            Err("it asks whether this queue may be subscribed to a topic of \
            SNS: confirm that with the SubscribeURL in it"
                .to_owned())
        }
        _ => Ok(message),
    }
}

fn json(text: &str, what: &str) -> Result<Value, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("{what} is no JSON at line {} column {}", error.line(), error.column()))
}

fn of_message(message: &Value) -> Result<Said, String> {
    if let Some(records) = message.get("Records") {
        Ok(of_records(records.as_array().ok_or("Records is no list")?))
    } else if message.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        Ok(Said { others: 1, ..Said::default() })
    } else if message.get("detail-type").is_some() {
        let notice = of_event(message)?;
        Ok(Said {
            others: u32::from(notice.is_none()),
            notices: notice.into_iter().collect(),
            unreadable: None,
        })
    } else {
        Err("it is JSON, but no message of S3, SNS or EventBridge".to_owned())
    }
}

fn of_records(records: &[Value]) -> Said {
    // A message that announces nothing says that much.
    let mut said = Said { others: u32::from(records.is_empty()), ..Said::default() };
    let mut bad = 0_u32;
    for (number, record) in (1..).zip(records) {
        match of_record(record, number) {
            Ok(Some(notice)) => said.notices.push(notice),
            Ok(None) => said.others += 1,
            Err(error) => {
                bad += 1;
                said.unreadable.get_or_insert(error);
            }
        }
    }
    if let Some(error) = said.unreadable.as_mut().filter(|_| bad > 1) {
        error.push_str(&format!("; and {} more", bad - 1));
    }
    said
}

/// What a record of S3 announces, if it announces something.
fn of_record(record: &Value, number: usize) -> Result<Option<Notice>, String> {
    let place = format!("in record {number}");
    // Those that look like S3 call themselves `minio:s3` and the like, and its events as a configuration does.
    if !text(record, "/eventSource", &place)?.ends_with(":s3") {
        return Ok(None);
    }
    let event = text(record, "/eventName", &place)?;
    if !event.strip_prefix("s3:").unwrap_or(event).starts_with("ObjectCreated:") {
        return Ok(None);
    }
    // Another major version may mean something else by the same words; another minor one only adds to them.
    let major = record.get("eventVersion").and_then(Value::as_str).map(|version| version.split('.').next());
    if major.is_some_and(|major| major != Some("2")) {
        return Err(format!("eventVersion {place} is not 2.x, which is all that is understood"));
    }
    let bucket = text(record, "/s3/bucket/name", &place)?;
    let key = key::decode(text(record, "/s3/object/key", &place)?)
        .map_err(|error| format!("s3.object.key {place} cannot be read: {error}"))?;
    notice(bucket, key, record.pointer("/s3/object"), &place).map(Some)
}

/// What an event of EventBridge announces, if it announces something. Its keys are not encoded.
fn of_event(event: &Value) -> Result<Option<Notice>, String> {
    let place = "in EventBridge's event";
    if text(event, "/source", place)? != "aws.s3" || text(event, "/detail-type", place)? != "Object Created" {
        return Ok(None);
    }
    let bucket = text(event, "/detail/bucket/name", place)?;
    let key = text(event, "/detail/object/key", place)?.to_owned();
    notice(bucket, key, event.pointer("/detail/object"), place).map(Some)
}

/// Both envelopes tell the same of an object, in other words.
fn notice(bucket: &str, key: String, object: Option<&Value>, place: &str) -> Result<Notice, String> {
    let field = |name: &str| object?.get(name)?.as_str().filter(|text| !text.is_empty());
    let id = field("versionId").or_else(|| field("version-id"));
    let tag = field("eTag").or_else(|| field("etag"));
    // A sequencer would tell it apart as well, but not in a listing: the object would be taken in twice.
    let version =
        version(id, tag).ok_or_else(|| format!("the object {place} has neither eTag nor versionId"))?;
    let is_hex = |text: &&str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(Notice {
        object: ObjectVersion { bucket: bucket.to_owned(), key, version },
        size: object.and_then(|object| object.get("size")).and_then(Value::as_u64).unwrap_or(0),
        sequencer: field("sequencer").filter(is_hex).map(str::to_owned),
    })
}

/// A text that must be there and say something.
fn text<'a>(value: &'a Value, path: &str, place: &str) -> Result<&'a str, String> {
    let found = value.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
    found.ok_or_else(|| {
        format!("{} {place} is missing or no text", path.trim_start_matches('/').replace('/', "."))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn notice(bucket: &str, key: &str, version: Version, size: u64, sequencer: Option<&str>) -> Notice {
        let object = ObjectVersion { bucket: bucket.to_owned(), key: key.to_owned(), version };
        Notice { object, size, sequencer: sequencer.map(str::to_owned) }
    }

    fn id(text: &str) -> Version {
        Version::Id(text.to_owned())
    }

    fn tag(text: &str) -> Version {
        Version::Tag(text.to_owned())
    }

    fn announces(body: &str, notice: &Notice) {
        let expected = Said { notices: vec![notice.clone()], ..Said::default() };
        assert_eq!(read(body), expected, "{body}");
    }

    fn announces_nothing(body: &str) {
        assert_eq!(read(body), Said { others: 1, ..Said::default() }, "{body}");
    }

    fn cannot_be_read(body: &str, why: &str) {
        let said = read(body);
        assert_eq!((said.notices.as_slice(), said.others), (&[][..], 0), "{body}");
        let error = said.unreadable.unwrap_or_else(|| panic!("{body} was read"));
        assert!(error.contains(why) && !error.contains('\n'), "{body}: {error}");
    }

    /// A message with one record about an object, of which these fields are told.
    fn of_object(object: &Value) -> String {
        of_record(&json!({}), object)
    }

    fn of_record(with: &Value, object: &Value) -> String {
        let mut record = json!({
            "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "b"}, "object": object}
        });
        for (name, value) in with.as_object().unwrap() {
            record[name] = value.clone();
        }
        json!({ "Records": [record] }).to_string()
    }

    #[test]
    fn a_message_of_s3_announces_an_object_by_its_version() {
        let face = notice(
            "mybucket",
            "HappyFace.jpg",
            id("096fKKXTRTtl3on89fVO.nfljtsv6qko"),
            1024,
            Some("0055AED6DCD90281E5"),
        );
        for body in [include_str!("../fixtures/s3_put.json"), include_str!("../fixtures/sns_s3_put.json")] {
            announces(body, &face);
        }
    }

    #[test]
    fn a_message_of_one_that_looks_like_s3_is_read_in_the_same_way() {
        announces(
            include_str!("../fixtures/minio_put.json"),
            &notice(
                "recordings",
                "a folder/a-2023-10-31T13:09:35Z.mp4",
                tag("d8e8fca2dc0f896fd7cb4cb0031ba249"),
                5,
                Some("17A9AB4FA93B35D8"),
            ),
        );
        let bucket = "rec-1795340676501";
        let small = |key| notice(bucket, key, tag("484c5624910e6288fad69e572a0637f7"), 10, None);
        announces(include_str!("../fixtures/moto_put.json"), &small("plain.mp4"));
        announces(
            include_str!("../fixtures/moto_put_encoded_key.json"),
            &small("a b+c/ünïcode-日本 (1)&x=y%20.mp4"),
        );
    }

    #[test]
    fn both_messages_about_an_upload_in_parts_announce_the_same_object() {
        let tag = tag("fdd3f8f29045d7454477dd634c8cd8cb-2");
        let parts = notice("rec-1795340676501", "multi part.mp4", tag, 10_485_760, None);
        for body in [
            include_str!("../fixtures/moto_parts_put.json"),
            include_str!("../fixtures/moto_parts_complete.json"),
        ] {
            announces(body, &parts);
        }
    }

    #[test]
    fn an_event_of_event_bridge_announces_an_object_whose_key_is_not_encoded() {
        let body = include_str!("../fixtures/event_bridge_created.json");
        let version = id("IYV3p45BT0ac8hjHg1houSdS1a.Mro8e");
        let event = notice("b", "example-key", version, 5, Some("617f08299329d189"));
        announces(body, &event);

        let key = "My Room+1 100%20-2023-10-31T13:09:35Z.mp4";
        let object = ObjectVersion { key: key.to_owned(), ..event.object };
        announces(&body.replace("example-key", key), &Notice { object, ..event });
    }

    #[test]
    fn what_announces_nothing_is_counted() {
        announces_nothing(include_str!("../fixtures/s3_test_event.json"));
        announces_nothing(include_str!("../fixtures/sns_s3_test_event.json"));
        announces_nothing(include_str!("../fixtures/event_bridge_deleted.json"));
        announces_nothing(r#"{"detail-type":"EC2 Instance State-change Notification","source":"aws.ec2"}"#);
        announces_nothing(r#"{"Records":[]}"#);
        let object = json!({"key": "a", "eTag": "t"});
        for other in [
            json!({"eventName": "ObjectRemoved:Delete"}),
            json!({"eventName": "s3:ObjectRemoved:DeleteMarkerCreated"}),
            json!({"eventName": "ObjectRestore:Completed"}),
            json!({"eventName": "ObjectCreatedByNobody"}),
            json!({"eventSource": "aws:ses"}),
            json!({"eventSource": "aws:s3express"}),
            json!({"eventName": "LifecycleExpiration:Delete", "eventVersion": "3.0"}),
        ] {
            announces_nothing(&of_record(&other, &object));
        }
    }

    #[test]
    fn each_of_several_records_is_judged_alone() {
        let said = read(include_str!("../fixtures/several_records.json"));
        let good =
            [notice("b", "first.mp4", tag("t-1"), 1, None), notice("b", "last.mp4", tag("t-6"), 6, None)];
        assert_eq!((said.notices.as_slice(), said.others), (good.as_slice(), 2));
        let error = said.unreadable.unwrap();
        assert_eq!(error, "s3.object.key in record 3 is missing or no text; and 1 more");
    }

    #[test]
    fn an_object_is_told_apart_by_its_version_or_else_by_its_tag() {
        for (object, version) in [
            (json!({"key": "a", "eTag": "t", "versionId": "v"}), id("v")),
            (json!({"key": "a", "versionId": "v"}), id("v")),
            (json!({"key": "a", "eTag": "t", "versionId": "null"}), tag("t")),
            (json!({"key": "a", "eTag": "t", "versionId": ""}), tag("t")),
            (json!({"key": "a", "eTag": "t", "versionId": null}), tag("t")),
            (json!({"key": "a", "eTag": "\"t\""}), tag("t")),
        ] {
            announces(&of_object(&object), &notice("b", "a", version, 0, None));
        }
        // By a sequencer alone a listing would not find it.
        for object in [
            json!({"key": "a", "sequencer": "0055AED6DCD90281E5"}),
            json!({"key": "a", "eTag": "\"\"", "versionId": "null"}),
            json!({"key": "a", "eTag": 5}),
        ] {
            cannot_be_read(&of_object(&object), "the object in record 1 has neither eTag nor versionId");
        }
    }

    #[test]
    fn what_is_not_needed_may_be_missing_or_strange() {
        for object in [
            json!({"key": "a", "eTag": "t"}),
            json!({"key": "a", "eTag": "t", "size": null, "sequencer": ""}),
            json!({"key": "a", "eTag": "t", "size": -1, "sequencer": 7}),
            json!({"key": "a", "eTag": "t", "size": "5", "sequencer": "not a number", "new": {"x": 1}}),
        ] {
            announces(&of_object(&object), &notice("b", "a", tag("t"), 0, None));
        }
        let object = json!({"key": "a", "eTag": "t"});
        for with in
            [json!({"eventVersion": "2.9"}), json!({"eventVersion": null}), json!({"eventTime": "soon"})]
        {
            announces(&of_record(&with, &object), &notice("b", "a", tag("t"), 0, None));
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_by_its_place_and_not_repeated() {
        let object = json!({"key": "hunter2", "eTag": "t"});
        for (with, object, why) in [
            (json!({"eventSource": null}), &object, "eventSource in record 1 is missing or no text"),
            (json!({"eventName": 5}), &object, "eventName in record 1 is missing"),
            (json!({"eventVersion": "3.0"}), &object, "eventVersion in record 1 is not 2.x"),
            (json!({"s3": {"object": object}}), &object, "s3.bucket.name in record 1 is missing"),
            (json!({"s3": null}), &object, "s3.bucket.name in record 1 is missing"),
            (json!({}), &json!({"key": "", "eTag": "hunter2"}), "s3.object.key in record 1 is missing"),
            (json!({}), &json!({"key": "hunter2%", "eTag": "t"}), "at byte 7 has no two hexadecimal digits"),
            (json!({}), &json!({"key": "hunter2%FF", "eTag": "t"}), "not UTF-8"),
        ] {
            let body = of_record(&with, object);
            cannot_be_read(&body, why);
            assert!(!read(&body).unreadable.unwrap().contains("hunter2"), "{body}");
        }
        for event in [
            r#"{"detail-type":"Object Created"}"#,
            r#"{"detail-type":5,"source":"aws.s3"}"#,
            r#"{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":"b"}}}"#,
        ] {
            cannot_be_read(event, "in EventBridge's event is missing or no text");
        }
    }

    #[test]
    fn what_is_no_such_message_is_not_taken_for_one() {
        for body in ["", "hello", "{", "{\"Records\":[", "\u{feff}{}", &"[".repeat(1_000)] {
            cannot_be_read(body, "it is no JSON at line");
        }
        for body in
            ["null", "5", "\"Records\"", "[]", "{}", r#"{"hello":"world"}"#, r#"{"Event":"s3:Other"}"#]
        {
            cannot_be_read(body, "no message of S3, SNS or EventBridge");
        }
        cannot_be_read(r#"{"Records":{}}"#, "Records is no list");
        cannot_be_read(r#"{"Records":null}"#, "Records is no list");
        cannot_be_read(r#"{"Records":[5]}"#, "in record 1");
    }

    #[test]
    fn sns_may_hold_what_is_no_message_either() {
        let holding = |message: Value| json!({"Type": "Notification", "Message": message}).to_string();
        cannot_be_read(&holding(json!(null)), "Message in SNS's envelope is missing");
        cannot_be_read(&holding(json!("hello")), "the Message in SNS's envelope is no JSON");
        cannot_be_read(&holding(json!("{}")), "no message of S3, SNS or EventBridge");
        cannot_be_read(&holding(json!(holding(json!("{}")))), "no message of S3, SNS or EventBridge");
        // It would never come again if it were taken for nothing.
        cannot_be_read(include_str!("../fixtures/sns_subscription_confirmation.json"), "SubscribeURL");
    }
}
