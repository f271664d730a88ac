//! The users that Kyverno's controllers are.

/// The admission controller.
pub const ADMISSION_USER: &str = "system:serviceaccount:kyverno:kyverno-admission-controller";
/// The background controller.
pub const BACKGROUND_USER: &str = "system:serviceaccount:kyverno:kyverno-background-controller";
/// The cleanup controller.
pub const CLEANUP_USER: &str = "system:serviceaccount:kyverno:kyverno-cleanup-controller";
/// The reports controller.
pub const REPORTS_USER: &str = "system:serviceaccount:kyverno:kyverno-reports-controller";
