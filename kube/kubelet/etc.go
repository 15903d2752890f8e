package kubelet

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"

	"underlay/kube/pod"
)

// hostname is what the pod calls itself.
func (w *worker) hostname() string {
	switch {
	case w.pod.Spec.HostNetwork:
		return w.k.Node
	case w.pod.Spec.Hostname != "":
		return w.pod.Spec.Hostname
	}
	name := w.name
	if len(name) > 63 {
		name = strings.TrimRight(name[:63], "-.")
	}
	return name
}

// etcDir is where the pod's own files of /etc are.
func (w *worker) etcDir() string { return filepath.Join(w.dir, "etc") }

// writeEtc writes the pod's own hosts, resolv.conf and hostname, where its
// containers get them from, and where `ip netns exec` does. The files stay the
// same ones when they are written again, so that containers see it.
func (w *worker) writeEtc() error {
	files := map[string]string{
		"hosts": w.hosts(), "resolv.conf": w.resolvConf(), "hostname": w.hostname() + "\n",
	}
	for _, dir := range []string{w.etcDir(), etcNetns(w.netName)} {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// etcNetns is where `ip netns exec` looks for a namespace's files of /etc, or
// empty in a world that has no such place.
func etcNetns(name string) string {
	const base = "/etc/netns"
	if fi, err := os.Stat(base); err != nil || !fi.IsDir() {
		return ""
	}
	return filepath.Join(base, name)
}

func (w *worker) etcMounts() []pod.Mount {
	var mounts []pod.Mount
	for _, name := range []string{"hosts", "resolv.conf", "hostname"} {
		mounts = append(mounts, pod.Mount{From: filepath.Join(w.etcDir(), name), To: "/etc/" + name})
	}
	return mounts
}

func (w *worker) hosts() string {
	var b strings.Builder
	b.WriteString("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	if addr := w.address(); addr != "" {
		name := w.hostname()
		if sub := w.pod.Spec.Subdomain; sub != "" {
			fmt.Fprintf(&b, "%s\t%s.%s.%s.svc.%s\t%s\n", addr, name, sub, w.namespace, w.k.Domain, name)
		} else {
			fmt.Fprintf(&b, "%s\t%s\n", addr, name)
		}
	}
	if len(w.pod.Spec.HostAliases) > 0 {
		b.WriteString("\n# Entries added by HostAliases.\n")
	}
	for _, a := range w.pod.Spec.HostAliases {
		fmt.Fprintf(&b, "%s\t%s\n", a.IP, strings.Join(a.Hostnames, "\t"))
	}
	return b.String()
}

// resolver is the content of a resolv.conf.
type resolver struct{ servers, searches, options []string }

func (w *worker) resolvConf() string {
	spec := &w.pod.Spec
	var r resolver
	clusterFirst := spec.DNSPolicy == v1.DNSClusterFirstWithHostNet ||
		(spec.DNSPolicy == v1.DNSClusterFirst || spec.DNSPolicy == "") && !spec.HostNetwork
	switch {
	case spec.DNSPolicy == v1.DNSNone:
	case clusterFirst && w.k.ClusterDNS.IsValid():
		r.servers = []string{w.k.ClusterDNS.String()}
		r.searches = []string{w.namespace + ".svc." + w.k.Domain, "svc." + w.k.Domain, w.k.Domain}
		r.options = []string{"ndots:5"}
	default:
		r = w.k.nodeResolver()
	}
	if c := spec.DNSConfig; c != nil {
		r.add(c)
	}
	return r.String()
}

// add merges a pod's dnsConfig as the real kubelet does: servers and searches
// are added, an option replaces one of the same name.
func (r *resolver) add(c *v1.PodDNSConfig) {
	r.servers = appendNew(r.servers, c.Nameservers)
	r.searches = appendNew(r.searches, c.Searches)
	for _, o := range c.Options {
		text := o.Name
		if o.Value != nil {
			text += ":" + *o.Value
		}
		r.options = slices.DeleteFunc(r.options, func(old string) bool {
			name, _, _ := strings.Cut(old, ":")
			return name == o.Name
		})
		r.options = append(r.options, text)
	}
}

func appendNew(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func (r resolver) String() string {
	var b strings.Builder
	if len(r.searches) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(r.searches, " "))
	}
	for _, s := range r.servers {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	if len(r.options) > 0 {
		fmt.Fprintf(&b, "options %s\n", strings.Join(r.options, " "))
	}
	return b.String()
}

// nodeResolver is what the node itself resolves with.
func (k *kubelet) nodeResolver() resolver {
	text, err := os.ReadFile(filepath.Join("/etc/netns", k.Node, "resolv.conf"))
	if err != nil {
		text, _ = os.ReadFile("/etc/resolv.conf") // a node without one resolves nothing
	}
	var r resolver
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		switch f[0] {
		case "nameserver":
			r.servers = append(r.servers, f[1])
		case "search", "domain":
			r.searches = f[1:]
		case "options":
			r.options = append(r.options, f[1:]...)
		}
	}
	return r
}
