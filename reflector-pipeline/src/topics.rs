//! `topics` and `title`: what a meeting was about.

use reflector_core::pipeline::{Progress, StageError};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::chat::{Chat, Question};
use crate::offset::Offset;
use crate::parts::Part;

/// How many topics a part may have, and how long what is said of each.
const TOPICS: usize = 15;
const TITLE: usize = 120;
const SUMMARY: usize = 800;

/// What was talked about for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// In a few words.
    pub title: String,
    /// In a sentence or two.
    pub summary: String,
    /// From when on.
    pub start: Offset,
}

/// What was talked about, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topics {
    /// The topics.
    pub topics: Vec<Topic>,
}

/// What a meeting is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Title {
    /// The title.
    pub title: String,
}

/// Asks for the topics of each part.
pub(crate) async fn topics(
    chat: &Chat,
    parts: &[Part],
    progress: &dyn Progress,
) -> Result<Topics, StageError> {
    let mut all = Topics::default();
    for (number, part) in parts.iter().enumerate() {
        progress.is_at(number as u64, parts.len() as u64);
        let question = Question {
            task: format!(
                "Name the topics that are talked about, in order: each with a title of a few words, a summary of a \
                 sentence or two, and as its start the number in brackets of the line with which it begins. There \
                 are {TOPICS} at the most, and none for small talk alone."
            ),
            material: &part.text,
            name: "topics",
            schema: schema(),
        };
        let mut some: Topics = chat.ask(&question, |topics| check(topics, part)).await?;
        some.topics.sort_by_key(|topic| topic.start);
        for topic in some.topics {
            // What goes on across the end of a part is one topic.
            if all.topics.last().is_none_or(|last| last.title != topic.title) {
                all.topics.push(topic);
            }
        }
    }
    progress.is_at(parts.len() as u64, parts.len() as u64);
    Ok(all)
}

fn schema() -> serde_json::Value {
    let topic = json!({
        "type": "object",
        "properties": {
            "title": { "type": "string" }, "summary": { "type": "string" }, "start": { "type": "number" },
        },
        "required": ["title", "summary", "start"],
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "properties": { "topics": { "type": "array", "items": topic } },
        "required": ["topics"],
        "additionalProperties": false,
    })
}

fn check(topics: &Topics, part: &Part) -> Result<(), String> {
    if topics.topics.len() > TOPICS {
        return Err(format!("there are more than {TOPICS} topics"));
    }
    // The numbers in brackets are whole seconds.
    let (from, to) = (part.from.millis() / 1_000, part.to.millis() / 1_000);
    for Topic { title, summary, start } in &topics.topics {
        fits("a title", title, TITLE)?;
        fits("a summary", summary, SUMMARY)?;
        if !(from..=to).contains(&(start.millis() / 1_000)) {
            return Err(format!(
                "the topic \"{title}\" starts outside of the lines, which are from {from} to {to}"
            ));
        }
    }
    Ok(())
}

/// Asks for a title, by the topics if there are some, else by the beginning of the text.
pub(crate) async fn title(
    chat: &Chat,
    topics: &Topics,
    beginning: &Part,
    most: usize,
) -> Result<Title, StageError> {
    let long: String =
        topics.topics.iter().map(|topic| format!("{}: {}\n", topic.title, topic.summary)).collect();
    let short: String = topics.topics.iter().map(|topic| format!("{}\n", topic.title)).collect();
    let material = match (long.chars().count(), short.chars().count()) {
        (0, _) => beginning.text.clone(),
        (long_length, _) if long_length <= most => long,
        // A meeting of a day has more titles than fit: those it begins with.
        _ => short.chars().take(most).collect(),
    };
    let question = Question {
        task: "Find a title for the meeting that says what it was about, in at most ten words.".to_owned(),
        material: &material,
        name: "title",
        schema: json!({
            "type": "object",
            "properties": { "title": { "type": "string" } },
            "required": ["title"],
            "additionalProperties": false,
        }),
    };
    let Title { title } = chat.ask(&question, |title: &Title| fits("the title", &title.title, TITLE)).await?;
    Ok(Title { title: title.trim().to_owned() })
}

/// Whether a text says something, and not too much.
pub(crate) fn fits(what: &str, text: &str, most: usize) -> Result<(), String> {
    match text.trim().chars().count() {
        0 => Err(format!("{what} is empty")),
        length if length > most => Err(format!("{what} has {length} characters, and may have {most}")),
        _ => Ok(()),
    }
}
