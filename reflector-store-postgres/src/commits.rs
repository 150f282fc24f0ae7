//! The writes of a meeting: each is one statement, and so one transaction and one round trip.

use reflector_core::lifecycle::EffectKind;
use reflector_core::store::{Commit, Committed, Created, NewMeeting, StoreError, TakenDelivery};
use reflector_core::{Meeting, MeetingId};
use sqlx::Error;
use uuid::Uuid;

use crate::PostgresStore;
use crate::error::unavailable;
use crate::key::key;
use crate::notices::bind_notices;
use crate::rows::{bind_effects, bind_meeting, claim_key, column, documents};
use crate::statements::{COMMIT, CREATE, WAS_TAKEN, WHY_NOT_CREATED};

/// How often a new meeting is tried whose claim is held whenever it is tried, and free whenever one looks.
const TRIES: usize = 10;

impl PostgresStore {
    pub(crate) async fn create_meeting(&self, new: &NewMeeting) -> Result<Created, StoreError> {
        for _ in 0..TRIES {
            let NewMeeting { meeting, due, effects, entries } = new;
            let question = sqlx::query(CREATE).bind(meeting.id.0).bind(meeting.room_id.0);
            let question = bind_meeting(question, meeting)?
                .bind(documents(entries)?)
                .bind(due.map(|due| due.at.as_micros()))
                .bind(due.map(|due| due.fingerprint.cast_signed()));
            let row = self.one(bind_effects(question, effects)?).await?;
            if column(&row, "stored")? {
                return Ok(Created::Stored);
            }
            if let Some(answer) = self.why_not_created(meeting).await? {
                return Ok(answer);
            }
        }
        Err(StoreError::Unavailable("the claim of a new meeting changes hands too quickly".into()))
    }

    /// Why a meeting was not kept; nothing if its claim is free by now.
    async fn why_not_created(&self, meeting: &Meeting) -> Result<Option<Created>, StoreError> {
        let question = sqlx::query(WHY_NOT_CREATED)
            .bind(meeting.id.0)
            .bind(meeting.room_id.0)
            .bind(meeting.claim.as_ref().map(claim_key));
        let row = self.one(question).await?;
        if column(&row, "known")? {
            return Ok(Some(Created::Stored));
        }
        if !column::<bool>(&row, "room")? {
            return Ok(Some(Created::RoomMissing));
        }
        Ok(column::<Option<Uuid>>(&row, "holder")?.map(|holder| Created::ClaimTaken(MeetingId(holder))))
    }

    pub(crate) async fn commit_meeting(&self, commit: &Commit) -> Result<Committed, StoreError> {
        let Commit { expected, meeting, due, effects, superseded, delivery, notices, entries } = commit;
        let delivery = delivery.as_ref();
        let question = sqlx::query(COMMIT).bind(meeting.id.0).bind(expected.cast_signed());
        let question = bind_meeting(question, meeting)?
            .bind(documents(entries)?)
            .bind(due.map(|due| due.at.as_micros()))
            .bind(due.map(|due| due.fingerprint.cast_signed()));
        let question = bind_effects(question, effects)?
            .bind(superseded.iter().map(|kind| EffectKind::as_str(*kind)).collect::<Vec<_>>())
            .bind(delivery.map(|delivery| key(delivery.key.provider.as_str())))
            .bind(delivery.map(|delivery| key(&delivery.key.id)))
            .bind(delivery.map(|delivery| delivery.endpoint.cast_signed()))
            .bind(delivery.map(|delivery| delivery.received_at.as_micros()));
        let question = bind_notices(question, notices);

        let row = match self.line().await?.ask(question).await {
            Ok(mut rows) => rows.pop().ok_or_else(|| unavailable(Error::RowNotFound))?,
            Err(error) => return lost_race(&error).ok_or_else(|| unavailable(error)),
        };
        if column(&row, "stored")? {
            Ok(Committed::Stored)
        } else if column(&row, "duplicate")? {
            Ok(Committed::Duplicate)
        } else {
            // Whoever was faster may have taken the same delivery in, after this statement looked for it.
            self.conflict_or_duplicate(delivery).await
        }
    }

    async fn conflict_or_duplicate(&self, delivery: Option<&TakenDelivery>) -> Result<Committed, StoreError> {
        let Some(TakenDelivery { key: taken, .. }) = delivery else { return Ok(Committed::Conflict) };
        let question = sqlx::query(WAS_TAKEN).bind(key(taken.provider.as_str())).bind(key(&taken.id));
        let taken = column(&self.one(question).await?, "taken")?;
        Ok(if taken { Committed::Duplicate } else { Committed::Conflict })
    }
}

/// What a commit came to that failed on what somebody else wrote at the same time.
fn lost_race(error: &Error) -> Option<Committed> {
    let refused = error.as_database_error().filter(|refused| refused.is_unique_violation())?;
    match refused.constraint() {
        Some("deliveries_pkey") => Some(Committed::Duplicate),
        // The engine never takes a claim in a commit; one that did and found it held has read an older world.
        Some("meetings_claim") => Some(Committed::Conflict),
        _ => None,
    }
}
