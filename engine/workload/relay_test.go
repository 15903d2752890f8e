package workload

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"underlay/engine"
)

// A relay makes a connection of its own, carries both ways, and passes on that one way
// has ended while the other goes on.
func TestRelay(t *testing.T) {
	back, front := freePort(t), freePort(t)
	ln, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(back))
	must(t, err)
	t.Cleanup(func() { must(t, ln.Close()) })
	start(t, engine.Workload{Kind: "relay", Listen: "127.0.0.9:" + strconv.Itoa(front), To: ln.Addr().String()})
	c := dial(t, "tcp", "127.0.0.9", front)
	server, err := ln.Accept()
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	if peer := server.RemoteAddr().String(); peer == c.LocalAddr().String() || !strings.HasPrefix(peer, "127.0.0.1:") {
		t.Errorf("the server sees %s, the client is %s", peer, c.LocalAddr())
	}
	much := bytes.Repeat([]byte("up "), 1<<20)
	go func() {
		_, err := c.Write(much)
		if err = errors.Join(err, c.(*net.TCPConn).CloseWrite()); err != nil {
			t.Error(err)
		}
	}()
	if got, err := io.ReadAll(server); err != nil || !bytes.Equal(got, much) {
		t.Errorf("%d bytes came up, %v", len(got), err)
	}
	_, err = io.WriteString(server, "down")
	must(t, errors.Join(err, server.(*net.TCPConn).CloseWrite()))
	if got, err := io.ReadAll(c); err != nil || string(got) != "down" {
		t.Errorf("%q came down, %v", got, err)
	}
}

// Whoever calls a relay whose server is not there is connected, and then hung up on.
func TestRelayToNobody(t *testing.T) {
	front := freePort(t)
	start(t, engine.Workload{Kind: "relay", Listen: "127.0.0.1:" + strconv.Itoa(front), To: fmt.Sprintf("127.0.0.1:%d", freePort(t))})
	c := dial(t, "tcp", "127.0.0.1", front)
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestRelayOfUDP(t *testing.T) {
	back, front := freePort(t), freePort(t)
	start(t, engine.Workload{Kind: "udp", Name: "log", Listen: "127.0.0.1:" + strconv.Itoa(back)})
	start(t, engine.Workload{Kind: "relay", Protocol: "udp", Listen: "127.0.0.9:" + strconv.Itoa(front), To: fmt.Sprintf("127.0.0.1:%d", back)})
	peers := map[string]bool{}
	for _, word := range []string{"one", "two"} {
		c := dial(t, "udp", "127.0.0.9", front)
		for range 2 {
			must(t, func() error { _, err := io.WriteString(c, word); return err }())
			buf := make([]byte, 1000)
			n, err := c.Read(buf)
			line, said, _ := strings.Cut(string(buf[:n]), "\n")
			if err != nil || said != word || !strings.HasPrefix(line, "log sees 127.0.0.1:") || strings.HasSuffix(line, c.LocalAddr().String()) {
				t.Errorf("%s: got %q, %v", word, buf[:n], err)
			}
			peers[line] = true
		}
	}
	if len(peers) != 2 {
		t.Errorf("two clients are %d to the server: %v", len(peers), peers)
	}
}

// A server that answers from another address is not heard by those who wait for the one
// that they asked.
func TestUDPAnswersFromAnother(t *testing.T) {
	port := freePort(t)
	start(t, engine.Workload{Kind: "udp", Listen: ":" + strconv.Itoa(port), AnswersFrom: "127.0.0.9"})
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { must(t, pc.Close()) })
	_, err = pc.WriteTo([]byte("hello"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	must(t, err)
	buf := make([]byte, 1000)
	n, from, err := pc.ReadFrom(buf)
	if err != nil || from.String() != fmt.Sprintf("127.0.0.9:%d", port) || !strings.HasSuffix(string(buf[:n]), "hello") {
		t.Errorf("got %q from %v, %v", buf[:n], from, err)
	}
}

func TestArgsOfRelays(t *testing.T) {
	host, err := os.Hostname()
	must(t, err)
	w := engine.Workload{Kind: "relay", Listen: ":80", To: "[fd00::2]:80", Protocol: "udp"}
	o, err := parse(Args(w, -1))
	if err != nil || !o.udp || o.to != w.To || o.listen != ":80" || o.name != host {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range [][]string{{"relay"}, {"http", "--to", "10.0.0.2:80"}, {"tcp", "--udp"}, {"tcp", "--answers-from", "10.0.0.2"}, {"udp", "--answers-from", "x"}} {
		if o, err := parse(args); err == nil {
			t.Errorf("%q: %+v", args, o)
		}
	}
}
