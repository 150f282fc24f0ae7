//! Whereby, end to end.
