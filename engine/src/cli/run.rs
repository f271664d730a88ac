//! `stepgate run`
use super::End;
use crate::scenario::files::Files;
use crate::scenario::report::TestReport;

pub(super) fn command(_arguments: &[String]) -> End {
    End::Misused("run is not there yet".into())
}

pub(super) fn check(_files: &dyn Files, path: &str) -> TestReport {
    TestReport::failed(path, "", "scenario", "not run")
}
