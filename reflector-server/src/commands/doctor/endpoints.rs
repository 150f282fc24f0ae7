//! What turns speech into text, and what answers questions.

use reflector_pipeline::{Endpoint, Models, PipelineSettings, Serves};

use super::Finding;

pub(super) async fn check_speech(settings: &PipelineSettings) -> Vec<Finding> {
    let (url, model) = ("REFLECTOR_STT_URL", "REFLECTOR_STT_MODEL");
    let without = "nothing is transcribed";
    vec![check("speech", settings.stt.as_ref(), Serves::Speech, without, url, model).await]
}

pub(super) async fn check_chat(settings: &PipelineSettings) -> Vec<Finding> {
    let (url, model) = ("REFLECTOR_LLM_URL", "REFLECTOR_LLM_MODEL");
    let without = "there are no topics, titles and summaries";
    vec![check("chat", settings.llm.as_ref(), Serves::Chat, without, url, model).await]
}

/// Asks an endpoint which models it has.
async fn check(
    name: &'static str,
    endpoint: Option<&Endpoint>,
    serves: Serves,
    without: &str,
    url: &str,
    model: &str,
) -> Finding {
    let Some(endpoint) = endpoint else { return Finding::ok(name, format!("{without}: {url} is not set")) };
    let ours = &endpoint.model;
    match endpoint.models(serves).await {
        Ok(Models::HasOurs) => Finding::ok(name, format!("the endpoint takes the key and has {ours}")),
        Ok(Models::LacksOurs) => {
            Finding::warn(name, format!("the endpoint answers and does not list {ours}: check {model}"))
        }
        Ok(Models::NotListed) => {
            Finding::warn(name, "the endpoint answers and lists no models: its key and model are not tried")
        }
        Err(error) => Finding::fail(name, error.to_string()),
    }
}
