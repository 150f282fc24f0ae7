//! Holds nothing: this package is its `[[test]]` targets.
