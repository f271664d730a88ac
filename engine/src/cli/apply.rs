//! `stepgate apply`
use super::End;

pub(super) fn command(_arguments: &[String]) -> End {
    End::Misused("apply is not there yet".into())
}
