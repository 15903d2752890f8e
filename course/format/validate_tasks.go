package format

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"underlay/course/ids"
	"underlay/engine"
)

// checkTasks demands that ids are unique, that after names earlier tasks, and
// that no task waits for itself.
func (v *validator) checkTasks() {
	tasks := v.lab.Tasks
	if len(tasks) == 0 {
		return // told already
	}
	var used ids.Used
	known, misconceptions, twice := map[string]bool{}, map[string]string{}, false
	for i := range tasks {
		t := &tasks[i]
		if t.Mode == "" {
			t.Mode = engine.Now
		}
		if t.ID != "" && known[t.ID] {
			v.errorf(v.at(&t.ID), "task %q is there twice; each id names one task", t.ID)
			twice = true
		}
		known[t.ID] = true
		v.checkUsed(&used, "task", &t.ID, t.Formerly)
		for j := range t.Misconceptions {
			m := &t.Misconceptions[j]
			if m.ID == engine.NoMisconception {
				v.errorf(v.at(&m.ID), "%q says of a mistake that no misconception answers it; choose another id", m.ID)
			}
			if other, ok := misconceptions[m.ID]; ok && m.ID != "" {
				v.errorf(v.at(&m.ID), "misconception %q is in task %q already; each id names one", m.ID, other)
			}
			misconceptions[m.ID] = t.ID
		}
	}
	if !twice { // else it is not clear which task waits for which
		v.checkOrder()
	}
}

func (v *validator) checkOrder() {
	after, known := map[string][]string{}, v.taskIDs()
	for i := range v.lab.Tasks {
		t := &v.lab.Tasks[i]
		after[t.ID] = t.After
		for j := range t.After {
			if !slices.Contains(known, t.After[j]) {
				v.errorf(v.at(&t.After[j]), "unknown task %q; tasks here: %s%s", t.After[j], listed(known), meant(t.After[j], known))
			}
		}
	}
	done := map[string]bool{}
	for i := range v.lab.Tasks {
		t := &v.lab.Tasks[i]
		if c := cycle(t.ID, after, nil, done); c != nil {
			v.errorf(v.at(&t.After), "tasks wait for each other in a circle: %s", strings.Join(c, " → "))
			return
		}
	}
}

// cycle follows after from id and returns the first circle it walks into, or
// nil. done remembers what is known to be free of circles.
func cycle(id string, after map[string][]string, path []string, done map[string]bool) []string {
	if i := slices.Index(path, id); i >= 0 {
		return append(slices.Clone(path[i:]), id)
	}
	if done[id] {
		return nil
	}
	for _, next := range after[id] {
		if c := cycle(next, after, append(path, id), done); c != nil {
			return c
		}
	}
	done[id] = true
	return nil
}

func (v *validator) taskIDs() []string {
	var out []string
	for i := range v.lab.Tasks {
		out = append(out, v.lab.Tasks[i].ID)
	}
	return out
}

// checkChecks visits every check, wherever it is.
func (v *validator) checkChecks() {
	for c := range v.lab.Checks() {
		v.checkKind(c)
	}
	for i := range v.lab.Faults {
		for c := range engine.Walk(v.lab.Faults[i].Checks, v.lab.Faults[i].Tell) {
			v.checkKind(c)
		}
	}
}

