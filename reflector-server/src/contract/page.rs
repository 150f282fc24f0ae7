//! The document as a page for people: made here, so that it needs no script, no other server and no build.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::METHODS;
use super::pieces::{code, fields, inline, items, word};
use super::schema::{described, type_of};
use crate::builtin::escaped;

const PAGE: &str = include_str!("../web/docs.html");

/// The page. What it shows does not change while the process runs.
pub(super) fn html() -> &'static str {
    static HTML: LazyLock<String> = LazyLock::new(|| {
        let document = serde_json::from_str(super::text()).unwrap_or_default();
        Page(&document).html()
    });
    &HTML
}

/// A page of this document.
struct Page<'a>(&'a Value);

/// A route: its path, its method, and what the document says of it.
type Route<'a> = (&'a str, &'a str, &'a Value);

impl<'a> Page<'a> {
    fn html(&self) -> String {
        let tags: Vec<_> = items(&self.0["tags"]).collect();
        let contents: String = tags.iter().map(|tag| self.contents_of(word(&tag["name"]))).collect();
        let chapters: String = tags.iter().map(|tag| self.chapter(tag)).collect();
        PAGE.replace("{{title}}", &escaped(word(&self.0["info"]["title"])))
            .replace("{{version}}", &escaped(word(&self.0["info"]["version"])))
            .replace("{{about}}", &paragraphs(word(&self.0["info"]["description"])))
            .replace("{{contents}}", &contents)
            .replace("{{chapters}}", &chapters)
            .replace("{{refusals}}", &self.refusals())
            .replace("{{schemas}}", &self.schemas())
    }

    /// Every route of a chapter, in the order of their paths.
    fn routes_of(&self, tag: &str) -> impl Iterator<Item = Route<'a>> {
        let all = fields(&self.0["paths"]).flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| Some((path, *method, item.get(*method)?)))
        });
        all.filter(move |(_, _, route)| items(&route["tags"]).any(|one| one == tag))
    }

    fn contents_of(&self, tag: &str) -> String {
        let mut list = format!("<li><a href=\"#{0}\">{0}</a><ul>", escaped(tag));
        for (path, method, route) in self.routes_of(tag) {
            let id = escaped(word(&route["operationId"]));
            let _ = write!(list, "<li><a href=\"#{id}\">{} {}</a></li>", badge(method), escaped(path));
        }
        list + "</ul></li>"
    }

    fn chapter(&self, tag: &Value) -> String {
        let name = word(&tag["name"]);
        let routes: String = self.routes_of(name).map(|route| self.route(route)).collect();
        format!("<section><h2 id=\"{0}\">{0}</h2>{1}{routes}</section>", escaped(name), says(tag))
    }

    fn route(&self, (path, method, route): Route<'_>) -> String {
        let id = escaped(word(&route["operationId"]));
        let head = format!("<h3>{} <code>{}</code></h3>", badge(method), escaped(path));
        let summary = escaped(word(&route["summary"]));
        let mut text = format!("<article id=\"{id}\">{head}<p>{summary}.</p>{}", says(route));
        text += self.who(route);
        text += &parameters(&route["parameters"]);
        text += &self.body(&route["requestBody"]);
        text += &answers(&route["responses"]);
        text + "</article>"
    }

    /// Who may call.
    fn who(&self, route: &Value) -> &'static str {
        let schemes = route.get("security").unwrap_or(&self.0["security"]);
        match items(schemes).next() {
            None => "<p class=\"who\">Nobody is asked who they are.</p>",
            Some(first) if first.as_object().is_some_and(Map::is_empty) => {
                "<p class=\"who\">Also for those who do not say who they are.</p>"
            }
            Some(_) => "",
        }
    }

    fn body(&self, body: &Value) -> String {
        let Some((kind, content)) = fields(&body["content"]).next() else { return String::new() };
        let required = if body["required"] == true { "" } else { ", or nothing" };
        let schema = &content["schema"];
        let mut text =
            format!("<h4>Body</h4><p><code>{}</code>: {}{required}</p>", escaped(kind), type_of(schema));
        if let Some(example) = word(&schema["$ref"]).rsplit('/').next().and_then(|name| self.example_of(name))
        {
            text += &example;
        }
        text
    }

    fn example_of(&self, name: &str) -> Option<String> {
        let schema = &self.0["components"]["schemas"][name];
        items(&schema["examples"]).next().map(example)
    }

    /// The refusals that routes share, by their status.
    fn refusals(&self) -> String {
        let mut rows = BTreeMap::new();
        for (name, answer) in fields(&self.0["components"]["responses"]) {
            let problem = &answer["content"]["application/problem+json"]["example"];
            let headers: Vec<_> = fields(&answer["headers"]).map(|(name, _)| code(name)).collect();
            let with =
                if headers.is_empty() { String::new() } else { format!(" With {}.", headers.join(", ")) };
            let (name, status) = (escaped(name), escaped(&problem["status"].to_string()));
            let says = inline(word(&answer["description"]));
            let row = format!("<tr id=\"{name}\"><th>{status}</th><td>{says}.{with}</td></tr>");
            rows.insert((status, name), row);
        }
        format!("<table class=\"refusals\">{}</table>", rows.into_values().collect::<String>())
    }

    fn schemas(&self) -> String {
        let mut text = String::new();
        for (name, schema) in fields(&self.0["components"]["schemas"]) {
            let name = escaped(name);
            let _ = write!(text, "<article id=\"schema-{name}\"><h3>{name}</h3>{}", says(schema));
            text += &described(schema);
            text += &items(&schema["examples"]).next().map(example).unwrap_or_default();
            text += "</article>";
        }
        text
    }
}

