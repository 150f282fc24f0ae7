//! About recordings, and messages that cannot be read.

/// What whoever takes recordings in holds, of the table in this schema.
macro_rules! turn {
    () => {
        "1380270927, 'recordings'::regclass::oid::integer"
    };
}

/// Takes in a batch, all of it or nothing, and tells what was there of each item's object and key before: one row for each.
///
/// The batch was judged from what was known before: of each item's key the newest revision was `$5` (0 for none), and the
/// item becomes revision `$6`, or is not kept if that is null. What is there may be another thing by now: then nothing is
/// written (`stored`), and what it tells is what to judge from. Of what others write meanwhile it sees nothing, but a row
/// for the same revision makes it fail on the primary key. Whoever has failed so asks again in [`TAKE_TURNS`], which waits
/// for the lock that is held here.
pub const TAKE_IN: &str = concat!(
    "
WITH turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock_shared(",
    turn!(),
    ")
), batch AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::bytea[], $4::text[], $5::integer[], $6::integer[], $7::uuid[], $8::bigint[],
        $9::uuid[], $10::text[], $11::text[]
    ) WITH ORDINALITY AS item (
        bucket, key, object, sequencer, newest, revision, id, received_at, room_id, status, document, place
    )
), seen AS MATERIALIZED (
    SELECT batch.place, batch.newest AS expected, newest.revision, newest.sequencer, known.id, known.status
    FROM batch LEFT JOIN LATERAL (
        SELECT revision, sequencer FROM recordings
        WHERE bucket = batch.bucket AND key = batch.key ORDER BY revision DESC LIMIT 1
    ) AS newest ON true LEFT JOIN LATERAL (
        SELECT id, CASE WHEN deleted_at IS NULL THEN status END AS status FROM recordings
        WHERE object = batch.object LIMIT 1
    ) AS known ON true
), judged AS MATERIALIZED (
    SELECT NOT EXISTS (SELECT FROM seen WHERE coalesce(revision, 0) <> expected) AS from_this FROM turn
), written AS (
    INSERT INTO recordings (
        bucket, key, revision, object, id, version, sequencer, received_at, room_id, status, document
    )
    SELECT bucket, key, revision, object, id, 1, sequencer, received_at, room_id, status, document FROM batch
    WHERE revision IS NOT NULL AND (SELECT from_this FROM judged)
    ORDER BY bucket, key, revision
), owed AS (",
    owing!("(SELECT FROM judged WHERE from_this) AS sound", "$12", "$13", "$14", "$15", "$16", "$17"),
    ")
SELECT seen.revision, seen.sequencer, seen.id, seen.status, judged.from_this AS stored FROM seen, judged
ORDER BY seen.place"
);

/// Waits until nobody takes recordings in, and keeps everybody else from it until the transaction ends.
pub const TAKE_TURNS: &str = concat!("SELECT pg_advisory_xact_lock(", turn!(), ")");

/// The meetings that had each of these rooms: by the room's name (`$2`) at its provider (`$1`), or by the meeting (`$3`).
pub const CANDIDATES: &str = "
SELECT sought.place, found.id, found.room_id, found.created_at, found.closed_at
FROM unnest($1::text[], $2::text[], $3::uuid[]) WITH ORDINALITY AS sought (provider, name, meeting, place)
CROSS JOIN LATERAL (
    SELECT id, room_id, created_at, closed_at FROM meetings
    WHERE provider = sought.provider AND room_name = sought.name
    UNION
    SELECT id, room_id, created_at, closed_at FROM meetings WHERE id = sought.meeting AND provider = sought.provider
) AS found";

/// A recording.
pub const LOAD_RECORDING: &str =
    "SELECT document, version FROM recordings WHERE id = $1 AND deleted_at IS NULL";

/// Writes a recording over the version that it was read in.
pub const CHANGE_RECORDING: &str = concat!(
    "
WITH written AS (
    UPDATE recordings SET version = version + 1, room_id = $3::uuid, status = $4::text, document = $5::text
    WHERE id = $1::uuid AND version = $2::bigint AND deleted_at IS NULL
    RETURNING id
), owed AS (",
    owing!("written", "$6", "$7", "$8", "$9", "$10", "$11"),
    ")
SELECT EXISTS (SELECT FROM written) AS stored"
);

/// Deletes a recording.
pub const DELETE_RECORDING: &str =
    "UPDATE recordings SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL";

/// A page of the recordings, and how many there are: of one status (`$1`) or all, of one room (`$2`) or all. Planned with
/// its values, so that what they leave open is not there.
pub const LIST_RECORDINGS: &str = "
WITH seen AS NOT MATERIALIZED (
    SELECT received_at, id, document FROM recordings
    WHERE deleted_at IS NULL AND ($1::text IS NULL OR status = $1::text) AND ($2::uuid IS NULL OR room_id = $2::uuid)
)
SELECT (SELECT count(*) FROM seen) AS total, page.document
FROM (SELECT) AS once LEFT JOIN LATERAL (
    SELECT received_at, id, document FROM seen ORDER BY received_at DESC, id DESC OFFSET $3 LIMIT $4
) AS page ON true
ORDER BY page.received_at DESC, page.id DESC";

/// The same of the rooms of one owner (`$5`).
pub const LIST_RECORDINGS_OF_OWNER: &str = "
WITH seen AS NOT MATERIALIZED (
    SELECT recordings.received_at, recordings.id, recordings.document
    FROM rooms JOIN recordings ON recordings.room_id = rooms.id
    WHERE rooms.owner = $5 AND rooms.deleted_at IS NULL AND recordings.deleted_at IS NULL
        AND ($1::text IS NULL OR recordings.status = $1::text)
        AND ($2::uuid IS NULL OR recordings.room_id = $2::uuid)
)
SELECT (SELECT count(*) FROM seen) AS total, page.document
FROM (SELECT) AS once LEFT JOIN LATERAL (
    SELECT received_at, id, document FROM seen ORDER BY received_at DESC, id DESC OFFSET $3 LIMIT $4
) AS page ON true
ORDER BY page.received_at DESC, page.id DESC";

/// Recordings whose meeting nobody knows, received since `$1`, after the place `$2` and `$3`: at most `$4`, the oldest
/// first. Planned with its values.
pub const UNMATCHED: &str = "
SELECT document, version FROM recordings
WHERE status = 'unmatched' AND deleted_at IS NULL AND received_at >= $1
    AND ($2::bigint IS NULL OR (received_at, id) > ($2::bigint, $3::uuid))
ORDER BY received_at, id LIMIT $4";

/// Keeps a message that cannot be read, unless it is kept.
pub const SET_ASIDE: &str = "
INSERT INTO dead_letters (id, whole_id, body, error, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";

/// A page of the messages that were set aside, and how many there are. Planned with its values.
pub const DEAD_LETTERS: &str = "
SELECT (SELECT count(*) FROM dead_letters) AS total, page.whole_id, page.body, page.error, page.at
FROM (SELECT) AS once LEFT JOIN LATERAL (
    SELECT * FROM dead_letters ORDER BY at DESC, id DESC OFFSET $1 LIMIT $2
) AS page ON true
ORDER BY page.at DESC, page.id DESC";
