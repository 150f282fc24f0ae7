//! What is shipped beside the program fits it: the dashboard, the alert rules, and the files to begin with.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{Program, run};

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every metric of ours that is named in a text.
fn named(text: &str) -> BTreeSet<String> {
    let is_of_a_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter: char| !is_of_a_name(letter));
    words.filter(|word| word.starts_with("reflector_")).map(str::to_owned).collect()
}

/// Every sample that a server can show, by the families that it describes.
fn shown(metrics: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for line in metrics.lines() {
        let Some((family, kind)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' ')) else {
            continue;
        };
        let endings: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        all.extend(endings.iter().map(|ending| format!("{family}{ending}")));
    }
    all
}

#[test]
fn every_metric_of_the_dashboard_and_of_the_alerts_is_one_that_a_server_shows() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("recordings")).expect("it can be made");
    let program = Program::start_in(folder.into(), &[("REFLECTOR_RECORDINGS_DIR", "recordings")]);
    let shown = shown(&program.get("/metrics").text());
    for path in ["docs/grafana/dashboard.json", "docs/grafana/alerts.yml"] {
        let named = named(&text(path));
        assert!(named.len() >= 10, "{path} names {named:?}");
        let missing: Vec<_> = named.difference(&shown).collect();
        assert!(missing.is_empty(), "{path} names {missing:?}, and a server shows {shown:?}");
    }
    let pictured = named(&text("docs/grafana/dashboard.json"));
    let unseen: Vec<_> = shown
        .iter()
        .filter(|sample| sample.starts_with("reflector_") && !sample.ends_with("_count"))
        .filter(|sample| !pictured.contains(*sample))
        .collect();
    assert!(unseen.is_empty(), "the dashboard shows nothing of {unseen:?}");
}

#[test]
fn the_dashboard_is_json_whose_panels_have_numbers_of_their_own() {
    let dashboard: Value = serde_json::from_str(&text("docs/grafana/dashboard.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("an array");
    let numbers: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert!(numbers.len() == panels.len() && !numbers.contains(&None), "{numbers:?}");
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let targets = panel["targets"].as_array().expect("an array");
        assert!(targets.iter().all(|target| target["expr"].is_string()), "{panel}");
        assert!(!targets.is_empty() && panel["description"].is_string(), "{panel}");
    }
}

#[test]
fn every_alert_is_explained_in_the_operators_page_and_none_is_explained_that_is_not_there() {
    let (alerts, page) = (text("docs/grafana/alerts.yml"), text("docs/operations.md"));
    let there: BTreeSet<_> =
        alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| Reflector"));
    let explained: BTreeSet<_> =
        rows.map(|row| format!("Reflector{}", row.split(' ').next().unwrap_or_default())).collect();
    let explained: BTreeSet<_> = explained.iter().map(String::as_str).collect();
    assert_eq!(there, explained);
}

#[test]
fn the_sample_settings_are_ones_that_the_program_takes_and_the_unit_starts_it_with() {
    let sample = file("deploy/reflector.toml");
    let folder = tempfile::tempdir().expect("a folder");
    // What is there as a comment is taken as well.
    let all: String = text("deploy/reflector.toml")
        .lines()
        .filter(|line| !line.starts_with("database_url = \"sqlite") && !line.starts_with("auth = "))
        .map(|line| if line.contains(" = ") { line.trim_start_matches("# ") } else { line })
        .map(|line| format!("{line}\n"))
        .collect();
    let whole = folder.path().join("whole.toml");
    fs::write(&whole, all).expect("it can be written");
    for settings in [&sample, &whole] {
        let settings = settings.to_str().expect("a path");
        let output = run(folder.path(), &[], &["config", "--config", settings]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let described = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(described.contains("https://meet.example.com"), "{described}");
    }
    let unit = text("deploy/reflector.service");
    let starts = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("it starts something");
    let mut words: Vec<_> = starts.split(' ').skip(1).collect();
    words.push("--help");
    let output = run(folder.path(), &[], &words);
    assert_eq!(output.status.code(), Some(0), "{starts}: {output:?}");
}
