package kubelet

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/ptr"

	"underlay/kube/internal/netns"
	"underlay/kube/pod"
	"underlay/kube/workload"
)

// testWorker is a worker that starts nothing.
func testWorker(t *testing.T, spec v1.PodSpec) (*worker, *record.FakeRecorder) {
	t.Helper()
	events := record.NewFakeRecorder(100)
	k := &kubelet{events: events, Config: Config{
		Node: "node1", Dir: t.TempDir(), Domain: "cluster.local",
		Address: netip.MustParseAddr("192.168.50.11"), ClusterDNS: netip.MustParseAddr("10.96.0.10"),
	}}
	p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web-1", Namespace: "shop", UID: "u"}, Spec: spec}
	return newWorker(k, p), events
}

func TestResolvConf(t *testing.T) {
	for name, c := range map[string]struct {
		spec v1.PodSpec
		want string
	}{
		"cluster first": {v1.PodSpec{},
			"search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"},
		"another ndots": {v1.PodSpec{DNSConfig: &v1.PodDNSConfig{Searches: []string{"test"}, Options: []v1.PodDNSConfigOption{{Name: "ndots", Value: ptr.To("2")}, {Name: "edns0"}}}},
			"search shop.svc.cluster.local svc.cluster.local cluster.local test\nnameserver 10.96.0.10\noptions ndots:2 edns0\n"},
		"none": {v1.PodSpec{DNSPolicy: v1.DNSNone, DNSConfig: &v1.PodDNSConfig{Nameservers: []string{"192.0.2.53"}}},
			"nameserver 192.0.2.53\n"},
		"host network": {v1.PodSpec{HostNetwork: true, DNSPolicy: v1.DNSClusterFirstWithHostNet},
			"search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"},
	} {
		w, _ := testWorker(t, c.spec)
		if got := w.resolvConf(); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", name, got, c.want)
		}
	}
	w, _ := testWorker(t, v1.PodSpec{HostNetwork: true}) // the trap: names of Services do not resolve
	if got := w.resolvConf(); strings.Contains(got, "10.96.0.10") {
		t.Errorf("a pod on the node's network that did not ask for it has the cluster's DNS:\n%s", got)
	}
}

func TestBackOff(t *testing.T) {
	w, events := testWorker(t, v1.PodSpec{RestartPolicy: v1.RestartPolicyAlways, Containers: []v1.Container{{Name: "main"}}})
	c := w.containers[0]
	for _, want := range []time.Duration{0, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second, 300 * time.Second, 300 * time.Second} {
		c.instance = &instance{started: time.Now()}
		c.ended(pod.Exit{Code: 1})
		if got := c.pause; got != want || time.Until(c.notBefore) > want || time.Until(c.notBefore) < want-time.Minute {
			t.Errorf("back-off %v, want %v", got, want)
		}
	}
	c.await()
	if s := c.status(); s.State.Waiting == nil || s.State.Waiting.Reason != "CrashLoopBackOff" || !strings.HasPrefix(s.State.Waiting.Message, "back-off 5m0s restarting failed container=main pod=web-1_shop(u)") {
		t.Errorf("state: %+v", s.State)
	}
	if e := <-events.Events; !strings.Contains(e, "Back-off restarting failed container main") {
		t.Errorf("event: %s", e)
	}
	c.instance = &instance{started: time.Now().Add(-forgetBackOff)}
	c.ended(pod.Exit{Code: 1})
	if got := c.pause; got != 0 {
		t.Errorf("after a long life: back-off %v", got)
	}
}

