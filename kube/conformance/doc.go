// Package conformance asks an independent judge whether a cluster's
// NetworkPolicies are kept. Cyclonus generates policies and says which
// connections each of them allows; the tests apply them to a cluster of two
// nodes, make all of those connections, and compare.
//
// It is a module of its own, so that what cyclonus needs is needed by these
// tests only.
package conformance
