// Package prove proves labs. It opens each as a learner would, types scripts
// into real shells, and demands what a lab promises: that nothing is done before
// it begins, that every right way is accepted and every known mistake answered,
// that no line of the solution is for nothing, that it resets to how it began,
// stays solved, breaks and heals as its faults say, and does so with whatever
// parameters are drawn.
//
// Each proof has a world of its own, and many run side by side. What there is to
// prove is a table of kinds (Kinds); a kind makes the cases of one lab. The
// package knows sessions, not what is behind them.
package prove
