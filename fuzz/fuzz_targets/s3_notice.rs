#![no_main]

use reflector_fuzz::targets::recordings::s3_notice;

libfuzzer_sys::fuzz_target!(|input: &[u8]| s3_notice(input));
