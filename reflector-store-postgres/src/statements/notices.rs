//! About what rooms' owners are to be told, and what participants said of being recorded.

/// Gives out notices whose time (`$1`) has come, until `$2`: at most `$3`, the longest-waiting first. Planned with its
/// values.
pub const CLAIM_NOTICES: &str = "
WITH ready AS MATERIALIZED (
    SELECT id, ready_at FROM notices WHERE settled_at IS NULL AND ready_at <= $1
    ORDER BY ready_at, id LIMIT $3 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE notices SET ready_at = $2, claimed_until = $2, attempts = attempts + 1
    WHERE id = ANY (ARRAY(SELECT id FROM ready))
    RETURNING *
)
SELECT claimed.whole_id, claimed.room_id, claimed.event, claimed.body, claimed.owed_at, claimed.attempts,
    claimed.claimed_until, claimed.last_error
FROM claimed JOIN ready USING (id)
ORDER BY ready.ready_at, ready.id";

/// Marks a claimed notice as done.
pub const SETTLE_NOTICE_DONE: &str = "
UPDATE notices SET settled_at = $4
WHERE id = $1 AND settled_at IS NULL AND claimed_until = $2 AND attempts = $3";

/// Gives a claimed notice back, to be tried again.
pub const SETTLE_NOTICE_RETRY: &str = "
UPDATE notices SET claimed_until = NULL, ready_at = $4, last_error = $5
WHERE id = $1 AND settled_at IS NULL AND claimed_until = $2 AND attempts = $3";

/// When there is a notice to claim next.
pub const NEXT_NOTICE: &str = "SELECT min(ready_at) AS ready_at FROM notices WHERE settled_at IS NULL";

/// Drops notices that were settled before `$1`: at most `$2`, the oldest first. Planned with its values.
pub const DROP_NOTICES: &str = "
DELETE FROM notices WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM notices WHERE settled_at < $1 ORDER BY settled_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
))";

/// Keeps an answer, unless the participant gave a newer one; of the same instant the denial counts.
pub const ANSWER: &str = "
INSERT INTO consents (meeting, participant, given, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (meeting, participant) DO UPDATE SET given = excluded.given, at = excluded.at
WHERE (excluded.at, NOT excluded.given) > (consents.at, NOT consents.given)";

/// When the newest denial of a meeting was given that still counts.
pub const DENIED_AT: &str = "SELECT max(at) AS denied_at FROM consents WHERE meeting = $1 AND NOT given";

/// The key of the deployment, which is the one offered here if there was none. Whoever offers one at the same time waits,
/// and is given the other.
pub const KEY: &str = "
WITH known AS MATERIALIZED (
    SELECT key FROM deployment
), offered AS (
    INSERT INTO deployment (key) SELECT $1::bytea WHERE NOT EXISTS (SELECT FROM known)
    ON CONFLICT (one) DO UPDATE SET key = deployment.key
    RETURNING key
)
SELECT key FROM known UNION ALL SELECT key FROM offered";
