//! About owed work.

/// Gives out owed work whose time (`$1`) has come, until `$2`: at most `$3`, closes first, then opens, then the rest.
/// Planned with its values.
pub const CLAIM: &str = "
WITH ready AS MATERIALIZED (
    SELECT kind.urgency, work.meeting, work.version, work.index, work.ready_at
    FROM (VALUES (0::smallint), (1::smallint), (2::smallint)) AS kind (urgency)
    CROSS JOIN LATERAL (
        SELECT meeting, version, index, ready_at FROM effects
        WHERE settled_at IS NULL AND urgency = kind.urgency AND ready_at <= $1
        ORDER BY ready_at, meeting, version, index LIMIT $3 FOR UPDATE SKIP LOCKED
    ) AS work
    LIMIT $3
), claimed AS (
    UPDATE effects SET ready_at = $2, claimed_until = $2, attempts = attempts + 1
    WHERE meeting = ANY (ARRAY(SELECT meeting FROM ready))
        AND (meeting, version, index) IN (SELECT meeting, version, index FROM ready)
    RETURNING *
)
SELECT claimed.meeting, claimed.version, claimed.index, claimed.document, claimed.owed_at, claimed.attempts,
    claimed.claimed_until, claimed.last_error
FROM claimed JOIN ready USING (meeting, version, index)
ORDER BY ready.urgency, ready.ready_at, claimed.meeting, claimed.version, claimed.index";

/// The same for what one meeting (`$4`) owes.
pub const CLAIM_OF_MEETING: &str = "
WITH ready AS MATERIALIZED (
    SELECT urgency, meeting, version, index, ready_at FROM effects
    WHERE meeting = $4 AND settled_at IS NULL AND ready_at <= $1
    ORDER BY urgency, ready_at, meeting, version, index LIMIT $3 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE effects SET ready_at = $2, claimed_until = $2, attempts = attempts + 1
    WHERE meeting = $4 AND (version, index) IN (SELECT version, index FROM ready)
    RETURNING *
)
SELECT claimed.meeting, claimed.version, claimed.index, claimed.document, claimed.owed_at, claimed.attempts,
    claimed.claimed_until, claimed.last_error
FROM claimed JOIN ready USING (meeting, version, index)
ORDER BY ready.urgency, ready.ready_at, claimed.meeting, claimed.version, claimed.index";

/// Marks claimed work as done.
pub const SETTLE_DONE: &str = "
UPDATE effects SET settled_at = $6
WHERE meeting = $1 AND version = $2 AND index = $3 AND settled_at IS NULL AND claimed_until = $4 AND attempts = $5";

/// Gives claimed work back, to be tried again.
pub const SETTLE_RETRY: &str = "
UPDATE effects SET claimed_until = NULL, ready_at = $6, last_error = $7
WHERE meeting = $1 AND version = $2 AND index = $3 AND settled_at IS NULL AND claimed_until = $4 AND attempts = $5";

/// What a meeting owes.
pub const OWED: &str = "
SELECT meeting, version, index, document, owed_at, attempts, claimed_until, last_error FROM effects
WHERE meeting = $1 AND settled_at IS NULL
ORDER BY owed_at, version, index";

/// When there is something to claim next.
pub const NEXT_OWED: &str = "
SELECT min(work.ready_at) AS ready_at
FROM (VALUES (0::smallint), (1::smallint), (2::smallint)) AS kind (urgency)
CROSS JOIN LATERAL (
    SELECT ready_at FROM effects WHERE settled_at IS NULL AND urgency = kind.urgency ORDER BY ready_at LIMIT 1
) AS work";
