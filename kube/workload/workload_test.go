package workload

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
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
	var me whoami
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

func TestTCPGreetsAndEchoes(t *testing.T) {
	s, err := listenTCP("db", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.serve() }()
	c, err := net.Dial("tcp", s.(*tcpServer).ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); err != nil || line != "db sees "+c.LocalAddr().String()+"\n" {
		t.Errorf("greeting: %q, %v", line, err)
	}
	if _, err := io.WriteString(c, "ping\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := r.ReadString('\n'); err != nil || line != "ping\n" {
		t.Errorf("echo: %q, %v", line, err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := r.ReadByte(); err == nil {
		t.Error("the connection outlived its server")
	}
}

func TestUDPAnswers(t *testing.T) {
	s, err := listenUDP("dns", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.serve()    //nolint:errcheck // close ends it
	defer s.close() //nolint:errcheck // nothing depends on it
	c, err := net.Dial("udp", s.(*udpServer).conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "ping"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, err := c.Read(buf)
	if want := "dns sees " + c.LocalAddr().String() + "\nping"; err != nil || string(buf[:n]) != want {
		t.Errorf("answer: %q, %v; want %q", buf[:n], err, want)
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
	if code := Main("http", []string{"nonsense"}); code != exitUsage {
		t.Errorf("wrong arguments: exit code %d", code)
	}
}
