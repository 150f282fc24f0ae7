//! About transcripts: their runs, and what the stages made.

/// Recordings that wait for a run: at most `$1`, the oldest first. Planned with its values.
pub const AWAITING: &str = "
SELECT document, version FROM recordings WHERE status = 'pending' AND deleted_at IS NULL
ORDER BY received_at, id LIMIT $1";

/// Begins the run of a recording (`$1`) over the version that it was read in (`$2`) and the version of its transcript
/// (`$6`, `$13`), all of it or nothing, and drops what that had.
///
/// What a commit made that was faster is not seen here and would stay, but it left another version. A transcript is
/// locked before its recording, here and in [`COMMIT_RUN`].
pub const BEGIN_RUN: &str = "
WITH held AS MATERIALIZED (
    SELECT id, version FROM transcripts WHERE recording = $1::uuid FOR UPDATE
), judged AS MATERIALIZED (
    SELECT NOT EXISTS (SELECT FROM held WHERE id <> $6::uuid)
        AND (SELECT version FROM held) IS NOT DISTINCT FROM $13::bigint AS is_that
), recorded AS (
    UPDATE recordings SET version = version + 1, room_id = $3::uuid, status = $4::text, document = $5::text
    FROM judged
    WHERE recordings.id = $1::uuid AND recordings.version = $2::bigint AND recordings.deleted_at IS NULL
        AND judged.is_that
    RETURNING recordings.id
), dropped AS (
    DELETE FROM made USING recorded WHERE made.transcript = $6::uuid
), begun AS (
    INSERT INTO transcripts (id, recording, room_id, version, created_at, ready_at, waits_until, document)
    SELECT $6::uuid, recorded.id, $7::uuid, $8::bigint, $9::bigint, $10::bigint, $11::bigint, $12::text FROM recorded
    ON CONFLICT (id) DO UPDATE SET
        recording = excluded.recording, room_id = excluded.room_id, version = transcripts.version + 1,
        created_at = excluded.created_at, ready_at = excluded.ready_at, waits_until = excluded.waits_until,
        claimed_until = NULL, progress_done = NULL, progress_of = NULL, document = excluded.document
)
SELECT EXISTS (SELECT FROM recorded) AS stored";

/// Writes one change of a transcript (`$1`) over the version that it was made from (`$2`), all of it or nothing.
///
/// If it says how its recording (`$13`) stands, that is written over the version that it was read in (`$14`), or left as it
/// is if there is nothing to write (`$16`); if that version is gone, nothing is written, and the recording is to be read
/// once more (`held`, and not `stored`).
pub const COMMIT_RUN: &str = concat!(
    "
WITH held AS MATERIALIZED (
    SELECT id FROM transcripts WHERE id = $1::uuid AND version = $2::bigint FOR UPDATE
), stands AS MATERIALIZED (
    SELECT version FROM recordings WHERE EXISTS (SELECT FROM held) AND id = $13::uuid AND deleted_at IS NULL FOR UPDATE
), judged AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM held) AS held,
        $13::uuid IS NULL OR EXISTS (SELECT FROM stands WHERE version = $14::bigint) AS as_read
), written AS (
    UPDATE transcripts SET
        version = version + 1, room_id = $3::uuid, created_at = $4::bigint, ready_at = $5::bigint,
        waits_until = $6::bigint, claimed_until = $7::bigint, progress_done = NULL, progress_of = NULL,
        document = $8::text
    FROM judged WHERE transcripts.id = $1::uuid AND judged.held AND judged.as_read
    RETURNING transcripts.id
), told AS (
    UPDATE recordings SET version = version + 1, status = $15::text, document = $16::text
    FROM written WHERE recordings.id = $13::uuid AND $16::text IS NOT NULL
), dropped AS (
    DELETE FROM made USING written
    WHERE made.transcript = written.id AND made.stage = ANY ($12::text[]) AND made.stage IS DISTINCT FROM $9::text
), kept AS (
    INSERT INTO made (transcript, stage, whole_stage, text)
    SELECT written.id, $9::text, $10::text, $11::text FROM written WHERE $9::text IS NOT NULL
    ON CONFLICT (transcript, stage) DO UPDATE SET text = excluded.text
), owed AS (",
    owing!("written", "$17", "$18", "$19", "$20", "$21", "$22"),
    ")
SELECT EXISTS (SELECT FROM written) AS stored, held FROM judged"
);

