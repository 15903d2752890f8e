package sandbox_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"underlay/engine/sandbox"
)

// echoes answers every connection with what its line says.
func echoes(l net.Listener) <-chan error {
	ended := make(chan error, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			line, _ := bufio.NewReader(c).ReadString('\n')
			_, _ = fmt.Fprint(c, "heard ", line)
			_ = c.Close()
		}
	}()
	return ended
}

func TestEveryoneInAWorldIsHeard(t *testing.T) {
	w := newWorld(t, "host", "c1")
	echoes(w.Socket())
	say := "echo hello | nc -NU " + sandbox.SocketPath
	for name, script := range map[string]string{
		"host":                     say,
		"another node":             "ip netns exec c1 " + say,
		"a namespace of no node":   "ip netns add x && ip netns exec x " + say,
		"nobody":                   "if [ $(id -u) = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups sh -c '" + say + "'; else " + say + "; fi",
		"an inner user namespace":  "unshare -Un sh -c '" + say + "'",
		"after taking it away":     "rm -f " + sandbox.SocketPath + "; umount /run/underlay; " + say,
		"with another's name over": "mv " + sandbox.SocketPath + " /tmp; " + say,
	} {
		t.Run(name, func(t *testing.T) {
			if got := must(t, w, "host", script); !strings.HasSuffix(got, "heard hello\n") {
				t.Errorf("it heard %q", got)
			}
		})
	}
}

func TestTheSocketEndsWithItsWorld(t *testing.T) {
	sb, err := sandbox.New()
	if err != nil {
		t.Fatal(err)
	}
	w, err := sb.NewWorld(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended := echoes(w.Socket())
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("listening ended with %v", err)
	}
}
