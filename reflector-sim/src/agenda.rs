//! What is to happen, in order: by its instant, and of the same instant by when it was put down.

use std::collections::BTreeMap;

use reflector_core::Timestamp;

/// Where something stands on an agenda.
pub(crate) type Place = (Timestamp, u64);

/// What is to happen, and how much of it has. Its numbers are each given once.
pub(crate) struct Agenda<H> {
    happenings: BTreeMap<Place, H>,
    numbers: u64,
    happened: u64,
}

impl<H> Agenda<H> {
    pub(crate) fn new() -> Self {
        Self { happenings: BTreeMap::new(), numbers: 0, happened: 0 }
    }

    /// A number that nothing else has.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn put(&mut self, at: Timestamp, happening: H) -> Place {
        let place = (at, self.number());
        self.happenings.insert(place, happening);
        place
    }

    /// Whether what stands at a place comes by this instant. If it would come later, it is taken off.
    pub(crate) fn comes_by(&mut self, by: Timestamp, place: Place) -> bool {
        let comes = place.0 <= by && self.happenings.contains_key(&place);
        if !comes {
            self.happenings.remove(&place);
        }
        comes
    }

    /// What happens next.
    pub(crate) fn next(&mut self) -> Option<(Timestamp, H)> {
        let ((at, _), happening) = self.happenings.pop_first()?;
        self.happened += 1;
        Some((at, happening))
    }

    /// What happens next, if that is before this instant.
    pub(crate) fn next_before(&mut self, until: Timestamp) -> Option<(Timestamp, H)> {
        self.happenings.first_key_value().filter(|(place, _)| place.0 < until)?;
        self.next()
    }

    /// How much has happened.
    pub(crate) fn happened(&self) -> u64 {
        self.happened
    }

    /// Nothing more is to happen.
    pub(crate) fn clear(&mut self) {
        self.happenings.clear();
    }
}
