//! CEL with the libraries of Kubernetes and Kyverno.
