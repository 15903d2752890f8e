package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"underlay/engine/companion"
	"underlay/kube/internal/netns"
)

// TestKubelet lets real kubectl use pods in all the ways that lessons do.
func TestKubelet(t *testing.T) {
	c := open(t, settings{Proxy: "nftables", CNI: "bridge"})
	for _, test := range []struct {
		name string
		run  func(*cluster, *testing.T)
	}{
		{"a pod is seen everywhere", (*cluster).seesPod},
		{"logs", (*cluster).readsLogs},
		{"exec", (*cluster).executes},
		{"exec on a terminal", (*cluster).executesOnTerminal},
		{"attach", (*cluster).attaches},
		{"port-forward", (*cluster).forwards},
		{"unknown images", (*cluster).hasNoImage},
		{"a crash loop", (*cluster).crashes},
		{"commands that cannot start", (*cluster).cannotStart},
		{"init containers", (*cluster).initialises},
		{"containers of a pod", (*cluster).shares},
		{"what a pod is told", (*cluster).tellsPod},
		{"probes", (*cluster).probes},
		{"hooks", (*cluster).hooks},
		{"termination", (*cluster).terminates},
		{"restart policies", (*cluster).finishes},
		{"a node's network", (*cluster).usesHostNetwork},
		{"a killed sandbox", (*cluster).comesBack},
		{"what is not supported", (*cluster).refuses},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(c, t) })
	}
}

// pod makes a pod of one container from the rest of its spec, in YAML's flow style.
func (c *cluster) pod(t *testing.T, name, node, container string, more ...string) {
	t.Helper()
	c.must(t, fmt.Sprintf(`{apiVersion: v1, kind: Pod, metadata: {name: %s, labels: {app: %[1]s}}, spec: {nodeName: %s, containers: [{name: main, %s}], %s}}`,
		name, node, container, strings.Join(more, ", ")), "apply", "-f", "-")
}

func (c *cluster) ready(t *testing.T, name string) {
	t.Helper()
	c.must(t, "", "wait", "--for=condition=Ready", "pod/"+name, "--timeout=60s")
}

// field is a part of a pod.
func (c *cluster) field(t *testing.T, name, path string) string {
	t.Helper()
	return c.must(t, "", "get", "pod", name, "-o", "jsonpath={"+path+"}")
}

// becomes waits until a part of a pod has a value.
func (c *cluster) becomes(t *testing.T, name, path, want string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s of %s is %q", path, name, want), func() error {
		if got := c.field(t, name, path); got != want {
			return fmt.Errorf("it is %q", got)
		}
		return nil
	})
}

func contains(t *testing.T, what, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not have %q:\n%s", what, want, text)
		}
	}
}

func (c *cluster) seesPod(t *testing.T) {
	begin := time.Now()
	c.pod(t, "seen", "node1", "image: http, ports: [{containerPort: 80}]")
	eventually(t, "the pod's server answers", func() error {
		conn, err := netns.Dial(t.Context(), netns.Path("seen"), "tcp", "127.0.0.1:80")
		if err != nil {
			return err
		}
		return conn.Close()
	})
	t.Logf("from before kubectl apply until the pod's server answers: %v", time.Since(begin).Round(time.Millisecond))
	c.ready(t, "seen")
	address := c.field(t, "seen", ".status.podIP")
	contains(t, "get -o wide", c.must(t, "", "get", "pods", "-o", "wide"), "seen", "1/1", "Running", address, "node1")
	contains(t, "get nodes -o wide", c.must(t, "", "get", "nodes", "-o", "wide"), "Ready", "v1.37.2", c.Nodes[0].Address.String(), "underlay://")
	contains(t, "describe", c.must(t, "", "describe", "pod", "seen"),
		"Started", "Container started", "it is built in", "Ready                       True", "IP:               "+address)
	contains(t, "describe node", c.must(t, "", "describe", "node", "node1"), "KubeletReady", "NodeReady", "seen")
	out, err := exec.Command("ip", "netns", "exec", "seen", "ip", "-4", "-o", "addr", "show", "eth0").CombinedOutput()
	if err != nil || !strings.Contains(string(out), address+"/24") {
		t.Errorf("ip netns exec: %v: %s", err, out)
	}
	if page, err := connect("node2", address, 5*time.Second); err != nil || !strings.Contains(page, "seen here ("+address+":80)\nyou are "+c.Nodes[1].Address.String()) {
		t.Errorf("the page from the other node: %v: %q", err, page)
	}
	c.must(t, "", "create", "namespace", "other")
	c.must(t, `{apiVersion: v1, kind: Pod, metadata: {name: seen, namespace: other}, spec: {nodeName: node2, containers: [{name: main, image: pause}]}}`, "apply", "-f", "-")
	c.must(t, "", "wait", "-n", "other", "--for=condition=Ready", "pod/seen", "--timeout=60s")
	if _, err := os.Stat(netns.Path("other.seen")); err != nil {
		t.Error(err)
	}
	for namespace, space := range map[string]string{"default": "seen", "other": "other.seen"} {
		c.must(t, "", "delete", "pod", "-n", namespace, "seen", "--wait")
		if _, err := os.Stat(netns.Path(space)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("namespace %s after its pod: %v", space, err)
		}
	}
}

