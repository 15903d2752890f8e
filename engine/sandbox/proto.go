package sandbox

// The app and a world's init talk over a socketpair (package seqpacket). The app
// asks, init replies with the same ID; events carry ID 0. The socket's end is the
// world's end.

// maxMessage is the size of the largest message, in bytes.
const maxMessage = 128 << 10

// request is what the app asks of a world's init.
type request struct {
	ID     uint64
	Nodes  []NodeSpec  `json:",omitempty"` // make these nodes
	Start  *startSpec  `json:",omitempty"` // start a process
	Signal *signalSpec `json:",omitempty"`
	// Refresh asks for the nodes whose /run/netns entry has become another
	// namespace since: their names, and a descriptor of each.
	Refresh bool `json:",omitempty"`
	// Adopt makes nodes of network namespaces that somebody else has bound to
	// /run/netns: a descriptor of each that is there.
	Adopt []string `json:",omitempty"`
	// Etc asks for a node's own files of name resolution: their names, a descriptor of
	// each that is there, and the hostname as Output.
	Etc string `json:",omitempty"`
	// Trusted, with Etc, asks for the certificates that the node trusts instead.
	Trusted bool `json:",omitempty"`
	// Ended asks which of these children of init have ended.
	Ended []int `json:",omitempty"`
}

// NodeSpec is a node to make.
type NodeSpec struct {
	Name  string
	Hosts map[string]string // name → address
	DNS   []string          // nameservers

	DNSSearch, DNSOptions []string // of resolv.conf
}

// startSpec is a process to start in a node.
type startSpec struct {
	Node  string
	Argv  []string
	Env   []string
	How   startHow
	Stdin string `json:",omitempty"`
	Cols  int
	Rows  int
}

// startHow says what becomes of a process's descriptors and what the reply
// waits for.
type startHow string

const (
	onTerminal startHow = "terminal" // a pty, whose master comes with the reply
	toReady    startHow = "ready"    // replies when descriptor 3 is closed or written
	toEnd      startHow = "end"      // replies when it has ended, with its output
	toTell     startHow = "tell"     // replies at once, with the end of a pipe that it writes to as descriptor 3
)

type signalSpec struct {
	PID    int
	Signal int
}

// message is what init sends: a reply (ID set) or an event.
type message struct {
	ID     uint64
	Err    string   `json:",omitempty"`
	PID    int      `json:",omitempty"`
	Code   int      `json:",omitempty"`
	Output string   `json:",omitempty"`
	Names  []string `json:",omitempty"`
	Health []string `json:",omitempty"` // event: how the world is; empty is well
	Ended  []int    `json:",omitempty"` // those asked for that have ended
	Event  bool     `json:",omitempty"`
}
