//! About rooms, messages, hearing and retention.

/// Keeps a new room.
pub const CREATE_ROOM: &str = "
INSERT INTO rooms (id, name, owner, is_shared, policy, document, listens) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING";

/// Why a room was not kept: it is there, deleted or not (`known`), or its name is another's (`taken`).
pub const WHY_NO_ROOM: &str = "
SELECT
    EXISTS (SELECT FROM rooms WHERE id = $1) AS known,
    EXISTS (SELECT FROM rooms WHERE name = $2 AND deleted_at IS NULL) AS taken";

/// A room by its id.
pub const LOAD_ROOM: &str = "SELECT document FROM rooms WHERE id = $1 AND deleted_at IS NULL";

/// A room by its name.
pub const FIND_ROOM: &str = "SELECT document FROM rooms WHERE name = $1 AND deleted_at IS NULL";

/// A page of the rooms that somebody (`$1`, or whoever runs the deployment) sees, and how many there are.
pub const LIST_ROOMS: &str = "
WITH seen AS NOT MATERIALIZED (
    SELECT name, document FROM rooms
    WHERE deleted_at IS NULL AND ($1::text IS NULL OR is_shared OR owner = $1::text)
)
SELECT (SELECT count(*) FROM seen) AS total, page.document
FROM (SELECT) AS once
LEFT JOIN LATERAL (SELECT document FROM seen ORDER BY name OFFSET $2 LIMIT $3) AS page ON true";

/// Keeps everybody else from changing a room, and from making meetings in it, until the transaction ends.
pub const LOCK_ROOM: &str = "SELECT name FROM rooms WHERE id = $1 AND deleted_at IS NULL FOR UPDATE";

/// Writes a room that is locked, and outdates its open meetings.
pub const UPDATE_ROOM: &str = "
WITH changed AS (
    UPDATE rooms SET owner = $2, is_shared = $3, policy = $4, document = $5, listens = $6 WHERE id = $1
), outdated AS (
    UPDATE meetings SET version = version + 1 WHERE room_id = $1 AND closed_at IS NULL RETURNING id
)
UPDATE deadlines SET fingerprint = NULL FROM outdated WHERE deadlines.meeting = outdated.id";

/// Deletes a room that is locked unless there are meetings that keep it, which it gives.
pub const DELETE_ROOM: &str = "
WITH keeping AS (
    SELECT id FROM meetings WHERE room_id = $1 AND closed_at IS NULL AND NOT forced
), deleted AS (
    UPDATE rooms SET deleted_at = $2 WHERE id = $1 AND NOT EXISTS (SELECT FROM keeping)
)
SELECT id FROM keeping";

/// Keeps a message, unless it is kept or was taken in.
pub const KEEP: &str = "
INSERT INTO kept_deliveries (
    provider, id, external_id, room_name, received_at, whole_id, whole_external_id, whole_room_name, document
)
SELECT $1::text, $2::text, $3::text, $4::text, $5::bigint, $6::text, $7::text, $8::text, $9::text
WHERE NOT EXISTS (SELECT FROM deliveries WHERE provider = $1::text AND id = $2::text)
ON CONFLICT DO NOTHING";

/// The messages kept for a provider's room.
pub const KEPT_FOR: &str = "
SELECT whole_id, whole_external_id, whole_room_name, received_at, document FROM kept_deliveries
WHERE provider = $1 AND (external_id = $2 OR room_name = $3)
ORDER BY received_at, id";

/// Forgets a kept message.
pub const FORGET: &str = "DELETE FROM kept_deliveries WHERE provider = $1 AND id = $2";

/// Drops kept messages that are older than `$1`: at most `$2`, the oldest first. Planned with its values.
pub const DROP_KEPT: &str = "
DELETE FROM kept_deliveries WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM kept_deliveries WHERE received_at < $1
    ORDER BY received_at, provider, id LIMIT $2 FOR UPDATE SKIP LOCKED
))";

/// Notes a beat of the heart at `$1`; one more than `$2` microseconds away from the last is a gap.
pub const BEAT: &str = "
INSERT INTO listening (since, last_beat) VALUES ($1, $1)
ON CONFLICT (one) DO UPDATE SET
    since = CASE WHEN abs(listening.last_beat - $1) <= $2 THEN listening.since ELSE $1 END,
    last_beat = CASE WHEN abs(listening.last_beat - $1) <= $2 THEN greatest(listening.last_beat, $1) ELSE $1 END";