// checkKind fills in what may be left out of a check, and refuses what no single field
// of it shows to be wrong.
func (v *validator) checkKind(c *engine.Check) {
	if c.Traffic != nil {
		c.Traffic.Expect = cmp.Or(c.Traffic.Expect, engine.OK)
		v.checkTraffic(c.Traffic)
	}
	if c.Capture != nil && c.Capture.During != nil {
		v.checkTraffic(c.Capture.During) // whose end matters only if the author says how it must be
		if s := c.Capture.During.Spread; s != nil {
			v.errorf(v.at(s), "spread counts answers, which a capture does not wait for; give it to a traffic check")
		}
		if s := c.Capture.During.Sweep; s != nil {
			v.errorf(v.at(s), "sweep makes many attempts, and a capture watches one; give it to a traffic check")
		}
		if d := c.Capture.During.DNAT; d != nil {
			v.errorf(v.at(d), "dnat looks at connection tracking, not at a capture; give it to a traffic check")
		}
	}
	if c.Link != nil && c.Link.PeerMaster != "" && c.Link.Peer == "" {
		v.errorf(v.at(&c.Link.PeerMaster), "peer_master needs peer, the node in which the other end is")
	}
	if c.Object != nil && v.lab.Cluster == nil {
		v.errorf(v.at(c.Object), "object looks at a Kubernetes, but this lab has none; give it a cluster")
	}
	if c.DNS != nil && c.DNS.Type == "" {
		c.DNS.Type = "A"
	}
}

// checkTraffic fills in what may be left out, and refuses what makes no sense
// together.
func (v *validator) checkTraffic(t *engine.TrafficCheck) {
	switch {
	case t.Proto == "icmp" && t.Port != 0:
		v.errorf(v.at(&t.Port), "icmp has no port; leave it out, or use tcp, udp or http")
	case t.Proto == "http" && t.Port == 0:
		t.Port = 80
		if t.TLS != nil {
			t.Port = 443
		}
	case (t.Proto == "tcp" || t.Proto == "udp") && t.Port == 0 && t.Sweep == nil:
		v.errorf(v.at(t), "%s traffic needs a port", t.Proto)
	}
	if t.Proto != "http" && t.Path != "" {
		v.errorf(v.at(&t.Path), "path is for http, this is %s", t.Proto)
	}
	if t.Proto != "http" && t.Host != "" {
		v.errorf(v.at(&t.Host), "host is for http, this is %s", t.Proto)
	}
	if t.Proto == "http" && t.Path != "" && !strings.HasPrefix(t.Path, "/") {
		v.errorf(v.at(&t.Path), "path must begin with /, this is %q", t.Path)
	}
	if t.HTTP != nil {
		v.checkHTTP(t)
	}
	switch {
	case t.TLS != nil && t.Proto != "http":
		v.errorf(v.at(t.TLS), "tls is for http, this is %s", t.Proto)
	case t.TLS != nil && t.Size != 0:
		v.errorf(v.at(&t.Size), "size is for traffic without tls: what is sent of it the check could not tell")
	case t.TLS != nil && t.Expect != engine.OK && t.Expect != "" && (t.TLS.Problem != "" || len(t.TLS.Names) > 0):
		v.errorf(v.at(t.TLS), "problem and names need expect: ok, this is %s", t.Expect)
	}
	if t.Via != "" && t.Proto != "udp" {
		v.errorf(v.at(&t.Via), "via is for udp, this is %s", t.Proto)
	}
	if t.SPort != 0 && t.Proto == "icmp" {
		v.errorf(v.at(&t.SPort), "icmp has no ports; leave out sport")
	}
	if t.SPort != 0 && t.Spread != nil {
		v.errorf(v.at(&t.SPort), "sport is for a single try; a spread makes many")
	}
	v.checkReply(t)
	if t.DNAT != nil {
		v.checkDNAT(t)
	}
	if t.Spread != nil {
		v.checkSpread(t)
	}
	if t.Sweep != nil {
		v.checkSweep(t)
	}
}

