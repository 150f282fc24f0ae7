//! The document of the API: one and the same wherever it is asked for, and what is checked in.

use crate::program::{Program, run};

#[test]
fn the_document_that_is_checked_in_is_the_one_that_the_program_shows() {
    let program = Program::start();
    let printed = run(program.folder().path(), &[], &["openapi"]);
    assert_eq!(printed.status.code(), Some(0), "{printed:?}");
    let printed = String::from_utf8(printed.stdout).expect("text");
    let served = program.get("/openapi.json");
    assert_eq!((served.status, served.header("content-type")), (200, Some("application/json")));
    assert_eq!(served.text(), printed);
    let kept = include_str!("../../../docs/openapi.json");
    assert!(printed == kept, "renew it and look at what changed: cargo run -- openapi > docs/openapi.json");
}

#[test]
fn the_page_of_the_api_and_what_it_loads_are_there() {
    let program = Program::start();
    let page = program.get("/docs");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(
        page.header("content-security-policy"),
        Some("default-src 'self'; frame-ancestors 'none'"),
        "nothing can be loaded from elsewhere"
    );
    let mut loaded = 0;
    for target in page.text().split("<link ").skip(1).filter_map(|link| link.split("href=\"").nth(1)) {
        let path = target.split('"').next().expect("it ends");
        assert_eq!(program.get(path).status, 200, "{path}");
        loaded += 1;
    }
    assert_eq!(loaded, 2, "an icon and a style");
}
