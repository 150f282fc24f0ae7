-- Transcripts, what their stages made, what rooms' owners are to be told of them, and what participants said of being
-- recorded.

CREATE TABLE transcripts (
    id uuid PRIMARY KEY,
    recording uuid NOT NULL,
    room_id uuid NOT NULL,
    -- Which write of it this is; a claim is one.
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    -- When its run can be claimed next; null once that is over.
    ready_at bigint,
    -- Before when the run cannot be claimed, in whoever's hands it is.
    waits_until bigint,
    claimed_until bigint,
    -- How far the stage is that is being worked on.
    progress_done bigint,
    progress_of bigint,
    document text NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE UNIQUE INDEX transcripts_recording ON transcripts (recording);
CREATE INDEX transcripts_ready ON transcripts (ready_at, id) WHERE ready_at IS NOT NULL;
CREATE INDEX transcripts_by_age ON transcripts (created_at, id);
CREATE INDEX transcripts_unfinished ON transcripts (created_at, id) WHERE ready_at IS NOT NULL;
CREATE INDEX transcripts_of_room ON transcripts (room_id, created_at, id);

CREATE TABLE made (
    transcript uuid NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    stage text COLLATE "C" NOT NULL,
    -- As it came, where the one above may be shortened.
    whole_stage text NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (transcript, stage)
);

CREATE TABLE notices (
    id text COLLATE "C" PRIMARY KEY,
    -- As it came, where the one above may be shortened.
    whole_id text NOT NULL,
    room_id uuid NOT NULL,
    event text NOT NULL,
    body text NOT NULL,
    owed_at bigint NOT NULL,
    -- When it can be claimed next.
    ready_at bigint NOT NULL,
    claimed_until bigint,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    settled_at bigint
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX notices_ready ON notices (ready_at, id) WHERE settled_at IS NULL;
CREATE INDEX notices_settled ON notices (settled_at, id) WHERE settled_at IS NOT NULL;

-- The newest answer of each participant, who is known by the hash of their token.
CREATE TABLE consents (
    meeting uuid NOT NULL,
    participant bytea NOT NULL,
    given boolean NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (meeting, participant)
);

-- What a deployment has once: one row.
CREATE TABLE deployment (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    key bytea NOT NULL
);
