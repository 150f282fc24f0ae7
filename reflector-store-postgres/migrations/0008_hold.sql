-- Since when unforced closes are on hold: no row if they are not.
CREATE TABLE hold (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    since bigint NOT NULL
);
