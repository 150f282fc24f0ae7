//! Rule by rule, a short story for each sentence, with exact instants. Names begin with the number of the rule.

mod closing;
mod coming_and_going;
mod deadlines;
mod order;
mod owner_and_calendar;
