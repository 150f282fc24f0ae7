//! What is written is read again as it was, whatever it holds.

use std::fmt::Debug;

use proptest::prelude::{prop_assert_eq, proptest};
use proptest::test_runner::TestCaseResult;
use reflector_core::testing::strategies;
use serde_json::{from_str, to_string};

use crate::stories::cases;

fn is_read_as_written<T>(written: &T) -> TestCaseResult
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + Debug,
{
    let text = to_string(written).expect("it can be written");
    prop_assert_eq!(&from_str::<T>(&text).expect(&text), written);
    Ok(())
}

macro_rules! read_as_written {
    ($($name:ident: $strategy:expr),* $(,)?) => {
        proptest! {
            #![proptest_config(cases())]
            $(
                #[test]
                fn $name(written in $strategy) {
                    is_read_as_written(&written)?;
                }
            )*
        }
    };
}

read_as_written! {
    a_life_is_read_as_it_was_written: strategies::life(),
    an_event_is_read_as_it_was_written: strategies::event(),
    a_policy_is_read_as_it_was_written: strategies::policy(),
    a_line_of_history_is_read_as_it_was_written: strategies::entry(),
    an_instant_is_read_as_it_was_written: strategies::timestamp(),
    a_room_name_is_read_as_it_was_written: strategies::room_name(),
    a_room_policy_is_read_as_it_was_written: strategies::room_policy(),
    room_settings_are_read_as_they_were_written: strategies::room_settings(),
    a_claim_is_read_as_it_was_written: strategies::claim(),
}
