//! The upstream suites against the ledger. Needs `STEPGATE_CONFORMANCE`, the directory of the suites, and feature `cli`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]
#![cfg(feature = "cli")]

use stepgate_engine::cli;

#[test]
fn the_suites_come_out_as_the_ledger_says() {
    let Ok(root) = std::env::var("STEPGATE_CONFORMANCE") else {
        eprintln!("SKIPPED: set STEPGATE_CONFORMANCE to the directory of Kyverno's test suites to run them");
        return;
    };
    let reports = cli::run_suite(&cli::Disk, &cli::find_tests(&root));
    assert!(!reports.is_empty(), "{root} holds no tests");
    let difference = cli::compare_ledger(&reports).unwrap_or_else(|error| panic!("{error}"));
    assert!(
        difference.is_empty(),
        "update the ledger with `cargo stepgate test --update-ledger` when this is meant:\n{difference:#?}"
    );
}
