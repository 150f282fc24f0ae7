-- Instants are whole microseconds since 1970. Fingerprints and endpoints are 64 bits without a sign, kept as those of a
-- bigint. Documents are JSON as the core writes it. Keys from outside are escaped or shortened by the program.

CREATE TABLE rooms (
    id uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    is_shared boolean NOT NULL,
    -- A deleted room stays: its meetings live on under its policy.
    deleted_at bigint,
    -- What is read with each of its meetings, apart from the rest of it.
    policy text NOT NULL,
    document text NOT NULL
);

CREATE UNIQUE INDEX rooms_name ON rooms (name) WHERE deleted_at IS NULL;

-- Most writes of a meeting change nothing by which it is found: with room on its page they touch no index.
CREATE TABLE meetings (
    id uuid PRIMARY KEY,
    room_id uuid NOT NULL REFERENCES rooms (id),
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    start_at bigint NOT NULL,
    -- Null while it is open.
    closed_at bigint,
    forced boolean NOT NULL,
    claim text COLLATE "C",
    provider text COLLATE "C" NOT NULL,
    external_id text COLLATE "C",
    room_name text COLLATE "C",
    -- How many entries its history ever had, and whether some of them are still there.
    entries bigint NOT NULL,
    has_history boolean NOT NULL,
    document text NOT NULL
) WITH (fillfactor = 70);

CREATE UNIQUE INDEX meetings_claim ON meetings (room_id, claim) WHERE claim IS NOT NULL;
CREATE INDEX meetings_open ON meetings (room_id, start_at, id) WHERE closed_at IS NULL;
CREATE INDEX meetings_open_by_age ON meetings (created_at, id) WHERE closed_at IS NULL;
CREATE INDEX meetings_by_age ON meetings (created_at, id);
CREATE INDEX meetings_of_room_by_age ON meetings (room_id, created_at, id);
CREATE INDEX meetings_external_id ON meetings (provider, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX meetings_room_name ON meetings (provider, room_name) WHERE room_name IS NOT NULL;
CREATE INDEX meetings_closed ON meetings (closed_at, id) WHERE closed_at IS NOT NULL AND has_history;

-- The deadline index. Apart from the meetings: a claim of a sweep rewrites a narrow row, and no meeting.
CREATE TABLE deadlines (
    meeting uuid PRIMARY KEY,
    -- When a sweep gives it out next: its deadline, or the end of a claim.
    next_at bigint NOT NULL,
    due_at bigint NOT NULL,
    -- Of the deployment's policy; null once the room has changed.
    fingerprint bigint,
    open boolean NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX deadlines_next ON deadlines (next_at, meeting);
CREATE INDEX deadlines_fingerprint ON deadlines (fingerprint) WHERE open;

CREATE TABLE history (
    meeting uuid NOT NULL,
    seq bigint NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (meeting, seq)
);

CREATE TABLE effects (
    meeting uuid NOT NULL,
    version bigint NOT NULL,
    index integer NOT NULL,
    kind text NOT NULL,
    -- 0 for closes, 1 for opens, 2 for the rest.
    urgency smallint NOT NULL,
    owed_at bigint NOT NULL,
    -- When it can be claimed next.
    ready_at bigint NOT NULL,
    claimed_until bigint,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    settled_at bigint,
    document text NOT NULL,
    PRIMARY KEY (meeting, version, index)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX effects_ready ON effects (urgency, ready_at, meeting, version, index) WHERE settled_at IS NULL;
CREATE INDEX effects_settled ON effects (settled_at) WHERE settled_at IS NOT NULL;

-- Messages that a commit has taken in. The newest of an endpoint proves that it is heard.
CREATE TABLE deliveries (
    provider text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    endpoint bigint NOT NULL,
    received_at bigint NOT NULL,
    PRIMARY KEY (provider, id)
);

CREATE INDEX deliveries_endpoint ON deliveries (provider, endpoint, received_at);
CREATE INDEX deliveries_received ON deliveries (received_at);

-- Messages that wait for their meeting.
CREATE TABLE kept_deliveries (
    provider text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    external_id text COLLATE "C",
    room_name text COLLATE "C",
    received_at bigint NOT NULL,
    -- Its id and the room it speaks of as they came, where those above may be shortened.
    whole_id text NOT NULL,
    whole_external_id text,
    whole_room_name text,
    document text NOT NULL,
    PRIMARY KEY (provider, id)
);

CREATE INDEX kept_deliveries_external_id ON kept_deliveries (provider, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX kept_deliveries_room_name ON kept_deliveries (provider, room_name) WHERE room_name IS NOT NULL;
CREATE INDEX kept_deliveries_received ON kept_deliveries (received_at, provider, id);

-- What is heard of endpoints apart from the messages that commits took in and that are still there.
CREATE TABLE heard (
    provider text COLLATE "C" NOT NULL,
    endpoint bigint NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (provider, endpoint)
) WITH (fillfactor = 50);

-- The heart: one row.
CREATE TABLE listening (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    since bigint NOT NULL,
    last_beat bigint NOT NULL
) WITH (fillfactor = 20);