// checkHTTP refuses what cannot be asked, or answered, in HTTP.
func (v *validator) checkHTTP(t *engine.TrafficCheck) {
	h := t.HTTP
	switch {
	case t.Proto != "http":
		v.errorf(v.at(h), "http is for http, this is %s", t.Proto)
		return
	case t.Size != 0 && (h.Method == http.MethodGet || h.Method == http.MethodHead):
		v.errorf(v.at(&h.Method), "a %s sends nothing; leave out size, or use POST", h.Method)
	case h.Method == http.MethodHead && (t.Body != "" || t.SeenAs != "" || t.Served != "" || len(h.Seen) > 0):
		v.errorf(v.at(&h.Method), "the reply to a HEAD is empty; leave out body, seen_as, served and seen")
	case h.Method == http.MethodConnect:
		v.errorf(v.at(&h.Method), "CONNECT opens a tunnel, which no check looks into")
	case t.Expect != engine.OK && t.Expect != "" && (h.Status != 0 || len(h.Reply)+len(h.Seen) > 0):
		v.errorf(v.at(h), "status, reply and seen need expect: ok, this is %s", t.Expect)
	}
	for _, name := range slices.Sorted(maps.Keys(h.Headers)) {
		switch http.CanonicalHeaderKey(name) {
		case "Host":
			v.errorf(v.at(&h.Headers), "give host, not a header Host")
		case "Content-Length", "Transfer-Encoding", "Connection":
			v.errorf(v.at(&h.Headers), "%s is the check's own; leave it out", name)
		}
		if strings.ContainsFunc(h.Headers[name], unicode.IsControl) {
			v.errorf(v.at(&h.Headers), "header %s has a control character", name)
		}
	}
}

// checkDNAT refuses what connection tracking could not tell.
func (v *validator) checkDNAT(t *engine.TrafficCheck) {
	unchanged := slices.Contains(t.DNAT.To, "none")
	switch {
	case unchanged && len(t.DNAT.To) > 1:
		v.errorf(v.at(&t.DNAT.To), "none means that the destination stays as it is; give it alone, or give addresses")
	case t.Hold != 0:
		v.errorf(v.at(&t.Hold), "hold goes on with a connection that was tracked already; leave it out beside dnat")
	}
}

// checkSweep refuses what does not go together with a sweep, and one that tries nothing.
func (v *validator) checkSweep(t *engine.TrafficCheck) {
	s := t.Sweep
	switch {
	case t.Proto == "http":
		v.errorf(v.at(&t.Proto), "sweep is for icmp, tcp and udp, this is http; use tcp")
	case t.Spread != nil:
		v.errorf(v.at(s), "a check has a spread or a sweep; make it two checks")
	case t.Hold != 0:
		v.errorf(v.at(&t.Hold), "hold is for a single try; a sweep makes many of its own")
	case t.Via != "":
		v.errorf(v.at(&t.Via), "via is for a single try; a sweep makes many of its own")
	case t.Size != 0 || t.SPort != 0:
		v.errorf(v.at(s), "size and sport are for a single try; a sweep makes many of its own")
	case t.SeenAs != "" || t.Served != "" || t.Body != "":
		v.errorf(v.at(s), "a sweep does not wait for what servers say; leave out seen_as, served and body")
	}
	ports := t.Port != 0 || s.Ports != 0 || slices.ContainsFunc(s.But, func(b string) bool { return strings.ContainsAny(b, "0123456789") && !isAddr(b) })
	if needs := t.Proto != "icmp" || slices.Contains(s.Protos, "tcp") || slices.Contains(s.Protos, "udp"); needs && !ports {
		v.errorf(v.at(s), "this sweep has no port to try; give port, or ports, how many are drawn")
	}
}

// checkReply demands that what the server must say can be asked of it.
func (v *validator) checkReply(t *engine.TrafficCheck) {
	for _, f := range []struct {
		name  string
		value *string
	}{{"seen_as", &t.SeenAs}, {"served", &t.Served}, {"body", &t.Body}} {
		switch {
		case *f.value == "":
		case t.Proto == "icmp":
			v.errorf(v.at(f.value), "%s needs a server that answers; icmp has none", f.name)
		case t.Expect != engine.OK && t.Expect != "":
			v.errorf(v.at(f.value), "%s needs expect: ok, this is %s", f.name, t.Expect)
		}
	}
	known := v.workloadNames()
	if t.Served != "" && !slices.Contains(known, t.Served) && v.lab.Cluster == nil { // pods bring theirs
		v.errorf(v.at(&t.Served), "unknown workload %q; workloads here: %s%s", t.Served, listed(known), meant(t.Served, known))
	}
}
