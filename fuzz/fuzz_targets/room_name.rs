#![no_main]

use reflector_fuzz::targets::names::room_name;

libfuzzer_sys::fuzz_target!(|input: &[u8]| room_name(input));
