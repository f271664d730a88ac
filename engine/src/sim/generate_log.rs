//! What the background controller logs about a generate rule beside what it makes, and the words for errors of `foreach`.
//!
//! Follows `pkg/background/generate/{controller,generator}.go`.

use super::Cluster;
use super::background::{Attempt, COMPONENT, CONTROLLER, GENERATOR};
use crate::policy::rule::Rule;
use crate::policy::{ClassicPolicy, lint};

impl Cluster {
    /// A synchronized rule that uses variables of the user may not be applied again later.
    pub(super) fn warn_of_user_variables(
        &mut self,
        attempt: &Attempt,
        policy: &ClassicPolicy,
        rule: &Rule,
        place: &str,
    ) {
        if !rule.generate.as_ref().is_some_and(|generate| generate.synchronize) {
            return;
        }
        for variable in lint::variables_of_users(&policy.raw, &rule.name) {
            let text = format!(
                "warning: resources with admission request variables may not be regenerated logger=background name={} policy={} rule={} trigger={place} v=2 variable={variable}",
                attempt.name, policy.name, rule.name
            );
            self.log_line(COMPONENT, "TRC", CONTROLLER, self.behaviour.line_variables, &text, attempt.seq, false);
        }
    }

    /// Targets that could not be made, because the source of a clone is not there.
    pub(super) fn log_refused(
        &mut self,
        attempt: &Attempt,
        policy: &ClassicPolicy,
        rule: &str,
        place: &str,
        refused: &[(String, String)],
    ) {
        for (target, error) in refused {
            let error = serde_json::to_string(error).unwrap_or_default();
            let text = format!(
                "failed to generate resource error={error} logger=background mode=SKIP name={} policy={} rule={rule} target={target} trigger={place}",
                attempt.name, policy.name
            );
            self.log_line(COMPONENT, "ERR", GENERATOR, self.behaviour.line_refused, &text, attempt.seq, false);
        }
    }

    /// A target that is there, and that the API server would not change.
    pub(super) fn log_not_updated(
        &mut self,
        attempt: &Attempt,
        policy: &ClassicPolicy,
        rule: &str,
        error: &str,
        seq: u32,
    ) {
        let error = serde_json::to_string(error).unwrap_or_default();
        let text = format!(
            "failed to update resource error={error} logger=background name={} policy={} rule={rule}",
            attempt.name, policy.name
        );
        self.log_line(COMPONENT, "ERR", GENERATOR, self.behaviour.line_not_updated, &text, seq, false);
    }
}

/// The error of a `foreach` rule from those of its elements, each with its `foreach` and its place in the list. They are
/// wrapped: that the API server did not find something is not seen any more.
#[must_use]
pub fn of_elements(rule: &str, failed: Vec<((usize, usize), String)>) -> Option<String> {
    let mut lists: Vec<(usize, Vec<String>)> = Vec::new();
    for ((list, element), words) in failed {
        let words = format!("failed to process {element} element: {words}");
        match lists.last_mut().filter(|(last, _)| *last == list) {
            Some((_, all)) => all.push(words),
            None => lists.push((list, vec![words])),
        }
    }
    let one = |(list, all): (usize, Vec<String>)| {
        format!("failed to process {list} foreach in rule {rule}: {}", all.join("; "))
    };
    (!lists.is_empty()).then(|| lists.into_iter().map(one).collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_elements_are_joined_by_their_list() {
        let failed = vec![((0, 1), "a".to_owned()), ((0, 2), "b".to_owned()), ((1, 0), "c".to_owned())];
        let words = "failed to process 0 foreach in rule r: failed to process 1 element: a; failed to process 2 element: b; \
                     failed to process 1 foreach in rule r: failed to process 0 element: c";
        assert_eq!(of_elements("r", failed).as_deref(), Some(words));
        assert_eq!(of_elements("r", Vec::new()), None);
    }
}
