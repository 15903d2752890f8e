package engine

// The ports that tests are sent from, and the identifiers of their echo requests:
// above those that Linux gives to programs by itself (32768–60999), so that a
// learner can tell in a capture what was sent by nobody in the lab.
const (
	TestPortFirst = 61000
	TestPortLast  = 65535
)

// The words with which tcpdump leaves tests out: their TCP and UDP packets, and, where
// it is said as well, their echo requests and the replies.
const (
	WithoutTests     = "not portrange 61000-65535"
	WithoutTestEchos = "not icmp[4:2] >= 61000"
)

// TestPort reports whether a source port, or the identifier of an echo request, is
// one of those that tests are sent from.
func TestPort(n int) bool { return n >= TestPortFirst && n <= TestPortLast }
