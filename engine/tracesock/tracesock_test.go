package tracesock

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"underlay/engine"
	"underlay/engine/internal/netns"
)

// serving serves on a socket of its own until the test ends, and returns its path.
func serving(t *testing.T, by Answerer) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "") // a test's own may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		Serve(ctx, l, by)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(l.Close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return path
}

// delivered is an autopsy that says what it was asked.
func delivered(_ context.Context, a Asked) (*engine.Autopsy, error) {
	return &engine.Autopsy{Flow: a.Flow, Outcome: engine.EndingDelivered, Detail: fmt.Sprint(a.Flow.Wait), Hops: []engine.Hop{}}, nil
}

func TestAFlowGoesThereAndAnAutopsyBack(t *testing.T) {
	path := serving(t, delivered)
	for _, target := range []string{"10.0.0.2", "10.0.0.2:80", "[fd00::2]:53/udp", "web/http"} {
		f, err := engine.ParseFlow("c1", target)
		if err != nil {
			t.Fatal(err)
		}
		f.Size, f.Wait = 1400, 750*time.Millisecond
		a, err := Ask(t.Context(), path, f)
		if err != nil {
			t.Fatal(err)
		}
		f.Wait = 0 // which is not written
		if a.Flow != f || a.Outcome != engine.EndingDelivered || a.Detail != "750ms" {
			t.Errorf("%s came back as %+v", target, a)
		}
	}
}

