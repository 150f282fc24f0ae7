//! A schema in words, as the page has it.

use std::fmt::Write as _;

use serde_json::Value;

use super::pieces::{code, fields, inline, items, word};
use crate::builtin::escaped;

/// All there is to say of a named schema: its fields in a table, or what it is.
pub(super) fn described(schema: &Value) -> String {
    if let Some(parts) = schema["allOf"].as_array() {
        return parts.iter().map(described).collect();
    }
    if schema["properties"].as_object().is_none_or(serde_json::Map::is_empty) {
        return format!("<p>{}</p>", type_of(schema));
    }
    let mut rows = String::new();
    for (name, field) in fields(&schema["properties"]) {
        let required = items(&schema["required"]).any(|one| one == name);
        let optional = if required { "" } else { " <i>optional</i>" };
        let says = field["description"]
            .as_str()
            .or_else(|| items(&field["oneOf"]).find_map(|one| one["description"].as_str()));
        let _ = write!(
            rows,
            "<tr><th>{}{optional}</th><td>{}</td><td>{}</td></tr>",
            code(name),
            type_of(field),
            inline(says.unwrap_or_default()),
        );
    }
    format!("<table>{rows}</table>")
}

/// What a value is, in a few words.
pub(super) fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|place| place.rsplit('/').next()) {
        return format!("<a href=\"#schema-{0}\">{0}</a>", escaped(name));
    }
    if schema["enum"].is_array() {
        return items(&schema["enum"]).map(|one| code(word(one))).collect::<Vec<_>>().join(" ");
    }
    for choice in ["oneOf", "anyOf"] {
        if schema[choice].is_array() {
            return items(&schema[choice]).map(type_of).collect::<Vec<_>>().join(" or ");
        }
    }
    let names: Vec<_> = match &schema["type"] {
        Value::String(name) => vec![named(name, schema)],
        Value::Array(names) => names.iter().map(|name| named(word(name), schema)).collect(),
        _ => vec!["anything".to_owned()],
    };
    format!("{}{}", names.join(" or "), bounds(schema))
}

fn named(name: &str, schema: &Value) -> String {
    match (name, schema["format"].as_str()) {
        ("array", _) => format!("list of {}", type_of(&schema["items"])),
        ("object", _) if schema["additionalProperties"].is_object() => {
            format!("object of {}", type_of(&schema["additionalProperties"]))
        }
        ("string", Some(format)) => escaped(format),
        (name, _) => escaped(name),
    }
}

fn bounds(schema: &Value) -> String {
    let bound = |name: &str| schema.get(name).map(|value| escaped(&value.to_string()));
    let mut said = Vec::new();
    for (least, most, what) in [("minimum", "maximum", ""), ("minLength", "maxLength", " characters")] {
        said.extend(match (bound(least), bound(most)) {
            (Some(least), Some(most)) => Some(format!("{least} to {most}{what}")),
            (Some(least), None) => Some(format!("{least} or more{what}")),
            (None, Some(most)) => Some(format!("up to {most}{what}")),
            (None, None) => None,
        });
    }
    said.extend(schema["pattern"].as_str().map(code));
    if said.is_empty() { String::new() } else { format!(", {}", said.join(", ")) }
}
