//! About meetings, their deadlines and their history.

/// Meetings with what their rooms set for themselves, also when the room is deleted.
macro_rules! loaded {
    ($rest:literal) => {
        concat!(
            "
SELECT meetings.document, meetings.version, meetings.entries, rooms.policy
FROM meetings JOIN rooms ON rooms.id = meetings.room_id
",
            $rest
        )
    };
}

/// Keeps a new meeting. Its parameters are the first ones of [`COMMIT`], but for `$2`, which is the room.
///
/// The lock on the room keeps whoever deletes or changes it waiting; any index that finds the meeting there already, or
/// its claim taken, makes it do nothing.
pub const CREATE: &str = "
WITH room AS (
    SELECT id FROM rooms WHERE id = $2::uuid AND deleted_at IS NULL FOR SHARE
), written AS (
    INSERT INTO meetings (
        id, room_id, version, created_at, start_at, closed_at, forced, claim, provider, external_id, room_name,
        document, entries, has_history
    )
    SELECT $1::uuid, room.id, 1, $3::bigint, $4::bigint, $5::bigint, $6::boolean, $7::text, $8::text, $9::text,
        $10::text, $11::text, cardinality($12::text[]), cardinality($12::text[]) > 0
    FROM room
    ON CONFLICT DO NOTHING
    RETURNING id
), noted AS (
    INSERT INTO history (meeting, seq, document)
    SELECT written.id, entry.seq, entry.document
    FROM written, unnest($12::text[]) WITH ORDINALITY AS entry (document, seq)
), owed AS (
    INSERT INTO effects (meeting, version, index, kind, urgency, owed_at, ready_at, document)
    SELECT written.id, effect.version, effect.index, effect.kind, effect.urgency, effect.owed_at, effect.owed_at,
        effect.document
    FROM written, unnest($15::bigint[], $16::integer[], $17::text[], $18::smallint[], $19::bigint[], $20::text[])
        AS effect (version, index, kind, urgency, owed_at, document)
), dated AS (
    INSERT INTO deadlines (meeting, next_at, due_at, fingerprint, open)
    SELECT id, $13::bigint, $13::bigint, $14::bigint, $5::bigint IS NULL FROM written WHERE $13::bigint IS NOT NULL
)
SELECT EXISTS (SELECT FROM written) AS stored";

/// Why a meeting was not kept: it is there (`known`), its room is not (`room`), or its claim is held (`holder`).
pub const WHY_NOT_CREATED: &str = "
SELECT
    EXISTS (SELECT FROM meetings WHERE id = $1) AS known,
    EXISTS (SELECT FROM rooms WHERE id = $2 AND deleted_at IS NULL) AS room,
    (SELECT id FROM meetings WHERE room_id = $2 AND claim = $3) AS holder";

