package session

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"underlay/engine"
	"underlay/engine/internal/labca"
	"underlay/engine/sandbox"
	"underlay/engine/workload"
)

// certify makes the certificates of the lab's servers that speak TLS, by an authority of
// the lab's own, and has all nodes trust that and nobody else: they can reach nobody else.
func (p *instance) certify(ctx context.Context, t *engine.Topology) error {
	secure := func(w engine.Workload) bool { return len(w.Certs) > 0 }
	first := slices.IndexFunc(t.Workloads, secure)
	if first < 0 {
		return nil
	}
	ca, err := labca.New(time.Now())
	if err != nil {
		return err
	}
	file, err := ca.RootFile()
	if err != nil {
		return err
	}
	var script strings.Builder
	put := func(file string, text []byte) {
		fmt.Fprintf(&script, "mkdir -p \"$(dirname %[1]s)\"\ncat >%[1]s <<'END_OF_FILE'\n%[2]sEND_OF_FILE\n", file, text)
	}
	script.WriteString("set -e\n")
	put("/etc/"+sandbox.TrustFile, ca.Root())
	put("/etc/ssl/certs/"+file, ca.Root())
	script.WriteString("umask 077\n")
	for _, w := range t.Workloads {
		for i, c := range w.Certs {
			text, err := ca.Issue(c.Names, labca.Problem(c.Problem))
			if err != nil {
				return fmt.Errorf("certificate of %s: %w", w.Name, err)
			}
			put(workload.CertFile(w, i), text)
		}
	}
	out, code, err := p.world.Run(ctx, t.Workloads[first].Node, script.String(), "/bin/sh")
	if err == nil && code != 0 {
		err = fmt.Errorf("write the lab's certificates: %s", strings.TrimSpace(out))
	}
	return err
}
