-- Keys with which programs call, each known by the hash of its text.
CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    hash bytea NOT NULL UNIQUE,
    -- As JSON: a name may hold what text here cannot.
    owner text NOT NULL,
    is_operator boolean NOT NULL,
    made_at bigint NOT NULL,
    revoked_at bigint
);
