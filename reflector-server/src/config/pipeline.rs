//! What the pipeline works with.

use reflector_pipeline::{Endpoint, PipelineSettings};
use secrecy::SecretString;
use url::Url;

use super::ConfigError;
use super::values::Values;
use crate::outgoing::Reach;

/// The settings of an endpoint.
struct Names {
    url: &'static str,
    key: &'static str,
    model: &'static str,
}

const STT: Names = Names { url: "REFLECTOR_STT_URL", key: "REFLECTOR_STT_KEY", model: "REFLECTOR_STT_MODEL" };
const LLM: Names = Names { url: "REFLECTOR_LLM_URL", key: "REFLECTOR_LLM_KEY", model: "REFLECTOR_LLM_MODEL" };

impl Values {
    pub(super) fn pipeline(&self) -> Result<PipelineSettings, ConfigError> {
        const FOLDER: &str = "REFLECTOR_DATA_DIR";
        let folder = self.text(FOLDER);
        if folder.is_empty() {
            return Err(self.wrong(FOLDER, "use a folder for working files, such as ./data"));
        }
        Ok(PipelineSettings {
            stt: self.endpoint(&STT)?,
            llm: self.endpoint(&LLM)?,
            ..PipelineSettings::new(folder)
        })
    }

    fn endpoint(&self, names: &Names) -> Result<Option<Endpoint>, ConfigError> {
        let (key, model) = (self.text(names.key), self.text(names.model));
        if self.text(names.url).is_empty() {
            return match [(names.key, key), (names.model, model)].iter().find(|(_, value)| !value.is_empty())
            {
                Some((name, _)) => {
                    Err(self.wrong(name, &format!("it is for an endpoint: set {} too", names.url)))
                }
                None => Ok(None),
            };
        }
        let should =
            "use the base address of an OpenAI-compatible endpoint, such as https://api.openai.com/v1";
        let url: Url = self.parse(names.url, should)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(self.wrong(names.url, should));
        }
        if model.trim().is_empty() {
            return Err(self.wrong(names.model, "name a model that the endpoint has, such as whisper-1"));
        }
        let key = (!key.is_empty()).then(|| SecretString::from(key));
        Ok(Some(Endpoint { url: url.to_string(), key, model: model.to_owned() }))
    }

    /// Whom addresses that users give may lead to.
    pub(super) fn reach(&self) -> Result<Reach, ConfigError> {
        self.one_of("REFLECTOR_ALLOW_PRIVATE_URLS", &[("no", Reach::Public), ("yes", Reach::Anything)])
    }
}