func (c *cluster) readsLogs(t *testing.T) {
	c.pod(t, "talks", "node1", `image: toolbox, command: [sh, -c, "echo one; echo two >&2; printf three; until test -e /tmp/go; do sleep 0.05; done; echo; echo four; sleep 60"]`)
	c.ready(t, "talks")
	eventually(t, "read the log", func() error {
		if got := c.must(t, "", "logs", "talks"); got != "one\ntwo" && got != "two\none" {
			return fmt.Errorf("the log is %q", got)
		}
		return nil
	})
	follow := c.background(t, "logs", "-f", "talks")
	for range 2 {
		follow.line(t)
	}
	c.must(t, "", "exec", "talks", "--", "touch", "/tmp/go")
	if a, b := follow.line(t), follow.line(t); a != "three" || b != "four" {
		t.Errorf("what comes while it is followed: %q, %q", a, b)
	}
	contains(t, "--timestamps", c.must(t, "", "logs", "talks", "--timestamps", "--tail=1"), "T", "Z four")
	c.must(t, "", "delete", "pod", "talks", "--grace-period=0", "--force")
	if _, err := follow.out.ReadString('\n'); !errors.Is(err, io.EOF) {
		t.Errorf("logs -f after the pod's end: %v", err)
	}
}

// process is a program that runs beside a test.
type process struct{ out *bufio.Reader }

func (p process) line(t *testing.T) string {
	t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("read a line: %v", err)
	}
	return strings.TrimSpace(line)
}

