package sandbox_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"underlay/engine/sandbox"
)

func TestMain(m *testing.M) {
	switch os.Args[0] {
	case sandbox.InitName:
		os.Exit(sandbox.InitMain())
	case sandbox.AppName:
		os.Exit(m.Run())
	case sandbox.SudoName:
		os.Exit(sandbox.SudoMain(os.Args))
	}
	code, err := sandbox.Outer(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func newWorld(t *testing.T, nodes ...string) *sandbox.World {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	sb := theSandbox(t)
	t0 := time.Now()
	w, err := sb.NewWorld(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("world", time.Since(t0))
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	var specs []sandbox.NodeSpec
	for _, n := range nodes {
		specs = append(specs, sandbox.NodeSpec{Name: n})
	}
	if _, err := w.AddNodes(ctx, specs); err != nil {
		t.Fatal(err)
	}
	return w
}

func theSandbox(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	sb, err := sandbox.New()
	if err != nil {
		t.Fatal(err)
	}
	return sb
}

func TestScratch(t *testing.T) {
	w := newWorld(t, "host", "c1")
	for _, c := range []string{
		"id; hostname; mount | head -50; ls -la /etc | head -5; ls /run/netns; cat /proc/self/uid_map",
		"ip netns list; ip netns exec c1 ip link; ip netns exec c1 hostname",
		"ip link add vc1 type veth peer name eth0 netns c1; ip link; ls /sys/class/net; sudo ip addr add 1.2.3.4/24 dev vc1; ip -br a",
		"mount -o remount,rw /; mount -o remount,bind,rw /; touch /usr/x; echo hi > /etc/foo; cat /etc/foo; sysctl -w net.ipv4.ip_forward=1; iptables -t nat -A POSTROUTING -j MASQUERADE; iptables -t nat -S; iptables-legacy -S; nft list ruleset; conntrack -L; timeout 1 tcpdump -i any -c1 ; echo c > /proc/sysrq-trigger; ulimit -u; tty; ls -la /dev",
		"ip netns add foo && ip netns exec foo true; ls /run/netns",
	} {
		out, code, err := w.Run(context.Background(), "host", "", "bash", "-c", c)
		t.Log(c, code, err, "\n"+out)
	}
	out, code, err := w.Run(context.Background(), "c1", "", "bash", "-c", "ls /run/netns; hostname; ip -br l; grep -c . /etc/passwd")
	t.Log(code, err, out)
}
