#![no_main]

use reflector_fuzz::targets::configuration::run;

libfuzzer_sys::fuzz_target!(|input: &[u8]| run(input));
