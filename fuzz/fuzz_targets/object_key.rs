#![no_main]

use reflector_fuzz::targets::recordings::object_key;

libfuzzer_sys::fuzz_target!(|input: &[u8]| object_key(input));