func TestPhase(t *testing.T) {
	ended := func(code int32) *v1.ContainerStateTerminated { return &v1.ContainerStateTerminated{ExitCode: code} }
	for name, c := range map[string]struct {
		policy v1.RestartPolicy
		set    func(init, main *container)
		want   v1.PodPhase
	}{
		"nothing yet":             {v1.RestartPolicyAlways, func(_, _ *container) {}, v1.PodPending},
		"init runs":               {v1.RestartPolicyAlways, func(i, _ *container) { i.instance = &instance{} }, v1.PodPending},
		"init failed for good":    {v1.RestartPolicyNever, func(i, _ *container) { i.last = ended(1) }, v1.PodFailed},
		"init failed, once more":  {v1.RestartPolicyAlways, func(i, _ *container) { i.last = ended(1) }, v1.PodPending},
		"runs":                    {v1.RestartPolicyAlways, func(i, m *container) { i.last, m.instance = ended(0), &instance{} }, v1.PodRunning},
		"ended, will be again":    {v1.RestartPolicyAlways, func(i, m *container) { i.last, m.last = ended(0), ended(0) }, v1.PodRunning},
		"ended well":              {v1.RestartPolicyOnFailure, func(i, m *container) { i.last, m.last = ended(0), ended(0) }, v1.PodSucceeded},
		"failed, will be again":   {v1.RestartPolicyOnFailure, func(i, m *container) { i.last, m.last = ended(0), ended(2) }, v1.PodRunning},
		"failed, and stays so":    {v1.RestartPolicyNever, func(i, m *container) { i.last, m.last = ended(0), ended(2) }, v1.PodFailed},
		"main waits for an image": {v1.RestartPolicyNever, func(i, _ *container) { i.last = ended(0) }, v1.PodPending},
	} {
		w, _ := testWorker(t, v1.PodSpec{
			RestartPolicy:  c.policy,
			InitContainers: []v1.Container{{Name: "init"}}, Containers: []v1.Container{{Name: "main"}},
		})
		c.set(w.containers[0], w.containers[1])
		if got := w.phase(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestArgv(t *testing.T) {
	image := workload.Image{Entrypoint: []string{"http"}, Cmd: []string{"--port", "80"}}
	env := map[string]string{"PORT": "8080"}
	for _, c := range []struct{ command, args, want string }{
		{"", "", "http --port 80"},
		{"", "--port $(PORT)", "http --port 8080"},
		{"sh -c", "", "sh -c"},
		{"sh", "$$(PORT) $(NOPE)", "sh $(PORT) $(NOPE)"},
	} {
		w, _ := testWorker(t, v1.PodSpec{Containers: []v1.Container{{Name: "main", Command: strings.Fields(c.command), Args: strings.Fields(c.args)}}})
		if got := strings.Join(w.containers[0].argv(image, env), " "); got != c.want {
			t.Errorf("%q %q: %q, want %q", c.command, c.args, got, c.want)
		}
	}
}

func TestSelectItems(t *testing.T) {
	data := map[string]string{"a": "1", "b": "2"}
	all, err := selectItems(data, nil, nil, nil)
	if err != nil || len(all) != 2 || all["a"] != (file{"1", 0o644}) {
		t.Errorf("all keys: %v, %v", all, err)
	}
	one, err := selectItems(data, []v1.KeyToPath{{Key: "b", Path: "dir/x", Mode: ptr.To[int32](0o400)}}, nil, nil)
	if err != nil || len(one) != 1 || one["dir/x"] != (file{"2", 0o400}) {
		t.Errorf("one key: %v, %v", one, err)
	}
	if _, err := selectItems(data, []v1.KeyToPath{{Key: "c", Path: "c"}}, nil, nil); err == nil {
		t.Error("a key that there is not was taken")
	}
	gone := errors.New("gone")
	if _, err := selectItems(nil, nil, nil, gone); !errors.Is(err, gone) {
		t.Errorf("an error of the API became %v", err)
	}
	for _, name := range []string{"../out", "/etc/passwd", "..data"} {
		if err := writeFiles(t.TempDir(), map[string]file{name: {}}); err == nil {
			t.Errorf("a file %q was written", name)
		}
	}
}

func TestLogLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "0.log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	s := (&logWriter{file: f}).stream("stdout")
	for _, text := range []string{"one\ntw", "o\n", strings.Repeat("x", maxLine+3), "\nno end"} {
		if n, err := s.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("write: %d, %v", n, err)
		}
	}
	s.flush()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z stdout ([FP]) (.*)$`)
	var got []string
	for l := range strings.Lines(string(text)) {
		m := line.FindStringSubmatch(strings.TrimSuffix(l, "\n"))
		if m == nil {
			t.Fatalf("no line of a log: %q", l)
		}
		got = append(got, m[2]+m[3])
	}
	want := []string{"Fone", "Ftwo", "P" + strings.Repeat("x", maxLine), "Fxxx", "Fno end"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("lines %q", got)
	}
}

func TestAttachGetsWhatComes(t *testing.T) {
	var f fanout
	var out, errs strings.Builder
	first := f.attach(&out, &errs)
	f.send([]byte("a"), "stdout")
	f.send([]byte("b"), "stderr")
	f.detach(first)
	f.send([]byte("c"), "stdout")
	if out.String() != "a" || errs.String() != "b" {
		t.Errorf("stdout %q, stderr %q", out.String(), errs.String())
	}
	f.close()
	select {
	case <-f.attach(nil, nil).gone:
	default:
		t.Error("one who comes late waits for ever")
	}
}

// What a killed kubelet left is cleared by name; a name that it had no time to write
// stands for nothing, above all not for the directory of all names.
func TestClearWithoutAName(t *testing.T) {
	file := filepath.Join(t.TempDir(), netNameFile)
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadDir(filepath.Dir(netns.Path("x")))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := clearNetNS(file); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	if after, _ := os.ReadDir(filepath.Dir(netns.Path("x"))); len(after) != len(before) {
		t.Errorf("there were %d namespaces, and are %d", len(before), len(after))
	}
}
