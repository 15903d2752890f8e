package plain

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"underlay/engine"
)

func TestTraceInWords(t *testing.T) {
	s := newFakeSession()
	s.flow = engine.Flow{From: "c1", To: "10.0.0.7", Proto: "tcp", Port: 666}
	said, err := tell(t, inLab(s), ":tasks", ":trace 10.0.0.2:80", ":trace c1 10.0.0.2:666", ":trace", ":node c1", ":trace 10.0.0.3", "do bridge", ":trace", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said,
		"Type :trace to hear how far that packet gets.",
		"host> :trace 10.0.0.2:80\n\nDelivered: c1 answered.\nSent from host to 10.0.0.2, port 80, by tcp: connected.\nThe way there: tcp SYN from 10.0.0.1:4000 to 10.0.0.2:80.\n  1. host: made here, out by eth0.\n  2. c1: in by eth0, arrived.\n\n",
		"host> :trace c1 10.0.0.2:666\n\nNot delivered: dropped in c1, iptables filter INPUT: the packet coming in on\n  eth0 matched the rule -A INPUT -j DROP.\n", "It was dropped here: iptables filter INPUT.",
		"host> :trace\n\nNot delivered: dropped in c1", "Sent from c1 to 10.0.0.7, port 666",
		"You are in c1.", "Sent from c1 to 10.0.0.3, by icmp",
		"c1> :trace\n", "Task 2 does not fail because of a lost packet. Say where a packet should")
	want := []string{"host → 10.0.0.2:80/tcp", "c1 → 10.0.0.2:666/tcp", "c1 → 10.0.0.7:666/tcp", "c1 → 10.0.0.3/icmp"}
	if !slices.Equal(s.traced, want) {
		t.Errorf("it traced %q, not %q", s.traced, want)
	}
}

func TestTraceOfWhatMakesNoSense(t *testing.T) {
	s := newFakeSession()
	said, err := tell(t, inLab(s), ":trace c9 10.0.0.2", ":trace 10.0.0.2:http", ":trace a b c", ":trace", ":help", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "There is no node c9. The nodes are: host, c1.",
		`"10.0.0.2:http": a port is a number from 1 to 65535.`, "What to do: give a destination such as",
		":trace TO follows a packet from the node where you are",
		"Task 1 does not fail because of a lost packet.", ":trace TO ")
	if len(s.traced) > 0 {
		t.Errorf("it traced %q", s.traced)
	}
}

func TestCtrlCGivesATraceUp(t *testing.T) {
	s := newFakeSession()
	d := inLab(s)
	interrupts := make(chan os.Signal, 1)
	d.Interrupts = interrupts
	go func() {
		<-s.tracing
		interrupts <- syscall.SIGINT
	}()
	said, err := tell(t, d, ":trace 10.0.0.99", "say still here", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "The trace was cancelled.", "still here")
	if strings.Contains(said, "Delivered") {
		t.Errorf("it said:\n%s", said)
	}
}
