// Package sandbox makes the throw-away worlds that labs live in. It is the only
// package that unshares, mounts and starts processes in namespaces.
//
// There are three layers, each a child of the one before:
//
//	outer   the process the user's shell started; keeps the terminal's modes
//	app     the same binary in new pid, mount, net, uts and ipc namespaces, and a
//	        new user namespace unless it is root: the screens and the engine
//	world   one per lab: an init (PID 1) in a user namespace of its own, with
//	        nodes, workloads and shells below it
//
// A world has its own user namespace so that the kernel locks every mount it
// inherits: read-only stays read-only whatever a learner mounts or remounts.
// When the program runs as root the world's ids are mapped to a range that owns
// nothing on the machine, so that root in a lab is nobody outside it.
//
// The app needs no rights inside a world beyond those that the owner of a user
// namespace has by definition: it may enter its network namespaces. All
// else is asked of the world's init over a socket (see proto.go).
package sandbox
