package workload

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"underlay/engine/workload/server"
)

func TestFind(t *testing.T) {
	for _, ref := range []string{"http", "http:latest", "http:1.0", "http@sha256:abc", "toolbox"} {
		if i, err := Find(ref); err != nil || !strings.HasPrefix(ref, i.Name) {
			t.Errorf("%s: %v, %v", ref, i.Name, err)
		}
	}
	for _, ref := range []string{"nginx", "registry.test:5000/http", "library/http", "", "http:"} {
		if i, err := Find(ref); err == nil {
			t.Errorf("%s: found %s", ref, i.Name)
		} else if !strings.Contains(err.Error(), "toolbox") {
			t.Errorf("%s: %v does not say what there is", ref, err)
		}
	}
}

func TestEveryImageRunsAProgram(t *testing.T) {
	for _, i := range Images() {
		command := append(i.Entrypoint, i.Cmd...)
		if len(command) == 0 || !Known(command[0]) || i.About == "" {
			t.Errorf("%s runs %q", i.Name, command)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		kind string
		args string
		want []uint16 // ports; nil is an error
	}{
		{"http", "", []uint16{80}},
		{"tcp", "", []uint16{7}},
		{"udp", "--port 53 --port 54,55", []uint16{53, 54, 55}},
		{"http", "--port 0", nil},
		{"http", "--port 65536", nil},
		{"http", "--port x", nil},
		{"http", "extra", nil},
		{"tcp", "--ready-after 1s", nil},
		{"http", "--ready-after soon", nil},
	} {
		o, err := parse(c.kind, strings.Fields(c.args))
		if (err == nil) != (c.want != nil) {
			t.Errorf("%s %s: %v", c.kind, c.args, err)
			continue
		}
		if err == nil && !equal(o.ports, c.want) {
			t.Errorf("%s %s: ports %v", c.kind, c.args, o.ports)
		}
	}
}

func equal(a, b []uint16) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestHTTP(t *testing.T) {
	get := func(o options, path string, age time.Duration) (int, string) {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.RemoteAddr = "[::ffff:10.244.1.7]:4711"
		w := httptest.NewRecorder()
		httpHandler(o, time.Now().Add(-age)).ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	o := options{name: "web-1", readyAfter: time.Minute, healthyFor: time.Hour}
	if code, body := get(o, "/shop?x=1", 0); code != 200 || !strings.Contains(body, "web-1 here") || !strings.Contains(body, "you are 10.244.1.7:4711\n") {
		t.Errorf("a page: %d %q", code, body)
	}
	var me server.Whoami
	if _, body := get(o, "/whoami", 0); json.Unmarshal([]byte(body), &me) != nil || me.Served != "web-1" || me.Peer != "10.244.1.7:4711" {
		t.Errorf("whoami: %q", body)
	}
	if _, body := get(o, "/hostname", 0); body != "web-1\n" {
		t.Errorf("hostname: %q", body)
	}
	for _, c := range []struct {
		path string
		age  time.Duration
		want int
	}{
		{"/readyz", 0, 503}, {"/readyz", 2 * time.Minute, 200},
		{"/healthz", 0, 200}, {"/healthz", 2 * time.Hour, 500},
	} {
		if code, _ := get(o, c.path, c.age); code != c.want {
			t.Errorf("%s after %v: %d, want %d", c.path, c.age, code, c.want)
		}
	}
	if code, _ := get(options{}, "/healthz", 1000*time.Hour); code != 200 {
		t.Errorf("a server that is always healthy: %d", code)
	}
}

func TestServersStopWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, kind := range []string{"http", "tcp", "udp"} {
		if err := serveMain(ctx, kind, []string{"--port", "34567"}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if err := serveMain(ctx, "http", []string{"--port", "34567", "--start-after", "1h"}); err != nil {
		t.Errorf("one that has not begun: %v", err)
	}
	if code := crasher(t.Context(), []string{"--after", "1ms", "--code", "3"}); code != 3 {
		t.Errorf("the crasher ended with %d", code)
	}
	if code := Main("http", []string{"nonsense"}); code != 2 {
		t.Errorf("wrong arguments: exit code %d", code)
	}
}
