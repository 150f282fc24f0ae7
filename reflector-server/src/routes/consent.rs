//! What participants say of being recorded.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use reflector_core::store::{ConsentAnswer, TokenHash};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Path;
use super::meetings::found;
use crate::builtin::token_hash;
use crate::contract::parameters::MeetingPath;
use crate::error::Problem;
use crate::json::Input;
use crate::pipeline::ANSWERED_WITHIN;
use crate::state::App;

/// What a participant says of being recorded.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Consent, examples(json!({ "consent_given": false, "participant_token": "what joining gave" })))]
pub(crate) struct ConsentInput {
    /// Whether they agree.
    consent_given: bool,
    /// What joining gave them.
    participant_token: String,
}

/// An answer that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConsentTaken)]
pub(crate) struct ConsentBody {
    /// Always `success`.
    status: &'static str,
    /// The same for every answer of a participant.
    consent_id: Uuid,
}

/// Takes what a participant says of being recorded
///
/// A denial is obeyed, also one that comes after the meeting. The newest answer of a token counts.
#[utoipa::path(post, path = "/meetings/{meeting}/consent", tag = "meetings", operation_id = "answer_for_consent",
    security((), ("token" = []), ("api_key" = [])), params(MeetingPath), request_body = ConsentInput, responses(
    (status = 429, description = "too many calls of guests from this address"),
    (status = 200, description = "it is taken", body = ConsentBody),
    (status = 403, description = "participant_token is not one that joining this meeting gave, or a page of another origin asked"),
    (status = 409, description = "the meeting ended more than 24 hours ago; ask the room's owner to delete its recordings")))]
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
    app.line.answers.take(answer, &meeting, &app.line.runs, now).await?;
    Ok(Json(ConsentBody { status: "success", consent_id: id_of(&meeting.id.0, participant) }))
}

/// The same for every answer of a participant, and telling nothing of their token.
fn id_of(meeting: &Uuid, participant: TokenHash) -> Uuid {
    let hash = Sha256::new().chain_update(meeting).chain_update(participant.as_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
