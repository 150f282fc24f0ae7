//! `final-summaries`: who took part, what it came to, and what is to be done.

use std::collections::BTreeSet;

use reflector_core::pipeline::{Progress, StageError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::chat::{Chat, Question};
use crate::parts::{Part, cut};
use crate::topics::fits;

/// How long summaries may be, and how many things there may be to do or people to name.
const SHORT: usize = 600;
const LONG: usize = 6_000;
const MANY: usize = 100;

/// What a meeting came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summaries {
    /// Who took part, by the names that are said in it.
    pub participants: Vec<String>,
    /// In a few sentences.
    pub short_summary: String,
    /// In some paragraphs.
    pub long_summary: String,
    /// What is to be done.
    pub action_items: Vec<ActionItem>,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionItem {
    /// What.
    pub task: String,
    /// By whom, if that was said.
    pub owner: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Participants {
    participants: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Notes {
    notes: String,
}

#[derive(Debug, Deserialize)]
struct Final {
    short_summary: String,
    long_summary: String,
    action_items: Vec<ActionItem>,
}

/// Asks who took part, then, of what fits into one question, for everything else.
pub(crate) async fn summaries(
    chat: &Chat,
    parts: &[Part],
    most: usize,
    progress: &dyn Progress,
) -> Result<Summaries, StageError> {
    let mut steps = Steps { progress, done: 0, of: steps(parts.len()) };
    let participants = participants(chat, parts, &mut steps).await?;
    let texts: Vec<_> = parts.iter().map(|part| part.text.clone()).collect();
    let material = reduced(chat, texts, most, &mut steps).await?;
    let who = if participants.is_empty() { "not named".to_owned() } else { participants.join(", ") };
    let question = Question {
        task: format!(
            "Participants: {who}. Write a short summary of the meeting in two or three sentences; a long summary in \
             some paragraphs, with what was discussed and decided; and as action items what somebody is to do, each \
             with its owner, or null if nobody was named."
        ),
        material: &material,
        name: "summaries",
        schema: schema(),
    };
    let check = |last: &Final| {
        fits("the short summary", &last.short_summary, SHORT)?;
        fits("the long summary", &last.long_summary, LONG)?;
        if last.action_items.len() > MANY {
            return Err(format!("there are more than {MANY} action items"));
        }
        last.action_items.iter().try_for_each(|item| fits("the task of an action item", &item.task, SHORT))
    };
    let Final { short_summary, long_summary, action_items } = chat.ask(&question, check).await?;
    steps.one_more();
    Ok(Summaries { participants, short_summary, long_summary, action_items })
}

/// How many questions there are, as far as that can be told before.
fn steps(parts: usize) -> u64 {
    let notes = if parts > 1 { parts } else { 0 };
    (parts + notes + 1) as u64
}

/// How many questions were answered.
struct Steps<'a> {
    progress: &'a dyn Progress,
    done: u64,
    of: u64,
}

impl Steps<'_> {
    fn one_more(&mut self) {
        self.done += 1;
        self.of = self.of.max(self.done);
        self.progress.is_at(self.done, self.of);
    }
}

/// Who took part: each part is asked, and only names that are said in it count.
async fn participants(chat: &Chat, parts: &[Part], steps: &mut Steps<'_>) -> Result<Vec<String>, StageError> {
    let (mut names, mut known) = (Vec::new(), BTreeSet::new());
    for part in parts {
        let question = Question {
            task: "Name the people who take part in the meeting, as far as their names are said in it. Leave out \
                   those who are only talked about."
                .to_owned(),
            material: &part.text,
            name: "participants",
            schema: json!({
                "type": "object",
                "properties": { "participants": { "type": "array", "items": { "type": "string" } } },
                "required": ["participants"],
                "additionalProperties": false,
            }),
        };
        let said = part.text.to_lowercase();
        let check = |answer: &Participants| named(&answer.participants, &said);
        let answer: Participants = chat.ask(&question, check).await?;
        let new = answer
            .participants
            .iter()
            .map(|name| name.trim())
            .filter(|name| known.insert(name.to_lowercase()));
        names.extend(new.map(str::to_owned));
        steps.one_more();
    }
    Ok(names)
}

/// Whether each name, or a part of it, is said.
fn named(names: &[String], said: &str) -> Result<(), String> {
    if names.len() > MANY {
        return Err(format!("there are more than {MANY} participants"));
    }
    for name in names {
        fits("a name", name, SHORT)?;
        if !name.to_lowercase().split_whitespace().any(|word| said.contains(word)) {
            return Err(format!("\"{name}\" is not said in the transcript"));
        }
    }
    Ok(())
}

/// Texts as one that fits into one question: if they don't, notes are taken of each, and if these don't, of these.
async fn reduced(
    chat: &Chat,
    mut texts: Vec<String>,
    most: usize,
    steps: &mut Steps<'_>,
) -> Result<String, StageError> {
    // A note is a quarter of what it is taken of at the most, so this comes to an end.
    let note = most / 4;
    while texts.len() > 1 {
        let mut notes = String::new();
        for text in &texts {
            let question = Question {
                task: format!(
                    "Take notes of this part of the meeting, in at most {} words: what is discussed, what is \
                     decided, and who is to do what.",
                    note / 8
                ),
                material: text,
                name: "notes",
                schema: json!({
                    "type": "object",
                    "properties": { "notes": { "type": "string" } },
                    "required": ["notes"],
                    "additionalProperties": false,
                }),
            };
            let answer: Notes =
                chat.ask(&question, |notes: &Notes| fits("the notes", &notes.notes, note)).await?;
            notes.push_str(answer.notes.trim());
            notes.push('\n');
            steps.one_more();
        }
        texts = if notes.chars().count() <= most { vec![notes] } else { cut(&notes, most) };
    }
    Ok(texts.pop().unwrap_or_default())
}

fn schema() -> Value {
    let item = json!({
        "type": "object",
        "properties": { "task": { "type": "string" }, "owner": { "type": ["string", "null"] } },
        "required": ["task", "owner"],
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "properties": {
            "short_summary": { "type": "string" },
            "long_summary": { "type": "string" },
            "action_items": { "type": "array", "items": item },
        },
        "required": ["short_summary", "long_summary", "action_items"],
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_said_count() {
        let said = "[0] hello ada, this is bob.\n";
        let names =
            |names: &[&str]| named(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>(), said);
        assert!(names(&[]).is_ok() && names(&["Ada Lovelace", "Bob"]).is_ok());
        assert!(names(&["Eve"]).unwrap_err().contains("Eve"));
        assert!(names(&[" "]).is_err());
    }
}
