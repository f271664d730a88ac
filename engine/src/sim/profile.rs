//! What differs between the Kyverno versions that can be simulated, as data in one place.

use crate::eval::Profile;

/// What the background controller does when the API server answers `not found` to the creation of a generated resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// An error in the log and a `PolicyError` event (1.15, `pkg/background/generate/controller.go`).
    Error,
    /// One quiet line without the error's text (since 1.16, PR 14056).
    Quiet,
}

/// The behaviour of one version.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// The version.
    pub profile: Profile,
    /// As people write it.
    pub name: &'static str,
    /// The release whose sources are followed.
    pub release: &'static str,
    /// A trigger whose UID is gone is replaced by the object of the admission request (until 1.18).
    pub phantom_trigger_used: bool,
    /// See [`NotFound`].
    pub not_found: NotFound,
    /// An error of a generate rule fails its UpdateRequest (since 1.18, PR 14806); before, it was completed all the same.
    pub error_fails_request: bool,
    /// Deleting a policy or rule removes what its `cloneList` made, too (since 1.19, PR 16329). The code reads as if that went for
    /// `clone` as well; the end-to-end tests of the same release see those stay, and the tests count.
    pub clone_lists_follow_policy: bool,
    /// The permissions of the reports controller are looked at for policies that the background scan evaluates only (since
    /// 1.19, PR 16490); before, for all.
    pub only_background_needs_permissions: bool,
    /// The denial text folds long lines at 80 columns (yaml.v2, until 1.18).
    pub folds_denials: bool,
    /// The webhook warns about the legacy kinds of kyverno.io (since 1.19, `pkg/deprecations`).
    pub legacy_kinds_deprecated: bool,
    /// Lines of `pkg/background/generate/controller.go` that log `start processing UR`.
    pub line_start: u32,
    /// … `warning: reason`.
    pub line_quiet: u32,
    /// … `failed to apply generate rule`.
    pub line_failed: u32,
    /// Line of `pkg/background/generate/generator.go` that logs `created generate target resource`.
    pub line_created: u32,
    /// … `preconditions not met`.
    pub line_preconditions: u32,
    /// … `failed to generate resource`.
    pub line_refused: u32,
    /// … `failed to update resource`.
    pub line_not_updated: u32,
    /// Line of `controller.go` that logs `warning: resources with admission request variables may not be regenerated`.
    pub line_variables: u32,
    /// Line of `pkg/webhooks/resource/validation/validation.go` that logs `validation failed`.
    pub line_validation_failed: u32,
    /// … `validation passed`.
    pub line_validation_passed: u32,
    /// Line of `pkg/webhooks/utils/block.go` that logs `blocking admission request`.
    pub line_blocking: u32,
}

/// 1.15.3, the version of issue 13997.
static V1_15: Behaviour = Behaviour {
    profile: Profile::V1_15,
    name: "1.15",
    release: "v1.15.3",
    phantom_trigger_used: true,
    not_found: NotFound::Error,
    error_fails_request: false,
    clone_lists_follow_policy: false,
    only_background_needs_permissions: false,
    folds_denials: true,
    legacy_kinds_deprecated: false,
    line_start: 99,
    line_quiet: 0,
    line_failed: 301,
    line_created: 167,
    line_preconditions: 105,
    line_refused: 131,
    line_not_updated: 209,
    line_variables: 270,
    line_validation_failed: 122,
    line_validation_passed: 127,
    line_blocking: 29,
};

/// 1.18.2; 1.16 and 1.17 behave alike in what is simulated.
static V1_18: Behaviour = Behaviour {
    profile: Profile::V1_18,
    name: "1.18",
    release: "v1.18.2",
    phantom_trigger_used: true,
    not_found: NotFound::Quiet,
    error_fails_request: true,
    clone_lists_follow_policy: false,
    only_background_needs_permissions: false,
    folds_denials: true,
    legacy_kinds_deprecated: false,
    line_start: 95,
    line_quiet: 307,
    line_failed: 311,
    line_created: 168,
    line_preconditions: 106,
    line_refused: 132,
    line_not_updated: 215,
    line_variables: 275,
    line_validation_failed: 116,
    line_validation_passed: 121,
    line_blocking: 29,
};

/// 1.19.0.
static V1_19: Behaviour = Behaviour {
    profile: Profile::V1_19,
    name: "1.19",
    release: "v1.19.0",
    phantom_trigger_used: false,
    not_found: NotFound::Quiet,
    error_fails_request: true,
    clone_lists_follow_policy: true,
    only_background_needs_permissions: true,
    folds_denials: false,
    legacy_kinds_deprecated: true,
    line_start: 95,
    line_quiet: 307,
    line_failed: 311,
    line_created: 168,
    line_preconditions: 106,
    line_refused: 132,
    line_not_updated: 215,
    line_variables: 275,
    line_validation_failed: 116,
    line_validation_passed: 121,
    line_blocking: 30,
};

/// The behaviours, oldest first.
pub static ALL: [&Behaviour; 3] = [&V1_15, &V1_18, &V1_19];

/// The behaviour of a version as people write it: `1.15`, `v1.18.2`, `1.19`; empty is the newest, `None` is unknown.
///
/// 1.16 and 1.17 are followed by the 1.18 profile.
#[must_use]
pub fn find(version: &str) -> Option<&'static Behaviour> {
    let version = version.trim().trim_start_matches('v');
    let mut parts = version.split('.');
    match (parts.next(), parts.next()) {
        (Some(""), _) => Some(&V1_19),
        (Some("1"), Some("15")) => Some(&V1_15),
        (Some("1"), Some("16" | "17" | "18")) => Some(&V1_18),
        (Some("1"), Some("19")) => Some(&V1_19),
        _ => None,
    }
}

impl Behaviour {
    /// The behaviour of a profile.
    #[must_use]
    pub fn of(profile: Profile) -> &'static Behaviour {
        match profile {
            Profile::V1_15 => &V1_15,
            Profile::V1_18 => &V1_18,
            Profile::V1_19 => &V1_19,
        }
    }
}
