//! Which models an endpoint has: asking costs nothing, and shows whether it is there and takes its key.

use std::time::Duration;

use reflector_core::pipeline::StageError;
use serde::Deserialize;

use crate::calls::{CHAT, CallError, Calls, SPEECH};
use crate::settings::Endpoint;

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an endpoint is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// Speech to text: `REFLECTOR_STT_URL` and what belongs to it.
    Speech,
    /// Questions and answers: `REFLECTOR_LLM_URL` and what belongs to it.
    Chat,
}

/// What an endpoint says of its models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Models {
    /// The one that is named in the settings is among them.
    HasOurs,
    /// The one that is named in the settings is not among them.
    LacksOurs,
    /// It does not list them. It is there, and whether it takes the key is not known.
    NotListed,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

impl Endpoint {
    /// Asks which models there are, at `/models` beside where its work goes.
    ///
    /// # Errors
    ///
    /// [`StageError`] as a stage would have it, naming the setting that is wrong if one is.
    pub async fn models(&self, serves: Serves) -> Result<Models, StageError> {
        let service = match serves {
            Serves::Speech => SPEECH,
            Serves::Chat => CHAT,
        };
        let calls =
            Calls::new(self, service, PATIENCE).map_err(|wrong| StageError::failed(wrong.to_string()))?;
        let body = match calls.send(calls.models()).await {
            Ok(body) => body,
            Err(CallError::NotThere(_)) => return Ok(Models::NotListed),
            Err(error) => return Err(error.into()),
        };
        Ok(match serde_json::from_slice::<Answer>(&body) {
            Ok(listed) if listed.data.iter().any(|model| model.id == calls.model()) => Models::HasOurs,
            Ok(_) => Models::LacksOurs,
            Err(_) => Models::NotListed,
        })
    }
}
