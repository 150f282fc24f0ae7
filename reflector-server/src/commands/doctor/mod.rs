//! `reflector doctor`: is everything reachable and allowed. Nothing is changed that anybody would see.

mod endpoints;
mod folder;
mod kept;
mod provider;
mod sources;
mod tokens;

use std::time::Duration;

use serde::Serialize;

use super::{CommandError, print_json};
use crate::clock;
use crate::config::Config;
use crate::line::in_one_line;

/// How long one check may take: AWS and endpoints give up on their own before that, unless much is wrong at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    /// It works, and somebody should look.
    Warn,
    /// It does not work.
    Fail,
}

/// What a check found.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    check: &'static str,
    outcome: Outcome,
    /// What was found, and what to do about it.
    detail: String,
}

impl Finding {
    fn of(check: &'static str, outcome: Outcome, detail: impl AsRef<str>) -> Self {
        Self { check, outcome, detail: in_one_line(detail.as_ref()) }
    }

    fn ok(check: &'static str, detail: impl AsRef<str>) -> Self {
        Self::of(check, Outcome::Ok, detail)
    }

    fn warn(check: &'static str, detail: impl AsRef<str>) -> Self {
        Self::of(check, Outcome::Warn, detail)
    }

    fn fail(check: &'static str, detail: impl AsRef<str>) -> Self {
        Self::of(check, Outcome::Fail, detail)
    }
}

/// What was found so far. For people each line is printed as it comes.
struct Report {
    json: bool,
    findings: Vec<Finding>,
}

impl Report {
    /// Carries out checks that belong together, and gives up on them when they take too long.
    async fn add(&mut self, check: &'static str, findings: impl Future<Output = Vec<Finding>>) {
        let found = tokio::time::timeout(PATIENCE, findings).await;
        let late = |_| vec![Finding::fail(check, "did not answer within 30 seconds: check the network")];
        for finding in found.unwrap_or_else(late) {
            if !self.json {
                let outcome = match finding.outcome {
                    Outcome::Ok => "ok",
                    Outcome::Warn => "warn",
                    Outcome::Fail => "FAIL",
                };
                println!("{outcome:<5} {:<10} {}", finding.check, finding.detail);
            }
            self.findings.push(finding);
        }
    }
}

pub(crate) async fn run(config: &Config, json: bool) -> Result<(), CommandError> {
    let now = clock::system()();
    let mut report = Report { json, findings: Vec::new() };
    let mut store = None;
    report.add("store", kept::check(config, now, &mut store)).await;
    report.add("provider", provider::check(config)).await;
    report.add("webhooks", provider::check_hearing(config, store.as_deref(), now)).await;
    report.add("tokens", tokens::check(config)).await;
    report.add("folder", sources::check_folder(config)).await;
    report.add("queue", sources::check_queue(config)).await;
    report.add("speech", endpoints::check_speech(&config.pipeline)).await;
    report.add("chat", endpoints::check_chat(&config.pipeline)).await;
    report.add("working", async { vec![folder::check_working(&config.pipeline.data_dir)] }).await;
    if json {
        print_json(&report.findings)?;
    }
    match report.findings.iter().filter(|finding| finding.outcome == Outcome::Fail).count() {
        0 => Ok(()),
        failed => {
            let all = report.findings.len();
            Err(CommandError::refused(format!("{failed} of {all} checks FAIL; each says what to do")))
        }
    }
}