/// Notes that an endpoint is heard.
pub const HEARD: &str = "
INSERT INTO heard (provider, endpoint, at) VALUES ($1, $2, $3)
ON CONFLICT (provider, endpoint) DO UPDATE SET at = excluded.at WHERE heard.at < excluded.at";

/// What is known of our listening to an endpoint.
pub const HEARING: &str = "
SELECT listening.since, listening.last_beat, greatest(
    (SELECT at FROM heard WHERE provider = $1 AND endpoint = $2),
    (SELECT max(received_at) FROM deliveries WHERE provider = $1 AND endpoint = $2)
) AS verified_at
FROM (SELECT) AS once LEFT JOIN listening ON true";

/// Puts unforced closes on hold, unless they are.
pub const HOLD: &str = "INSERT INTO hold (since) VALUES ($1) ON CONFLICT DO NOTHING";

/// Lifts the hold.
pub const LIFT_HOLD: &str = "DELETE FROM hold";

/// Since when unforced closes are on hold.
pub const HELD_SINCE: &str = "SELECT (SELECT since FROM hold) AS since";

/// Drops entries of meetings that closed before `$1`: at most `$2`, of the one that closed first first, and says how many.
/// A meeting that gets another entry at the same time keeps its mark. Planned with its values.
pub const DROP_HISTORY: &str = "
WITH old AS MATERIALIZED (
    SELECT id, closed_at, entries FROM meetings WHERE closed_at < $1 AND has_history
    ORDER BY closed_at, id LIMIT $2
), there AS MATERIALIZED (
    SELECT old.closed_at, old.id, history.seq,
        row_number() OVER (ORDER BY old.closed_at, old.id, history.seq) AS place
    FROM old CROSS JOIN LATERAL (SELECT seq FROM history WHERE meeting = old.id OFFSET 0) AS history
    ORDER BY place LIMIT $2 + 1
), dropped AS (
    DELETE FROM history WHERE meeting = ANY (ARRAY(SELECT id FROM old))
        AND (meeting, seq) IN (SELECT id, seq FROM there WHERE place <= $2)
    RETURNING meeting
), emptied AS (
    UPDATE meetings SET has_history = false FROM old
    WHERE meetings.id = ANY (ARRAY(SELECT id FROM old)) AND meetings.id = old.id AND meetings.entries = old.entries
        AND NOT EXISTS (
            SELECT FROM there WHERE place > $2 AND (there.closed_at, there.id) <= (old.closed_at, old.id)
        )
)
SELECT count(*) AS dropped FROM dropped";

/// Drops the ids of messages that were taken in before `$1`: at most `$2`, the oldest first, and says how many. What
/// they prove is kept. Planned with its values.
pub const DROP_DELIVERIES: &str = "
WITH old AS MATERIALIZED (
    SELECT ctid AS place, provider, endpoint, received_at FROM deliveries WHERE received_at < $1
    ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED
), proven AS (
    INSERT INTO heard (provider, endpoint, at)
    SELECT provider, endpoint, max(received_at) FROM old GROUP BY provider, endpoint ORDER BY provider, endpoint
    ON CONFLICT (provider, endpoint) DO UPDATE SET at = excluded.at WHERE heard.at < excluded.at
), dropped AS (
    DELETE FROM deliveries WHERE ctid = ANY (ARRAY(SELECT place FROM old)) RETURNING 1
)
SELECT count(*) AS dropped FROM dropped";

/// Drops work that was settled as done before `$1`: at most `$2`, the oldest first. Planned with its values.
pub const DROP_SETTLED: &str = "
DELETE FROM effects WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM effects WHERE settled_at < $1 ORDER BY settled_at LIMIT $2 FOR UPDATE SKIP LOCKED
))";

/// Keeps a new API key.
pub const CREATE_KEY: &str = "
INSERT INTO api_keys (id, hash, owner, is_operator, made_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING";

/// The API key of a hash, unless it was revoked.
pub const FIND_KEY: &str = "
SELECT id, owner, is_operator, made_at, revoked_at FROM api_keys WHERE hash = $1 AND revoked_at IS NULL";

/// A page of the API keys, newest first, and how many there are.
pub const LIST_KEYS: &str = "
SELECT (SELECT count(*) FROM api_keys) AS total, page.*
FROM (SELECT) AS once
LEFT JOIN LATERAL (
    SELECT id, owner, is_operator, made_at, revoked_at FROM api_keys ORDER BY made_at DESC, id OFFSET $1 LIMIT $2
) AS page ON true";

/// Revokes an API key.
pub const REVOKE_KEY: &str = "UPDATE api_keys SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1";