/// Writes one change of a meeting, all of it or nothing.
///
/// What depends on the meeting's being written hangs on `written`, which has a row only then. Whoever was faster with the
/// same delivery, or has the claim, makes it fail on their unique index, and the whole of it is undone.
pub const COMMIT: &str = concat!(
    "
WITH taken AS (
    SELECT EXISTS (SELECT FROM deliveries WHERE provider = $22::text AND id = $23::text) AS before
), written AS (
    UPDATE meetings SET
        version = version + 1, created_at = $3::bigint, start_at = $4::bigint, closed_at = $5::bigint,
        forced = $6::boolean, claim = $7::text, provider = $8::text, external_id = $9::text, room_name = $10::text,
        document = $11::text, entries = entries + cardinality($12::text[]),
        has_history = has_history OR cardinality($12::text[]) > 0
    WHERE id = $1::uuid AND version = $2::bigint AND NOT (SELECT before FROM taken)
    RETURNING id, entries
), noted AS (
    INSERT INTO history (meeting, seq, document)
    SELECT written.id, written.entries - cardinality($12::text[]) + entry.seq, entry.document
    FROM written, unnest($12::text[]) WITH ORDINALITY AS entry (document, seq)
), superseded AS (
    DELETE FROM effects USING written
    WHERE effects.meeting = written.id AND effects.settled_at IS NULL AND effects.kind = ANY ($21::text[])
), owed AS (
    INSERT INTO effects (meeting, version, index, kind, urgency, owed_at, ready_at, document)
    SELECT written.id, effect.version, effect.index, effect.kind, effect.urgency, effect.owed_at, effect.owed_at,
        effect.document
    FROM written, unnest($15::bigint[], $16::integer[], $17::text[], $18::smallint[], $19::bigint[], $20::text[])
        AS effect (version, index, kind, urgency, owed_at, document)
    ON CONFLICT DO NOTHING
), dated AS (
    INSERT INTO deadlines (meeting, next_at, due_at, fingerprint, open)
    SELECT id, $13::bigint, $13::bigint, $14::bigint, $5::bigint IS NULL FROM written WHERE $13::bigint IS NOT NULL
    ON CONFLICT (meeting) DO UPDATE SET
        next_at = excluded.next_at, due_at = excluded.due_at, fingerprint = excluded.fingerprint, open = excluded.open
), undated AS (
    DELETE FROM deadlines USING written WHERE deadlines.meeting = written.id AND $13::bigint IS NULL
), received AS (
    INSERT INTO deliveries (provider, id, endpoint, received_at)
    SELECT $22::text, $23::text, $24::bigint, $25::bigint FROM written WHERE $23::text IS NOT NULL
), told AS (",
    owing!("written", "$26", "$27", "$28", "$29", "$30", "$31"),
    ")
SELECT EXISTS (SELECT FROM written) AS stored, (SELECT before FROM taken) AS duplicate"
);

/// Whether a message was taken in.
pub const WAS_TAKEN: &str = "SELECT EXISTS (SELECT FROM deliveries WHERE provider = $1 AND id = $2) AS taken";

/// A meeting with what its room sets for itself.
pub const LOAD: &str = loaded!("WHERE meetings.id = $1");

/// The meeting that has a room at a provider (`$1`): by external id (`$2`), else by name (`$3`).
pub const FIND: &str = "
SELECT meetings.document, meetings.version, meetings.entries, rooms.policy
FROM (
    (SELECT id, 1 AS way FROM meetings WHERE provider = $1 AND external_id = $2
        ORDER BY created_at DESC, id DESC LIMIT 1)
    UNION ALL
    (SELECT id, 2 AS way FROM meetings WHERE provider = $1 AND room_name = $3
        ORDER BY created_at DESC, id DESC LIMIT 1)
    ORDER BY way LIMIT 1
) AS found
JOIN meetings ON meetings.id = found.id
JOIN rooms ON rooms.id = meetings.room_id";

/// The meetings of a room that are not closed.
pub const OPEN_MEETINGS: &str = loaded!(
    "WHERE meetings.room_id = $1 AND meetings.closed_at IS NULL
ORDER BY meetings.start_at, meetings.id"
);

/// A page of meetings: of a room (`$1`) or all, closed ones too (`$2`), made since `$3`, after the place `$4` and `$5`.
/// Planned with its values, so that what they leave open is not there.
pub const LIST: &str = "
SELECT document FROM meetings
WHERE ($1::uuid IS NULL OR room_id = $1::uuid)
    AND ($2::boolean OR closed_at IS NULL)
    AND ($3::bigint IS NULL OR created_at >= $3::bigint)
    AND ($4::bigint IS NULL OR (created_at, id) > ($4::bigint, $5::uuid))
ORDER BY created_at, id LIMIT $6";

/// Gives out what is due at `$1`, and to nobody else until `$2`: at most `$3`, the earliest first. Planned with its values.
pub const DUE: &str = "
WITH ready AS MATERIALIZED (
    SELECT meeting, next_at FROM deadlines WHERE next_at <= $1
    ORDER BY next_at, meeting LIMIT $3 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE deadlines SET next_at = greatest(due_at, $2) WHERE meeting = ANY (ARRAY(SELECT meeting FROM ready))
    RETURNING meeting
)
SELECT meeting FROM ready WHERE meeting IN (SELECT meeting FROM claimed) ORDER BY next_at, meeting";

/// When something is due next.
pub const NEXT_DUE: &str = "SELECT min(next_at) AS next_at FROM deadlines";

/// Open meetings whose deadline was computed under another policy than `$1`: at most `$2`. Planned with its values.
pub const OUTDATED: &str = "
(SELECT meeting FROM deadlines WHERE open AND fingerprint IS NULL LIMIT $2)
UNION ALL
(SELECT meeting FROM deadlines WHERE open AND fingerprint < $1 LIMIT $2)
UNION ALL
(SELECT meeting FROM deadlines WHERE open AND fingerprint > $1 LIMIT $2)
LIMIT $2";

/// A page of a history.
pub const HISTORY: &str =
    "SELECT seq, document FROM history WHERE meeting = $1 AND seq > $2 ORDER BY seq LIMIT $3";

/// Before which transaction no other is under way.
pub const FEED_END: &str = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS oldest";

/// What was written to all histories after a place: by transactions before which no other is under way, in their order.
/// Whether there can be such a place is told also when there is nothing.
pub const FEED: &str = "
SELECT place.is_known, line.written_by::text AS written_by, line.meeting, line.seq, line.document
FROM (SELECT $1::text::xid8 <= pg_snapshot_xmax(pg_current_snapshot()) AS is_known) AS place
LEFT JOIN LATERAL (
    SELECT written_by, meeting, seq, document FROM history
    WHERE (written_by, meeting, seq) > ($1::text::xid8, $2::uuid, $3::bigint)
        AND written_by < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY written_by, meeting, seq LIMIT $4
) AS line ON place.is_known
ORDER BY line.written_by, line.meeting, line.seq";

/// Meetings with what their rooms set for themselves.
pub const LOAD_ALL: &str = loaded!("WHERE meetings.id = ANY ($1)");