// background runs kubectl until the test ends.
func (c *cluster) background(t *testing.T, args ...string) process {
	t.Helper()
	cmd := c.command(args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := netns.Do(netns.Path("control"), cmd.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	return process{bufio.NewReader(out)}
}

func (c *cluster) command(args ...string) *exec.Cmd {
	cmd := exec.Command(c.Binary, append([]string{"kubectl", "--kubeconfig", filepath.Join(c.Dir, companion.AdminConf)}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+c.Dir, "TERM=xterm")
	return cmd
}

func (c *cluster) executes(t *testing.T) {
	c.pod(t, "box", "node1", "image: toolbox")
	c.ready(t, "box")
	if got := c.must(t, "", "exec", "box", "--", "hostname"); got != "box" {
		t.Errorf("hostname: %q", got)
	}
	if got := c.must(t, "from here", "exec", "-i", "box", "--", "sh", "-c", "cat; echo; echo err >&2; cat /proc/1/comm"); !strings.Contains(got, "from here") || !strings.Contains(got, "err") || !strings.Contains(got, "toolbox") {
		t.Errorf("with input: %q", got)
	}
	begin := time.Now()
	out, err := c.kubectl(t, "", "exec", "box", "--", "sh", "-c", "exit 42")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 42 {
		t.Errorf("exit 42: %v: %s", err, out)
	}
	t.Logf("kubectl exec takes %v", time.Since(begin).Round(time.Millisecond))
	out, err = c.kubectl(t, "", "exec", "box", "--", "no-such-program")
	if err == nil || !strings.Contains(out, "executable file not found") {
		t.Errorf("a program that there is not: %v: %s", err, out)
	}
	big := c.must(t, "", "exec", "box", "--", "seq", "1", "20000")
	if len(strings.Fields(big)) != 20000 {
		t.Errorf("%d of 20000 lines arrived", len(strings.Fields(big)))
	}
}

func (c *cluster) executesOnTerminal(t *testing.T) {
	tty := c.onTerminal(t, "exec", "-it", "box", "--", "bash", "--norc")
	tty.types(t, "stty size; tty\n")
	tty.shows(t, "30 100")
	tty.shows(t, "/dev/pts/")
	if err := pty.Setsize(tty.master, &pty.Winsize{Rows: 40, Cols: 120}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "see the new size", func() error {
		tty.types(t, "stty size\n")
		if !tty.hasShown("40 120", 200*time.Millisecond) {
			return errors.New("not yet")
		}
		return nil
	})
	// The program that is to be interrupted says itself that it has begun: before, the
	// shell could lose the signal to a child that it has just forked.
	tty.types(t, "sh -c \"echo sl''eeps; exec sleep 1000\"; echo not he''re\n")
	tty.shows(t, "sleeps")
	eventually(t, "interrupt it with Ctrl-C", func() error {
		tty.types(t, "\x03\necho al''ive\n")
		if !tty.hasShown("alive", 500*time.Millisecond) {
			return errors.New("not yet")
		}
		return nil
	})
	tty.types(t, "exit 5\n")
	if code := tty.ends(t); code != 5 {
		t.Errorf("kubectl ended with %d", code)
	}
}

func (c *cluster) attaches(t *testing.T) {
	tty := c.onTerminal(t, "run", "-it", "--rm", "shell", "--image=toolbox", "--restart=Never")
	eventually(t, "talk to the shell", func() error {
		tty.types(t, "echo he''re on $(hostname)\n")
		if !tty.hasShown("here on shell", time.Second) {
			return errors.New("not yet")
		}
		return nil
	})
	tty.types(t, "exit\n")
	if code := tty.ends(t); code != 0 {
		t.Errorf("kubectl ended with %d", code)
	}
	if out, err := c.kubectl(t, "", "get", "pod", "shell"); err == nil {
		t.Errorf("the pod is still there: %s", out)
	}
	if out := c.must(t, "some input\n", "run", "-i", "--rm", "filter", "--image=toolbox", "--restart=Never", "--", "sed", "s/some/no more/"); !strings.Contains(out, "no more input") {
		t.Errorf("through a pod that is attached to: %q", out)
	}
	c.pod(t, "debugged", "node1", "image: http")
	c.ready(t, "debugged")
	tty = c.onTerminal(t, "debug", "-it", "debugged", "--image=toolbox")
	eventually(t, "talk to the pod's server from inside", func() error {
		tty.types(t, "curl -s localhost\n")
		if !tty.hasShown("debugged here", time.Second) {
			return errors.New("not yet")
		}
		return nil
	})
	tty.types(t, "exit\n")
	tty.ends(t)
	c.must(t, "", "delete", "pod", "debugged", "--grace-period=1")
}

func (c *cluster) forwards(t *testing.T) {
	c.pod(t, "web", "node2", "image: http, args: [--port, '8080']")
	c.ready(t, "web")
	forward := c.background(t, "port-forward", "pod/web", "18080:8080")
	contains(t, "port-forward", forward.line(t), "Forwarding from 127.0.0.1:18080 -> 8080")
	for range 3 {
		page, err := connect("control", "127.0.0.1:18080", 10*time.Second)
		if err != nil || !strings.Contains(page, "web here (127.0.0.1:8080)") {
			t.Errorf("through the port: %v: %q", err, page)
		}
	}
}

func (c *cluster) hasNoImage(t *testing.T) {
	c.pod(t, "wrong", "node1", "image: nginx:1.29")
	c.becomes(t, "wrong", ".status.containerStatuses[0].state.waiting.reason", "ErrImagePull")
	contains(t, "the message", c.field(t, "wrong", ".status.containerStatuses[0].state.waiting.message"), "nginx:1.29", "built-in images: http")
	c.becomes(t, "wrong", ".status.containerStatuses[0].state.waiting.reason", "ImagePullBackOff")
	contains(t, "describe", c.must(t, "", "describe", "pod", "wrong"), "Failed to pull image", "Back-off pulling image")
	out, err := c.kubectl(t, "", "logs", "wrong")
	if err == nil || !strings.Contains(out, "is waiting to start") {
		t.Errorf("logs: %v: %s", err, out)
	}
	c.must(t, "", "set", "image", "pod/wrong", "main=http")
	c.must(t, "", "delete", "pod", "wrong", "--grace-period=1")
}

func (c *cluster) crashes(t *testing.T) {
	c.pod(t, "crashes", "node1", "image: crasher, args: [--says, no database]")
	c.becomes(t, "crashes", ".status.containerStatuses[0].state.waiting.reason", "CrashLoopBackOff")
	if n := c.field(t, "crashes", ".status.containerStatuses[0].restartCount"); n != "1" {
		t.Errorf("%s restarts before the first back-off", n)
	}
	if code := c.field(t, "crashes", ".status.containerStatuses[0].lastState.terminated.exitCode"); code != "1" {
		t.Errorf("exit code %s", code)
	}
	contains(t, "get pods", c.must(t, "", "get", "pod", "crashes"), "0/1", "CrashLoopBackOff")
	for _, args := range [][]string{{"logs", "crashes"}, {"logs", "--previous", "crashes"}} {
		contains(t, strings.Join(args, " "), c.must(t, "", args...), "no database")
	}
	contains(t, "describe", c.must(t, "", "describe", "pod", "crashes"), "Back-off restarting failed container main in pod crashes_default")
	begin := time.Now()
	c.becomes(t, "crashes", ".status.containerStatuses[0].restartCount", "2")
	t.Logf("the next start came after %v", time.Since(begin).Round(time.Second))
	c.must(t, "", "delete", "pod", "crashes")
}

func (c *cluster) cannotStart(t *testing.T) {
	c.pod(t, "typo", "node1", "image: toolbox, command: [slep, '60']", "restartPolicy: Never")
	c.becomes(t, "typo", ".status.phase", "Failed")
	contains(t, "the status", c.field(t, "typo", ".status.containerStatuses[0].state.terminated"), "StartError", "128", `exec: \"slep\": executable file not found in $PATH`)
	c.pod(t, "lacks", "node1", "image: toolbox, env: [{name: A, valueFrom: {configMapKeyRef: {name: later, key: a}}}]")
	c.becomes(t, "lacks", ".status.containerStatuses[0].state.waiting.reason", "CreateContainerConfigError")
	c.must(t, "", "create", "configmap", "later", "--from-literal=a=b")
	c.ready(t, "lacks")
	if got := c.must(t, "", "exec", "lacks", "--", "printenv", "A"); got != "b" {
		t.Errorf("A is %q", got)
	}
	c.must(t, "", "delete", "pod", "typo", "lacks", "--grace-period=1")
}

func (c *cluster) initialises(t *testing.T) {
	c.pod(t, "steps", "node1", `image: toolbox, volumeMounts: [{name: d, mountPath: /data}]`,
		`initContainers: [
			{name: first, image: toolbox, command: [sh, -c, "until test -e /data/go; do sleep 0.05; done; echo first >> /data/log"], volumeMounts: [{name: d, mountPath: /data}]},
			{name: beside, image: http, restartPolicy: Always},
			{name: second, image: toolbox, command: [sh, -c, "echo second >> /data/log"], volumeMounts: [{name: d, mountPath: /data}]}]`,
		`volumes: [{name: d, emptyDir: {}}]`)
	c.becomes(t, "steps", ".status.initContainerStatuses[0].started", "true")
	contains(t, "get pods", c.must(t, "", "get", "pod", "steps"), "Init:0/3")
	c.must(t, "", "exec", "steps", "-c", "first", "--", "touch", "/data/go")
	c.ready(t, "steps")
	if got := c.must(t, "", "exec", "steps", "-c", "main", "--", "cat", "/data/log"); got != "first\nsecond" {
		t.Errorf("what init containers wrote: %q", got)
	}
	contains(t, "get pods", c.must(t, "", "get", "pod", "steps"), "2/2")
	if page, err := connect("node1", c.field(t, "steps", ".status.podIP"), 5*time.Second); err != nil || !strings.Contains(page, "steps here") {
		t.Errorf("its sidecar says: %v: %q", err, page)
	}
	c.pod(t, "stuck", "node1", "image: toolbox", "restartPolicy: Never", "initContainers: [{name: bad, image: crasher}]")
	c.becomes(t, "stuck", ".status.phase", "Failed")
	contains(t, "get pods", c.must(t, "", "get", "pod", "stuck"), "Init:Error")
	c.must(t, "", "delete", "pod", "steps", "stuck", "--grace-period=1")
}

func (c *cluster) shares(t *testing.T) {
	c.must(t, `
apiVersion: v1
kind: Pod
metadata: {name: pair}
spec:
  nodeName: node2
  volumes: [{name: d, emptyDir: {}}]
  containers:
  - {name: web, image: http, volumeMounts: [{name: d, mountPath: /shared}]}
  - {name: box, image: toolbox, volumeMounts: [{name: d, mountPath: /usr/share/here}]}
`, "apply", "-f", "-")
	c.ready(t, "pair")
	page := c.must(t, "", "exec", "pair", "-c", "box", "--", "curl", "--silent", "http://localhost/")
	contains(t, "the neighbour's page", page, "pair here (127.0.0.1:80)")
	c.must(t, "", "exec", "pair", "-c", "box", "--", "touch", "/usr/share/here/file")
	if got := c.must(t, "", "exec", "pair", "-c", "web", "--", "ls", "/shared"); got != "file" {
		t.Errorf("the shared volume has %q", got)
	}
	if got := c.must(t, "", "exec", "pair", "-c", "web", "--", "sh", "-c", "cat /proc/[0-9]*/comm | sort -u | tr '\\n' ' '"); strings.Contains(got, "toolbox") {
		t.Errorf("one container sees the processes of the other: %s", got)
	}
	c.must(t, "", "delete", "pod", "pair", "--grace-period=1")
}

func (c *cluster) tellsPod(t *testing.T) {
	c.must(t, "", "create", "configmap", "app", "--from-literal=colour=blue", "--from-literal=app.conf=listen 80")
	c.must(t, "", "create", "secret", "generic", "key", "--from-literal=password=hunter2")
	c.must(t, `
apiVersion: v1
kind: Pod
metadata: {name: told, labels: {tier: front}}
spec:
  nodeName: node1
  hostAliases: [{ip: 192.0.2.1, hostnames: [old.test]}]
  dnsConfig: {nameservers: [192.0.2.53], options: [{name: ndots, value: "2"}]}
  dnsPolicy: None
  volumes:
  - {name: conf, configMap: {name: app, items: [{key: app.conf, path: sub/app.conf}]}}
  - {name: all, projected: {sources: [{configMap: {name: app}}, {secret: {name: key}}, {downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}]}}
  containers:
  - name: main
    image: toolbox
    args: [sh, -c, "echo $(COLOUR) and $(NODE); sleep 1000"]
    workingDir: /etc/app
    envFrom: [{secretRef: {name: key}, prefix: THE_}]
    env:
    - {name: COLOUR, valueFrom: {configMapKeyRef: {name: app, key: colour}}}
    - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
    - {name: ADDRESS, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    volumeMounts: [{name: conf, mountPath: /etc/app}, {name: all, mountPath: /all, readOnly: true}]
`, "apply", "-f", "-")
	c.ready(t, "told")
	for command, want := range map[string]string{
		"echo $THE_password":                  "hunter2",
		"echo $ADDRESS":                       c.field(t, "told", ".status.podIP"),
		"pwd; cat sub/app.conf":               "/etc/app\nlisten 80",
		"cat /all/password /all/labels":       `hunter2tier="front"`,
		"getent hosts old.test":               "192.0.2.1       old.test",
		"cat /etc/resolv.conf":                "nameserver 192.0.2.53\noptions ndots:2",
		"grep $(hostname) /etc/hosts":         c.field(t, "told", ".status.podIP") + "     told",
		"touch /all/x 2>/dev/null || echo no": "no",
	} {
		got, err := c.kubectl(t, "", "exec", "told", "--", "sh", "-c", command)
		if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
			t.Errorf("%s: %q, want %q (%v)", command, got, want, err)
		}
	}
	if got := c.must(t, "", "logs", "told"); got != "blue and node1" {
		t.Errorf("its arguments: %q", got)
	}
	c.must(t, "", "delete", "pod", "told", "--grace-period=1")
}

func (c *cluster) probes(t *testing.T) {
	c.pod(t, "slow", "node1", `image: http, args: [--ready-after, 1500ms], readinessProbe: {httpGet: {path: /readyz, port: 80}, periodSeconds: 1}`)
	c.becomes(t, "slow", ".status.phase", "Running")
	contains(t, "get pods", c.must(t, "", "get", "pod", "slow"), "0/1")
	c.ready(t, "slow")
	contains(t, "describe", c.must(t, "", "describe", "pod", "slow"), "Readiness probe failed: HTTP probe failed with statuscode: 503")
	c.pod(t, "ill", "node1", `image: http, args: [--healthy-for, 2s], livenessProbe: {httpGet: {path: /healthz, port: 80}, periodSeconds: 1, failureThreshold: 1}`)
	c.becomes(t, "ill", ".status.containerStatuses[0].restartCount", "1")
	contains(t, "describe", c.must(t, "", "describe", "pod", "ill"), "Container main failed liveness probe, will be restarted")
	c.pod(t, "file", "node2", `image: toolbox, readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1}`)
	c.becomes(t, "file", ".status.phase", "Running")
	c.must(t, "", "exec", "file", "--", "touch", "/tmp/ready")
	c.ready(t, "file")
	c.must(t, "", "exec", "file", "--", "rm", "/tmp/ready")
	c.becomes(t, "file", ".status.containerStatuses[0].ready", "false")
	c.pod(t, "late", "node2", `image: tcp, args: [--start-after, 2s], startupProbe: {tcpSocket: {port: 7}, periodSeconds: 1, failureThreshold: 60}, livenessProbe: {tcpSocket: {port: 7}, periodSeconds: 1, failureThreshold: 1}`)
	c.ready(t, "late")
	if n := c.field(t, "late", ".status.containerStatuses[0].restartCount"); n != "0" {
		t.Errorf("a slow start was restarted %s times", n)
	}
	c.must(t, "", "delete", "pod", "slow", "ill", "file", "late", "--grace-period=1")
}

func (c *cluster) hooks(t *testing.T) {
	c.pod(t, "hooked", "node1", `image: http, volumeMounts: [{name: d, mountPath: /data}], lifecycle: {
		postStart: {exec: {command: [sh, -c, "echo started > /data/hooks"]}},
		preStop: {exec: {command: [sh, -c, "echo stopping >> /data/hooks; cp /data/hooks /var/tmp/ 2>/dev/null; touch /data/stopped"]}}}`,
		`volumes: [{name: d, hostPath: {path: `+c.Dir+`/hooks, type: DirectoryOrCreate}}]`)
	c.ready(t, "hooked")
	c.must(t, "", "delete", "pod", "hooked")
	if text, err := os.ReadFile(filepath.Join(c.Dir, "hooks", "hooks")); string(text) != "started\nstopping\n" {
		t.Errorf("what the hooks did: %q, %v", text, err)
	}
}

func (c *cluster) terminates(t *testing.T) {
	c.pod(t, "polite", "node1", "image: http")
	c.pod(t, "stubborn", "node1", "image: stubborn", "terminationGracePeriodSeconds: 2")
	c.ready(t, "polite")
	c.ready(t, "stubborn")
	begin := time.Now()
	c.must(t, "", "delete", "pod", "polite")
	if took := time.Since(begin); took > 25*time.Second {
		t.Errorf("a pod that ends when asked took %v", took)
	} else {
		t.Logf("kubectl delete of a pod that ends when asked: %v", took.Round(time.Millisecond))
	}
	begin = time.Now()
	c.must(t, "", "delete", "pod", "stubborn", "--wait=false")
	contains(t, "get pods", c.must(t, "", "get", "pod", "stubborn"), "Terminating")
	if page, err := connect("node1", c.field(t, "stubborn", ".status.podIP"), time.Second); err != nil || !strings.Contains(page, "stubborn here") {
		t.Errorf("while it is asked to end: %v: %q", err, page)
	}
	c.must(t, "", "wait", "--for=delete", "pod/stubborn", "--timeout=60s")
	if took := time.Since(begin); took < 2*time.Second {
		t.Errorf("a pod with two seconds of grace had only %v", took)
	}
}

func (c *cluster) finishes(t *testing.T) {
	c.pod(t, "done", "node1", "image: toolbox, command: [sh, -c, exit 0]", "restartPolicy: Never")
	c.pod(t, "failed", "node1", "image: toolbox, command: [sh, -c, exit 3]", "restartPolicy: Never")
	c.pod(t, "again", "node1", `image: toolbox, command: [sh, -c, "test -e /data/x && exit 0; touch /data/x; exit 1"], volumeMounts: [{name: d, mountPath: /data}]`,
		"restartPolicy: OnFailure", "volumes: [{name: d, emptyDir: {}}]")
	c.becomes(t, "done", ".status.phase", "Succeeded")
	c.becomes(t, "failed", ".status.phase", "Failed")
	c.becomes(t, "again", ".status.phase", "Succeeded")
	contains(t, "get pods", c.must(t, "", "get", "pods"), "Completed", "Error")
	if n := c.field(t, "again", ".status.containerStatuses[0].restartCount"); n != "1" {
		t.Errorf("it was restarted %s times", n)
	}
	c.must(t, "", "delete", "pod", "done", "failed", "again")
}

func (c *cluster) usesHostNetwork(t *testing.T) {
	c.pod(t, "host", "node2", "image: http, args: [--port, '8081']", "hostNetwork: true")
	c.ready(t, "host")
	node := c.Nodes[1].Address.String()
	if got := c.field(t, "host", ".status.podIP"); got != node {
		t.Errorf("its address is %s, the node's %s", got, node)
	}
	if page, err := connect("node1", net.JoinHostPort(node, "8081"), 5*time.Second); err != nil || !strings.Contains(page, "node2 here") {
		t.Errorf("on the node's address: %v: %q", err, page)
	}
	c.must(t, "", "delete", "pod", "host", "--grace-period=1")
	curl := exec.Command("curl", "--silent", "--insecure", "--max-time", "5", "https://"+node+":10250/healthz")
	var said strings.Builder
	curl.Stdout = &said
	if err := netns.Do(netns.Path("node1"), curl.Start); err != nil {
		t.Fatal(err)
	}
	if err := curl.Wait(); err == nil || said.Len() > 0 {
		t.Errorf("the kubelet answers anybody: %q", said.String())
	}
}

func (c *cluster) comesBack(t *testing.T) {
	c.pod(t, "victim", "node1", "image: http")
	c.ready(t, "victim")
	out, err := exec.Command("ip", "netns", "pids", "victim").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range strings.Fields(string(out)) {
		var n int
		if _, err := fmt.Sscan(pid, &n); err != nil {
			t.Fatal(err)
		}
		_ = syscall.Kill(n, syscall.SIGKILL) // the first takes the others with it
	}
	c.becomes(t, "victim", ".status.containerStatuses[0].restartCount", "1")
	c.ready(t, "victim")
	if page, err := connect("node1", c.field(t, "victim", ".status.podIP"), 5*time.Second); err != nil || !strings.Contains(page, "victim here") {
		t.Errorf("afterwards: %v: %q", err, page)
	}
	contains(t, "describe", c.must(t, "", "describe", "pod", "victim"), "SandboxChanged")
	c.must(t, "", "delete", "pod", "victim", "--grace-period=1")
}

func (c *cluster) refuses(t *testing.T) {
	c.pod(t, "disk", "node1", "image: http, volumeMounts: [{name: d, mountPath: /data}]", "volumes: [{name: d, nfs: {server: nas.test, path: /}}]")
	eventually(t, "an event says why", func() error {
		if out := c.must(t, "", "describe", "pod", "disk"); !strings.Contains(out, "this kind of volume is not supported here") {
			return errors.New(out)
		}
		return nil
	})
	c.becomes(t, "disk", ".status.containerStatuses[0].state.waiting.reason", "ContainerCreating")
	c.must(t, "", "delete", "pod", "disk", "--grace-period=1")
}

// TestPodWiredByHand is the network of kind none: a pod has an address when
// somebody has given it one.
func TestPodWiredByHand(t *testing.T) {
	c := open(t, settings{Proxy: "nftables", CNI: "none"})
	c.pod(t, "bare", "node1", "image: http, readinessProbe: {httpGet: {port: 80}, periodSeconds: 1}")
	c.becomes(t, "bare", ".status.phase", "Running")
	if got := c.field(t, "bare", ".status.podIP"); got != "" {
		t.Errorf("it has %s", got)
	}
	for _, line := range []string{
		"ip -n node1 link add veth1 type veth peer name eth0 netns bare",
		"ip -n node1 addr add 10.244.1.1/24 dev veth1",
		"ip -n node1 link set veth1 up",
		"ip -n bare link set eth0 up",
		"ip -n bare addr add 10.244.1.7/24 dev eth0",
	} {
		if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
	c.becomes(t, "bare", ".status.podIP", "10.244.1.7")
	c.ready(t, "bare")
	contains(t, "/etc/hosts", c.must(t, "", "exec", "bare", "--", "cat", "/etc/hosts"), "10.244.1.7\tbare")
	if out, err := exec.Command("ip", "-n", "bare", "addr", "del", "10.244.1.7/24", "dev", "eth0").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c.becomes(t, "bare", ".status.podIP", "")
}
