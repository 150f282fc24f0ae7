//! What participants say of being recorded.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use reflector_core::store::{ConsentAnswer, TokenHash};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Path;
use super::meetings::found;
use crate::builtin::token_hash;
use crate::error::Problem;
use crate::json::Input;
use crate::pipeline::ANSWERED_WITHIN;
use crate::state::App;

#[derive(Debug, Deserialize)]
pub(crate) struct ConsentInput {
    consent_given: bool,
    participant_token: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct ConsentBody {
    status: &'static str,
    consent_id: Uuid,
}

/// Keeps an answer, and has a denial obeyed. The newest answer of a token counts.
pub(crate) async fn answer(
    State(app): State<App>,
    Path(id): Path<String>,
    Input(input): Input<ConsentInput>,
) -> Result<Json<ConsentBody>, Problem> {
    let meeting = found(&app, &id).await?.meeting;
    let now = (app.clock)();
    if !app.tokens.are_of(meeting.id, &input.participant_token) {
        let detail = "participant_token is not one that joining this meeting gave";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    if meeting.life.phase.closed_at().is_some_and(|closed_at| now.since(closed_at) > ANSWERED_WITHIN) {
        let detail =
            "the meeting ended more than 24 hours ago; ask the room's owner to delete its recordings";
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    let participant = token_hash(&input.participant_token);
    let answer = ConsentAnswer { meeting: meeting.id, participant, given: input.consent_given, at: now };
    app.line.answers.take(answer, meeting.room_id, &app.line.runs, now).await?;
    Ok(Json(ConsentBody { status: "success", consent_id: id_of(&meeting.id.0, participant) }))
}

/// The same for every answer of a participant, and telling nothing of their token.
fn id_of(meeting: &Uuid, participant: TokenHash) -> Uuid {
    let hash = Sha256::new().chain_update(meeting).chain_update(participant.as_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