/// A transcript.
pub const LOAD_TRANSCRIPT: &str = "
SELECT document, version, claimed_until, progress_done, progress_of FROM transcripts WHERE id = $1";

/// The transcript of a recording.
pub const TRANSCRIPT_OF: &str = "
SELECT document, version, claimed_until, progress_done, progress_of FROM transcripts WHERE recording = $1";

/// What the stages of a transcript made.
pub const MADE: &str = "SELECT whole_stage, text FROM made WHERE transcript = $1";

/// Gives out runs that are ready at `$1`, and to nobody else until `$2`: at most `$3`, the longest-waiting first; only that
/// of a transcript (`$4`), or all. Planned with its values.
pub const CLAIM_RUNS: &str = "
WITH ready AS MATERIALIZED (
    SELECT id, ready_at FROM transcripts WHERE ready_at <= $1 AND ($4::uuid IS NULL OR id = $4::uuid)
    ORDER BY ready_at, id LIMIT $3 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE transcripts SET
        version = version + 1, ready_at = greatest(waits_until, $2), claimed_until = $2,
        progress_done = NULL, progress_of = NULL
    WHERE id = ANY (ARRAY(SELECT id FROM ready))
    RETURNING *
)
SELECT claimed.document, claimed.version, claimed.claimed_until, claimed.progress_done, claimed.progress_of
FROM claimed JOIN ready USING (id)
ORDER BY ready.ready_at, ready.id";

/// Prolongs a claim to `$3`, and keeps how far its stage is. A run that is over does not become ready by it.
pub const BEAT_RUN: &str = "
UPDATE transcripts SET
    claimed_until = $3, ready_at = CASE WHEN ready_at IS NOT NULL THEN greatest(waits_until, $3) END,
    progress_done = $4, progress_of = $5
WHERE id = $1 AND version = $2 AND claimed_until IS NOT NULL";

/// When there is a run to claim next.
pub const NEXT_RUN: &str = "SELECT min(ready_at) AS ready_at FROM transcripts WHERE ready_at IS NOT NULL";

/// A page of the transcripts, and how many there are: of one room (`$1`) or all, and only those that are not over (`$2`).
/// Planned with its values, so that what they leave open is not there.
pub const LIST_TRANSCRIPTS: &str = "
WITH seen AS NOT MATERIALIZED (
    SELECT * FROM transcripts
    WHERE ($1::uuid IS NULL OR room_id = $1::uuid) AND (NOT $2::boolean OR ready_at IS NOT NULL)
)
SELECT (SELECT count(*) FROM seen) AS total, page.document, page.version, page.claimed_until, page.progress_done,
    page.progress_of
FROM (SELECT) AS once LEFT JOIN LATERAL (
    SELECT * FROM seen ORDER BY created_at DESC, id DESC OFFSET $3 LIMIT $4
) AS page ON true
ORDER BY page.created_at DESC, page.id DESC";

/// The same of the rooms of one owner (`$5`).
pub const LIST_TRANSCRIPTS_OF_OWNER: &str = "
WITH seen AS NOT MATERIALIZED (
    SELECT transcripts.* FROM rooms JOIN transcripts ON transcripts.room_id = rooms.id
    WHERE rooms.owner = $5 AND rooms.deleted_at IS NULL
        AND ($1::uuid IS NULL OR transcripts.room_id = $1::uuid)
        AND (NOT $2::boolean OR transcripts.ready_at IS NOT NULL)
)
SELECT (SELECT count(*) FROM seen) AS total, page.document, page.version, page.claimed_until, page.progress_done,
    page.progress_of
FROM (SELECT) AS once LEFT JOIN LATERAL (
    SELECT * FROM seen ORDER BY created_at DESC, id DESC OFFSET $3 LIMIT $4
) AS page ON true
ORDER BY page.created_at DESC, page.id DESC";

/// Deletes a transcript, and what its stages made.
pub const DELETE_TRANSCRIPT: &str = "DELETE FROM transcripts WHERE id = $1";
