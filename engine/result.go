package engine

// Result is what one check found. Got and Why are the words of Code and Args, but Why may
// be the author's own.
type Result struct {
	State State
	Code  string     // what was found, as a stable word: "no-interface"; "" if nothing was yet
	Args  ResultArgs // what Code is about
	Got   string     // what was seen: "c1 has no interface eth1"
	Want  string     // what was asked for, in the same words
	Why   string     // the likely reason, or what could not be found out
}

// ResultArgs are the arguments of a result's code. Which of them a code has, its messages
// say (engine/check/messages.go); the others are empty. Times read "600 ms" or "1.5 s".
type ResultArgs struct {
	Attempt string `json:"attempt,omitempty"` // traffic that was tried: "c1 → 10.0.0.2:80", or its purpose
	Node    string `json:"node,omitempty"`    // the node that was looked at
	Device  string `json:"device,omitempty"`  // an interface of Node
	Bridge  string `json:"bridge,omitempty"`  // the bridge that an interface is a port of
	Other   string `json:"other,omitempty"`   // the node at the other end of a link, or compared with Node
	Peer    string `json:"peer,omitempty"`    // the interface at the other end, in Other
	At      string `json:"at,omitempty"`      // where an address is: "docker0", "docker0 in host"
	Kind    string `json:"kind,omitempty"`    // of an interface, a rule, an address or an object: "veth", "IPv4"
	Name    string `json:"name,omitempty"`    // of a setting, chain, server, object, task or host
	Field   string `json:"field,omitempty"`   // path of a field of an object
	Hook    string `json:"hook,omitempty"`    // "forward"
	Address string `json:"address,omitempty"` // "10.0.0.2" or "10.0.0.2/24"
	Gateway string `json:"gateway,omitempty"` // next hop of a route
	Port    int    `json:"port,omitempty"`
	Status  int    `json:"status,omitempty"` // of an HTTP reply
	Value   string `json:"value,omitempty"`  // what a setting, policy, field, answer or packet is
	Count   int    `json:"count,omitempty"`  // how many or how much there is
	Wanted  int    `json:"wanted,omitempty"` // how many or how much there should be
	Tries   int    `json:"tries,omitempty"`  // how many attempts were made

	Found   []string `json:"found,omitempty"`   // what is there: interfaces, addresses, rules, tries by server
	Missing []string `json:"missing,omitempty"` // what is not

	Wait   string `json:"wait,omitempty"`   // how long an answer was waited for
	Held   string `json:"held,omitempty"`   // how long it went on as wanted, and so passed
	Lapse  string `json:"lapse,omitempty"`  // how long it went on as wanted before it failed
	Detail string `json:"detail,omitempty"` // an error, or how an attempt ended, in whole words
	Note   string `json:"note,omitempty"`   // what Detail or the code leaves out
}
