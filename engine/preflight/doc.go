// Package preflight says what this machine can run, and the remedy in one line
// where it cannot.
//
// Nothing is guessed that can be tried: features of the kernel are tried in a
// throw-away user, network, mount and pid namespace by a child that runs this
// same binary (ProbeMain), and the namespaces go with the child. Only where the
// kernel refuses does the package read settings, to find out why. The machine
// is not changed, except that the kernel may load its own modules on demand.
//
// Labs name what they need in Words: kernel features (Known lists none that
// cannot be tried) and tools. A word such as bridge or conntrack that is both
// means both. Underscores and hyphens are alike in them.
package preflight
