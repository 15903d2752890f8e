package e2e

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"underlay/engine/companion"
)

// soakFor is how long TestSoak works in a cluster whose store is compacted every
// second, which is 300 times as often as elsewhere. UNDERLAY_SOAK gives another
// duration, and leaves the store as it is everywhere; make soak does.
const soakFor = 2 * time.Minute

// soakFaults are what Kubernetes logs where watches break, and where something that
// it hears of twice confuses it.
var soakFaults = []string{"PrevKv=nil", "Scheduler cache is corrupted", "Observed a panic"}

// TestSoak does what learners do, over and over: pods by the same names, rollouts,
// namespaces, policies, while watches stay open. Nothing may end, be started again, or
// stop showing what happens.
func TestSoak(t *testing.T) {
	duration, compaction := soakFor, time.Second
	if text := os.Getenv("UNDERLAY_SOAK"); text != "" {
		var err error
		if duration, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
		compaction = 0
	}
	c := open(t, settings{Proxy: "nftables", CNI: "calico", Policy: true, DNS: true, Compaction: compaction})
	s := &soak{cluster: c}
	c.must(t, web, "apply", "-f", "-")
	c.must(t, "", "rollout", "status", "deployment/web", "--timeout=60s")
	c.ready(t, "toolbox")
	c.must(t, "", "create", "configmap", "alone")
	s.watch(t)
	before := memory(t, c.Process.Pid)
	began := time.Now()
	for time.Since(began) < duration && !t.Failed() {
		s.round(t)
	}
	s.seesAll(t)
	s.ends(t)
	t.Logf("%d rounds in %v; %d MiB before, %d MiB after", s.rounds, time.Since(began).Round(time.Second), before, memory(t, c.Process.Pid))
}

// soak is a cluster that is worked in.
type soak struct {
	*cluster
	rounds int
	seen   atomic.Int64 // changes of what is left alone most of the time
	ended  atomic.Bool  // its watch
}

// watch follows an object that seldom changes, from the beginning to the end.
func (s *soak) watch(t *testing.T) {
	t.Helper()
	watch := s.background(t, "get", "configmap", "alone", "--watch", "--output=name")
	watch.line(t) // as it is now
	go func() {
		for lines := bufio.NewScanner(watch.out); lines.Scan(); {
			if lines.Text() == "configmap/alone" {
				s.seen.Add(1)
			}
		}
		s.ended.Store(true)
	}()
}

func (s *soak) round(t *testing.T) {
	t.Helper()
	s.rounds++
	n := strconv.Itoa(s.rounds)
	s.must(t, "", "run", "tmp", "--rm", "-i", "--image=toolbox", "--restart=Never", "--", "true")
	s.must(t, `{apiVersion: v1, kind: List, items: [
		{apiVersion: v1, kind: Namespace, metadata: {name: evil}},
		{apiVersion: v1, kind: Pod, metadata: {name: caller, namespace: evil}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: toolbox}]}},
		{apiVersion: v1, kind: Pod, metadata: {name: short, namespace: evil}, spec: {restartPolicy: Never, containers: [{name: main, image: toolbox, command: ["true"]}]}}]}`, "apply", "-f", "-")
	s.must(t, "", "set", "env", "deployment/web", "ROUND="+n)
	s.must(t, `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: own}, spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {}}]}]}}`, "apply", "-f", "-")
	s.must(t, "", "wait", "-n", "evil", "--for=condition=Ready", "pod/caller", "--timeout=60s")
	s.must(t, "", "rollout", "status", "deployment/web", "--timeout=60s")
	eventually(t, "a pod of the same namespace gets through", func() error { _, err := get(t, "toolbox", "web"+domain, 5*time.Second); return err })
	if page, err := get(t, "evil.caller", "web"+domain, blocked); err == nil {
		t.Errorf("round %s: a pod of another namespace got through: %s", n, page)
	}
	s.must(t, "", "delete", "networkpolicy", "own")
	eventually(t, "so does one of another once the policy is gone", func() error {
		_, err := get(t, "evil.caller", "web"+domain, 5*time.Second)
		return err
	})
	s.must(t, "", "delete", "namespace", "evil", "--timeout=90s")
	s.must(t, "", "annotate", "--overwrite", "configmap", "alone", "round="+n)
	s.isWell(t)
}

// blocked is for how long a call is tried that should not be answered.
const blocked = 300 * time.Millisecond

// isWell fails the test if anything of the cluster's has failed or was started again.
func (s *soak) isWell(t *testing.T) {
	t.Helper()
	for {
		select {
		case r, ok := <-s.Reports():
			if !ok {
				t.Fatalf("round %d: the cluster has ended", s.rounds)
			}
			if r.State == companion.Failed || r.State == companion.Restarted {
				t.Errorf("round %d: %s %s: %s", s.rounds, r.Step, r.State, r.Text)
			}
		default:
			return
		}
	}
}

// seesAll: the watch shows every change, the last one soon.
func (s *soak) seesAll(t *testing.T) {
	t.Helper()
	eventually(t, "the watch shows all changes", func() error {
		if s.ended.Load() {
			t.Fatalf("the watch ended after %d of %d changes", s.seen.Load(), s.rounds)
		}
		if seen := int(s.seen.Load()); seen != s.rounds {
			return fmt.Errorf("%d of %d", seen, s.rounds)
		}
		return nil
	})
}

// ends looks at what Kubernetes has logged.
func (s *soak) ends(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, "cluster.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range soakFaults {
		if n := strings.Count(string(text), fault); n > 0 {
			t.Errorf("%q was logged %d times", fault, n)
		}
	}
}
