//! What goes on, counted.

/// Open meetings by provider and phase. The phase is in the document alone: an index of it would be written with every coming
/// and going. It stands behind all that anybody may have written into the meeting, and what is written into a text has
/// its quotes escaped, so that the last of these words are ours; read as JSON, a meeting with a zero in its calendar's words
/// could not be counted.
pub const TALLY_MEETINGS: &str = r#"
SELECT provider, split_part(split_part(document, '"life":{"phase":{"phase":"', -1), '"', 1) AS phase,
    count(*) AS meetings
FROM meetings WHERE closed_at IS NULL GROUP BY 1, 2"#;

/// Owed work by kind, with the oldest of each.
pub const TALLY_WORK: &str = "
SELECT kind, count(*) AS pieces, min(owed_at) AS oldest FROM effects WHERE settled_at IS NULL GROUP BY kind";