fn parameters(parameters: &Value) -> String {
    let mut rows = String::new();
    for one in items(parameters) {
        let usual =
            one["schema"].get("default").map(|usual| format!(" Usually {}.", escaped(&usual.to_string())));
        let _ = write!(
            rows,
            "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}{}</td></tr>",
            code(word(&one["name"])),
            escaped(word(&one["in"])),
            type_of(&one["schema"]),
            inline(word(&one["description"])),
            usual.unwrap_or_default(),
        );
    }
    if rows.is_empty() { rows } else { format!("<h4>Parameters</h4><table>{rows}</table>") }
}

/// The answers of a route's own, and the names of those that it shares with others.
fn answers(answers: &Value) -> String {
    let (mut rows, mut shared) = (String::new(), Vec::new());
    for (status, answer) in fields(answers) {
        let status = escaped(status);
        if let Some(name) = answer["$ref"].as_str().and_then(|place| place.rsplit('/').next()) {
            shared.push(format!("<a href=\"#{}\">{status}</a>", escaped(name)));
            continue;
        }
        let bodies: Vec<_> = fields(&answer["content"])
            .map(|(kind, content)| match content.get("schema") {
                Some(schema) if kind.ends_with("json") => type_of(schema),
                Some(schema) if schema["$ref"].is_string() => format!("{} {}", code(kind), type_of(schema)),
                _ => code(kind),
            })
            .collect();
        let says = inline(word(&answer["description"]));
        let _ = write!(rows, "<tr><th>{status}</th><td>{says}</td><td>{}</td></tr>", bodies.join(" "));
    }
    format!(
        "<h4>Answers</h4><table class=\"answers\">{rows}</table><p class=\"shared\">Also {}.</p>",
        shared.join(", ")
    )
}

fn example(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    format!("<details><summary>Example</summary><pre>{}</pre></details>", escaped(&text))
}

fn badge(method: &str) -> String {
    format!("<b class=\"{0}\">{1}</b>", escaped(method), escaped(&method.to_uppercase()))
}

/// What a thing says of itself.
fn says(thing: &Value) -> String {
    paragraphs(word(&thing["description"]))
}

fn paragraphs(text: &str) -> String {
    let paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>", inline(paragraph))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_route_and_every_schema_and_loads_nothing_from_elsewhere() {
        let document: Value = serde_json::from_str(super::super::text()).unwrap();
        let page = html();
        let mut routes = 0;
        for (path, item) in fields(&document["paths"]) {
            for (method, route) in fields(item) {
                assert!(page.contains(&format!("id=\"{}\"", word(&route["operationId"]))), "{method} {path}");
                assert_eq!(items(&route["tags"]).count(), 1, "{method} {path} stands in one chapter");
                routes += 1;
            }
        }
        assert_eq!(
            page.matches("<article id=\"").count() - page.matches("<article id=\"schema-").count(),
            routes
        );
        for (name, _) in fields(&document["components"]["schemas"]) {
            assert!(page.contains(&format!("<article id=\"schema-{name}\">")), "{name}");
        }
        for target in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(page.contains(&format!("id=\"{target}\"")), "#{target} leads nowhere");
        }
        assert!(!page.contains("{{") && !page.contains("<script") && !page.contains("style=\""), "{page}");
        assert!(
            !page.contains("href=\"http") && !page.contains("src=\""),
            "something is loaded from elsewhere"
        );
    }

    #[test]
    fn what_a_document_says_cannot_break_out_of_the_page() {
        assert_eq!(inline("a `<b>` & \"c\""), "a <code>&lt;b&gt;</code> &amp; &quot;c&quot;");
    }
}