func TestTheServerKnowsTheClientsNamespace(t *testing.T) {
	own, err := os.Open("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close() //nolint:errcheck // only looked at
	want, err := netns.Identify(int(own.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	path := serving(t, func(_ context.Context, a Asked) (*engine.Autopsy, error) {
		return nil, fmt.Errorf("%v %v", a.Known, a.Client == want)
	})
	_, err = Ask(t.Context(), path, engine.Flow{To: "10.0.0.2", Proto: "icmp"})
	if os.Getuid() == 0 {
		if err == nil || err.Error() != "true true" {
			t.Errorf("known, and the same: %v", err)
		}
	} else if err == nil || err.Error() != "false false" { // it is somebody else's namespace
		t.Errorf("an ordinary user was told the machine's namespace: %v", err)
	}
}

func TestErrorsKeepTheirKindAndTheirHint(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		class error
		hint  string
	}{
		"node":   {engine.Hintf(fmt.Errorf("no node x: %w", engine.ErrNotFound), "its nodes are a"), engine.ErrNotFound, "its nodes are a"},
		"usage":  {engine.Hintf(Usage(errors.New("no node of this lab")), "name it"), ErrUsage, "name it"},
		"kernel": {fmt.Errorf("no packet sockets: %w", engine.ErrCannotRun), engine.ErrCannotRun, ""},
		"other":  {errors.New("netlink: broken"), nil, ""},
	} {
		path := serving(t, func(context.Context, Asked) (*engine.Autopsy, error) { return nil, c.err })
		_, err := Ask(t.Context(), path, engine.Flow{To: "10.0.0.2", Proto: "icmp"})
		if err == nil || err.Error() != c.err.Error() {
			t.Errorf("%s: %v; want %v", name, err, c.err)
		}
		for _, class := range []error{engine.ErrNotFound, ErrUsage, engine.ErrCannotRun} {
			if errors.Is(err, class) != errors.Is(c.class, class) {
				t.Errorf("%s: errors.Is %v is %v", name, class, errors.Is(err, class))
			}
		}
		hinted := new(engine.Error)
		if errors.As(err, &hinted); hinted.Hint != c.hint {
			t.Errorf("%s: hint %q, want %q", name, hinted.Hint, c.hint)
		}
	}
}

// say sends text and returns the answer, "" if the connection was closed without.
func say(t *testing.T, path, text string) string {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test's own
	_, _ = io.WriteString(c, text)
	line, _ := bufio.NewReader(c).ReadString('\n')
	return line
}

func TestRubbishIsRefused(t *testing.T) {
	asked := atomic.Int32{}
	path := serving(t, func(context.Context, Asked) (*engine.Autopsy, error) {
		asked.Add(1)
		return nil, errors.New("asked")
	})
	for text, why := range map[string]string{
		"\n":                                "not one that a lab's shell sends",
		"GET / HTTP/1.1\n":                  "not one that a lab's shell sends",
		"[1,2]\n":                           "not one that a lab's shell sends",
		strings.Repeat("x", 1<<20):          "too long",
		`{"version":2,"target":"a"}` + "\n": "speaks version 1",
		`{}` + "\n":                         "speaks version 1",
		`{"version":1}` + "\n":              "names no destination",
		`{"version":1,"target":"a:80","size":65508}` + "\n":                  "a size is from 0 to 65507 bytes",
		`{"version":1,"target":"a:80","size":-1}` + "\n":                     "a size is from 0 to 65507 bytes",
		`{"version":1,"target":"a:80","wait_ms":5001}` + "\n":                "at most 5s",
		`{"version":1,"target":"a:80","wait_ms":-1}` + "\n":                  "at most 5s",
		`{"version":1,"target":"a:80","wait_ms":9223372036854775807}` + "\n": "at most 5s",
		`{"version":1,"target":"a\u001b[2J:80"}` + "\n":                      "is no address and no name",
		`{"version":1,"target":"a","from":7}` + "\n":                         "not one that a lab's shell sends",
	} {
		var a answer
		line := say(t, path, text)
		if err := json.Unmarshal([]byte(line), &a); err != nil || a.Error == nil || a.Error.Kind != kindUsage || !strings.Contains(a.Error.Text, why) {
			t.Errorf("%.60q was answered %q, not with %q", text, line, why)
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("%d of them came through", n)
	}
}

// Clients that say nothing, say half of it, do not listen or go away at once keep
// nobody from being heard; and whoever takes a question back ends its answer.
func TestOthersAreHeardBesideHostileClients(t *testing.T) {
	under := make(chan context.Context, 1)
	path := serving(t, func(ctx context.Context, a Asked) (*engine.Autopsy, error) {
		if a.Flow.To != "forever" {
			return delivered(ctx, a)
		}
		under <- ctx
		<-ctx.Done()
		return nil, ctx.Err()
	})
	for i := range 3 * maxClients {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		switch i % 3 {
		case 0:
			_, _ = io.WriteString(c, `{"version":1,"tar`)
			defer c.Close() //nolint:errcheck // the test's own
		case 1:
			defer c.Close() //nolint:errcheck // the test's own
		case 2:
			_ = c.Close()
		}
	}
	if _, err := Ask(t.Context(), path, engine.Flow{To: "10.0.0.2", Proto: "icmp"}); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 1)
	go func() {
		_, err := Ask(ctx, path, engine.Flow{To: "forever", Proto: "icmp"})
		asked <- err
	}()
	answering := <-under
	cancel()
	if err := <-asked; !errors.Is(err, context.Canceled) {
		t.Errorf("the client's own end: %v", err)
	}
	<-answering.Done()
}

func TestWhereNobodyListens(t *testing.T) {
	if _, err := Ask(t.Context(), filepath.Join(t.TempDir(), "none"), engine.Flow{To: "a", Proto: "icmp"}); !errors.Is(err, ErrNoLab) {
		t.Errorf("%v", err)
	}
	path := serving(t, func(context.Context, Asked) (*engine.Autopsy, error) { panic("not asked") })
	l, err := net.Listen("unix", path+"2")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		c, err := l.Accept()
		if err == nil {
			_ = c.Close() // as the kernel does when the lab ends
		}
	}()
	_, err = Ask(t.Context(), path+"2", engine.Flow{To: "a", Proto: "icmp"})
	if !errors.Is(err, engine.ErrCannotRun) || !strings.Contains(err.Error(), "the lab ended") {
		t.Errorf("%v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
