package check

// steers are the settings of a node that decide how traffic ends.
var steers = []string{
	"net.bridge.bridge-nf-call-iptables", "net.ipv4.conf.all.arp_ignore", "net.ipv4.conf.all.rp_filter",
	"net.ipv4.icmp_echo_ignore_all", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding",
}

// Sysctls returns the names of all kernel settings that any check of the lab
// reads or that decide how its traffic ends, sorted. They change without a kernel
// event, so a caller that wants to know of changes has to look.
func (e *Evaluator) Sysctls() []string {
	all := needsOf()
	for c := range e.lab.Checks() {
		all.add(*c)
	}
	if all.traffic {
		for _, name := range steers {
			all.sysctls[name] = true
		}
	}
	return all.sysctlNames()
}
