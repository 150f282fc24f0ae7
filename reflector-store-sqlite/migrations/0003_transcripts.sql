-- Transcripts, what their stages made, what rooms' owners are to be told of them, and what participants said of being
-- recorded.

CREATE TABLE transcripts (
    id            BLOB    NOT NULL PRIMARY KEY,
    recording     BLOB    NOT NULL,
    room_id       BLOB    NOT NULL,
    -- Which write of it this is; a claim is one.
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    -- When its run can be claimed next; none once that is over.
    ready_at      INTEGER,
    -- Before when the run cannot be claimed, in whoever's hands it is.
    waits_until   INTEGER,
    claimed_until INTEGER,
    -- How far the stage is that is being worked on.
    progress_done INTEGER,
    progress_of   INTEGER,
    document      TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX transcripts_by_recording ON transcripts (recording);
CREATE INDEX transcripts_ready ON transcripts (ready_at, id) WHERE ready_at IS NOT NULL;
CREATE INDEX transcripts_by_age ON transcripts (created_at, id);
CREATE INDEX transcripts_unfinished ON transcripts (created_at, id) WHERE ready_at IS NOT NULL;
-- That it ends with what it is asked about lets those that are not over be counted without a look at the table.
CREATE INDEX transcripts_of_room ON transcripts (room_id, created_at, id, ready_at);

CREATE TABLE made (
    transcript BLOB NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    stage      TEXT NOT NULL,
    text       TEXT NOT NULL,
    PRIMARY KEY (transcript, stage)
) STRICT;

CREATE TABLE notices (
    id            TEXT    NOT NULL PRIMARY KEY,
    room_id       BLOB    NOT NULL,
    event         TEXT    NOT NULL,
    body          TEXT    NOT NULL,
    owed_at       INTEGER NOT NULL,
    -- When it can be claimed next: when its time has come, or the claim on it has run out.
    ready_at      INTEGER NOT NULL,
    claimed_until INTEGER,
    attempts      INTEGER NOT NULL,
    last_error    TEXT,
    settled_at    INTEGER
) STRICT;
CREATE INDEX notices_ready ON notices (ready_at, id) WHERE settled_at IS NULL;
CREATE INDEX notices_settled ON notices (settled_at, id) WHERE settled_at IS NOT NULL;

-- The newest answer of each participant, who is known by the hash of their token.
CREATE TABLE consents (
    meeting_id  BLOB    NOT NULL,
    participant BLOB    NOT NULL,
    is_given    INTEGER NOT NULL,
    given_at    INTEGER NOT NULL,
    PRIMARY KEY (meeting_id, participant)
) STRICT, WITHOUT ROWID;

-- What a deployment has once: one row.
CREATE TABLE deployment (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    key BLOB    NOT NULL
) STRICT;
