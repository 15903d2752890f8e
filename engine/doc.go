// Package engine says what a lab is and what a running one can do.
//
// It holds the vocabulary that every other package shares: Lab, Topology,
// Task, Check and Result describe a lab as its author wrote it, Session is a
// lab that runs. The package imports no other package of this module and does
// nothing by itself: it does not know namespaces (engine/sandbox), netlink
// (engine/wire writes, engine/observe reads), files (labs) or screens (tui).
package engine
