package probe

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/internal/netns"
	"underlay/engine/workload"
)

// workloadEnv makes the test binary a workload instead.
const workloadEnv = "UNDERLAY_TEST_WORKLOAD"

func TestMain(m *testing.M) {
	if os.Getenv(workloadEnv) != "" {
		os.Exit(workload.Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// newNode makes a network namespace with its loopback up.
func newNode(t testing.TB, name string) Node {
	t.Helper()
	fd, err := netns.New()
	if errors.Is(err, unix.EPERM) {
		t.Skip("no right to make network namespaces: run as root or in a user namespace")
	}
	must(t, err)
	t.Cleanup(func() { must(t, unix.Close(fd)) })
	n := Node{Name: name, NS: fd}
	sysctl(t, n, "net/ipv4/icmp_ratelimit", "0")
	up(t, n, "lo")
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func netlinkIn(t testing.TB, n Node, fn func(h *netlink.Handle) error) {
	t.Helper()
	var h *netlink.Handle
	must(t, netns.Do(n.NS, func() (err error) {
		h, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	}))
	defer h.Close()
	must(t, fn(h))
}

func up(t testing.TB, n Node, dev string) {
	t.Helper()
	netlinkIn(t, n, func(h *netlink.Handle) error {
		link, err := h.LinkByName(dev)
		if err != nil {
			return err
		}
		return h.LinkSetUp(link)
	})
}

// join connects a and b by a veth pair; each end is named after the other node.
func join(t testing.TB, a Node, aAddr string, b Node, bAddr string) {
	t.Helper()
	netlinkIn(t, a, func(h *netlink.Handle) error {
		return h.LinkAdd(&netlink.Veth{
			LinkAttrs: netlink.LinkAttrs{Name: b.Name}, PeerName: a.Name, PeerNamespace: netlink.NsFd(b.NS),
		})
	})
	address1(t, a, b.Name, aAddr)
	address1(t, b, a.Name, bAddr)
}

func address1(t testing.TB, n Node, dev, cidr string) {
	t.Helper()
	netlinkIn(t, n, func(h *netlink.Handle) error {
		link, err := h.LinkByName(dev)
		if err != nil {
			return err
		}
		addr, err := netlink.ParseAddr(cidr)
		if err != nil {
			return err
		}
		if strings.Contains(cidr, ":") {
			addr.Flags = unix.IFA_F_NODAD
		}
		return errors.Join(h.AddrAdd(link, addr), h.LinkSetUp(link))
	})
}

func route(t testing.TB, n Node, to, via string) {
	t.Helper()
	must(t, tool(n, "ip", "route", "add", to, "via", via))
}

func sysctl(t testing.TB, n Node, name, value string) {
	t.Helper()
	must(t, netns.Do(n.NS, func() error { return os.WriteFile("/proc/sys/"+name, []byte(value), 0o644) }))
}

// tool runs a command in a node.
func tool(n Node, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	err := netns.Do(n.NS, cmd.Start)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out.String())
	}
	return nil
}

// firewall runs iptables, or skips where the machine has none.
func firewall(t testing.TB, n Node, rule string) {
	t.Helper()
	if _, err := exec.LookPath("iptables"); err != nil {
		t.Skip("no iptables here")
	}
	must(t, tool(n, "iptables", strings.Fields(rule)...))
}

// serve starts a real workload process in a node and waits until it listens.
func serve(t testing.TB, n Node, w engine.Workload) {
	t.Helper()
	if w.Name == "" {
		w.Name = n.Name
	}
	self, err := os.Executable()
	must(t, err)
	ready, child, err := os.Pipe()
	must(t, err)
	defer func() { must(t, ready.Close()) }()
	cmd := exec.Command(self, workload.Args(w, 3)...)
	cmd.Env = append(os.Environ(), workloadEnv+"=1")
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{child}
	must(t, errors.Join(netns.Do(n.NS, cmd.Start), child.Close()))
	t.Cleanup(func() {
		must(t, cmd.Process.Signal(unix.SIGTERM))
		must(t, cmd.Wait())
	})
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		t.Fatalf("%s workload did not start: %v", w.Kind, err)
	}
}

// path is c — r — s: a client, a router that forwards, and a server with one
// workload of each kind.
type path struct{ c, r, s Node }

const (
	clientAddr, routerNear = "10.1.0.2", "10.1.0.1"
	serverAddr4, routerFar = "10.2.0.2", "10.2.0.1"
	httpPort, tcpPort      = 80, 9000
	udpPort, silentPort    = 9001, 9002
)

func newPath(t testing.TB) path {
	t.Helper()
	p := path{newNode(t, "c"), newNode(t, "r"), newNode(t, "s")}
	join(t, p.c, clientAddr+"/24", p.r, routerNear+"/24")
	join(t, p.s, serverAddr4+"/24", p.r, routerFar+"/24")
	sysctl(t, p.r, "net/ipv4/ip_forward", "1")
	route(t, p.c, "default", routerNear)
	route(t, p.s, "default", routerFar)
	serve(t, p.s, engine.Workload{Kind: "http", Listen: ":80"})
	serve(t, p.s, engine.Workload{Kind: "tcp", Listen: ":" + strconv.Itoa(tcpPort)})
	serve(t, p.s, engine.Workload{Kind: "udp", Listen: ":" + strconv.Itoa(udpPort)})
	return p
}

// listenIn makes a TCP listener in a node by hand; handle gets each connection.
func listenIn(t testing.TB, n Node, port int, handle func(io.ReadWriteCloser)) {
	t.Helper()
	s, err := open(n.NS, unix.AF_INET, unix.SOCK_STREAM, 0)
	must(t, err)
	must(t, s.control(func(fd int) error {
		return errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Port: port}), unix.Listen(fd, 8))
	}))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn := -1
			err := s.raw.Read(func(fd uintptr) bool {
				var err error
				conn, _, err = unix.Accept4(int(fd), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
				return err != unix.EAGAIN
			})
			if err != nil || conn < 0 {
				return
			}
			handle(os.NewFile(uintptr(conn), "conn"))
		}
	}()
	t.Cleanup(func() {
		must(t, s.close())
		<-ended
	})
}

func addrOf(t testing.TB, s string) netip.Addr {
	t.Helper()
	a, err := netip.ParseAddr(s)
	must(t, err)
	return a
}
