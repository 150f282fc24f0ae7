-- Keys with which programs call, each known by the hash of its text.
CREATE TABLE api_keys (
    id          BLOB    NOT NULL PRIMARY KEY,
    hash        BLOB    NOT NULL,
    user        TEXT    NOT NULL,
    is_operator INTEGER NOT NULL,
    made_at     INTEGER NOT NULL,
    revoked_at  INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
