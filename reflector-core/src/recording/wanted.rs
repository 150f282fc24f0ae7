//! Which objects are recordings (rule R4).

/// Which objects are recordings: those with a wanted ending, in a wanted bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The endings of their keys, such as `.mp4`; large and small letters are the same.
    pub suffixes: Vec<String>,
    /// The buckets they may be in; any, if none is named.
    pub buckets: Vec<String>,
}

impl Default for Wanted {
    /// What ends in `.mp4`, in any bucket.
    fn default() -> Self {
        Self { suffixes: vec![".mp4".to_owned()], buckets: Vec::new() }
    }
}

impl Wanted {
    /// Whether an object is one. What is called by its ending alone is none.
    pub fn holds(&self, bucket: &str, key: &str) -> bool {
        let file = key.rsplit('/').next().unwrap_or_default();
        let ends = |suffix: &String| {
            let rest = file.len().checked_sub(suffix.len()).filter(|rest| *rest > 0);
            rest.and_then(|rest| file.get(rest..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        };
        self.suffixes.iter().any(ends)
            && (self.buckets.is_empty() || self.buckets.iter().any(|wanted| wanted == bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_and_the_bucket_tell() {
        let any = Wanted::default();
        for (key, wanted) in [
            ("a.mp4", true),
            ("a/b.MP4", true),
            ("ü.mp4", true),
            ("a.txt", false),
            ("a.mp4/", false),
            ("a/.mp4", false),
            (".mp4", false),
            ("mp4", false),
            ("", false),
        ] {
            assert_eq!(any.holds("b", key), wanted, "{key}");
        }
        let listed = Wanted { buckets: vec!["b".to_owned()], ..Wanted::default() };
        assert!(listed.holds("b", "a.mp4") && !listed.holds("c", "a.mp4"));
    }
}
