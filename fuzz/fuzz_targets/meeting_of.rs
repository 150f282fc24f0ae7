#![no_main]

use reflector_fuzz::targets::names::meeting_of;

libfuzzer_sys::fuzz_target!(|input: &[u8]| meeting_of(input));
