package preflight

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// trial is the child's way to try features. It runs in namespaces of its own,
// so what it makes is never removed: it goes with them.
type trial struct {
	ctx context.Context
	nl  *netlink.Handle
}

// parent is one end of a veth pair, for links that sit on another.
const parent = "pf0"

func attrs(name string) netlink.LinkAttrs { //nolint:forbidigo // a type, no call
	a := netlink.NewLinkAttrs()
	a.Name = name
	return a
}

// onParent is attrs for a link on top of the veth.
func (t *trial) onParent(name string) (netlink.LinkAttrs, error) { //nolint:forbidigo // a type, no call
	a := attrs(name)
	p, err := t.nl.LinkByName(parent)
	if err != nil {
		return a, fmt.Errorf("it needs veth: %w", err)
	}
	a.ParentIndex = p.Attrs().Index
	return a, nil
}

func tryVeth(t *trial) error {
	return t.nl.LinkAdd(&netlink.Veth{LinkAttrs: attrs(parent), PeerName: "pf1"})
}

func tryBridge(t *trial) error { return t.nl.LinkAdd(&netlink.Bridge{LinkAttrs: attrs("pfbr")}) }

func tryVLANFiltering(t *trial) error {
	on := true
	return t.nl.LinkAdd(&netlink.Bridge{LinkAttrs: attrs("pfbrvlan"), VlanFiltering: &on})
}

func tryVXLAN(t *trial) error {
	return t.nl.LinkAdd(&netlink.Vxlan{LinkAttrs: attrs("pfvxlan"), VxlanId: 42, Port: 4789})
}

func tryMacvlan(t *trial) error {
	a, err := t.onParent("pfmacvlan")
	if err != nil {
		return err
	}
	return t.nl.LinkAdd(&netlink.Macvlan{LinkAttrs: a, Mode: netlink.MACVLAN_MODE_BRIDGE})
}

// tryIPvlan uses the other end of the veth: a link cannot carry both kinds.
func tryIPvlan(t *trial) error {
	p, err := t.nl.LinkByName("pf1")
	if err != nil {
		return fmt.Errorf("it needs veth: %w", err)
	}
	a := attrs("pfipvlan")
	a.ParentIndex = p.Attrs().Index
	return t.nl.LinkAdd(&netlink.IPVlan{LinkAttrs: a, Mode: netlink.IPVLAN_MODE_L2})
}

func tryVLAN(t *trial) error {
	a, err := t.onParent("pfvlan")
	if err != nil {
		return err
	}
	return t.nl.LinkAdd(&netlink.Vlan{LinkAttrs: a, VlanId: 42, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q})
}

func tryDummy(t *trial) error { return t.nl.LinkAdd(&netlink.Dummy{LinkAttrs: attrs("pfdummy")}) }

func tryVRF(t *trial) error { return t.nl.LinkAdd(&netlink.Vrf{LinkAttrs: attrs("pfvrf"), Table: 42}) }

func tryBond(t *trial) error { return t.nl.LinkAdd(netlink.NewLinkBond(attrs("pfbond"))) }

func tryIPIP(t *trial) error {
	return t.nl.LinkAdd(&netlink.Iptun{LinkAttrs: attrs("pfipip"), Local: net.IPv4(192, 0, 2, 1), Remote: net.IPv4(192, 0, 2, 2)})
}

func tryGRE(t *trial) error {
	return t.nl.LinkAdd(&netlink.Gretun{LinkAttrs: attrs("pfgre"), Local: net.IPv4(192, 0, 2, 1), Remote: net.IPv4(192, 0, 2, 3)})
}

func tryGeneve(t *trial) error {
	return t.nl.LinkAdd(&netlink.Geneve{LinkAttrs: attrs("pfgeneve"), ID: 42, Remote: net.IPv4(192, 0, 2, 2)})
}

func tryWireGuard(t *trial) error {
	return t.nl.LinkAdd(&netlink.Wireguard{LinkAttrs: attrs("pfwg")})
}

// rules commits one table with one base chain and one rule of these expressions.
func rules(family nftables.TableFamily, name string, chain nftables.Chain, exprs ...expr.Any) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	table := c.AddTable(&nftables.Table{Family: family, Name: name})
	chain.Name, chain.Table = "c", table
	added := c.AddChain(&chain)
	if len(exprs) > 0 {
		c.AddRule(&nftables.Rule{Table: table, Chain: added, Exprs: exprs})
	}
	return c.Flush()
}

func filterChain() nftables.Chain {
	return nftables.Chain{Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter}
}

func tryFilter(*trial) error {
	return rules(nftables.TableFamilyINet, "pffilter", filterChain(), &expr.Verdict{Kind: expr.VerdictDrop})
}

func tryNAT(*trial) error {
	return rules(nftables.TableFamilyIPv4, "pfnat", nftables.Chain{
		Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	}, &expr.Masq{})
}

// tryConntrack adds "ct state established accept", and lists the tracked
// connections as the tool conntrack does.
func tryConntrack(t *trial) error {
	_, listed := t.nl.ConntrackTableList(netlink.ConntrackTable, unix.AF_INET)
	ruled := rules(nftables.TableFamilyIPv4, "pfct", filterChain(),
		&expr.Ct{Register: 1, Key: expr.CtKeySTATE},
		&expr.Bitwise{
			SourceRegister: 1, DestRegister: 1, Len: 4,
			Mask: binaryutil.NativeEndian.PutUint32(expr.CtStateBitESTABLISHED), Xor: make([]byte, 4),
		},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)},
		&expr.Verdict{Kind: expr.VerdictAccept})
	return errors.Join(ruled, listed)
}

func tryNftBridge(*trial) error {
	return rules(nftables.TableFamilyBridge, "pfbridge", filterChain(), &expr.Verdict{Kind: expr.VerdictDrop})
}

// tryIptables adds the rule that most labs end with, with the machine's own
// iptables: it shows that kernel and tool fit together.
func tryIptables(t *trial) error {
	path := lookTool("iptables")
	if path == "" {
		return errors.New("iptables is not installed")
	}
	cmd := exec.CommandContext(t.ctx, path, "-t", "nat", "-A", "POSTROUTING", "-s", "192.0.2.0/24", "-j", "MASQUERADE")
	cmd.Env = append(os.Environ(), "XTABLES_LOCKFILE="+scratch+"/xtables.lock")
	if out, err := cmd.CombinedOutput(); err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("iptables says: %s (%w)", first, err)
	}
	return nil
}

func tryForwarding(*trial) error {
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0)
}

// tryBridgeNetfilter opens the setting that a lab changes. It is there only
// while the module is loaded, and nothing that a lab may do loads it.
func tryBridgeNetfilter(*trial) error {
	return os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-iptables", []byte("1"), 0)
}

func tryIPv6(*trial) error {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile("/proc/sys/net/ipv6/conf/all/forwarding", []byte("1"), 0), unix.Close(fd))
}

// tryCapture leaves its socket open: closing one waits for the whole kernel.
func tryCapture(*trial) error {
	_, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	return err
}

func tryPolicyRouting(t *trial) error {
	r := netlink.NewRule()
	r.Family, r.Table, r.Priority = unix.AF_INET, 42, 4242
	return t.nl.RuleAdd(r)
}

func tryIPSet(t *trial) error {
	return t.nl.IpsetCreate("pfset", "hash:ip", netlink.IpsetCreateOptions{})
}

// getIPVSInfo is the socket option IP_VS_SO_GET_INFO of linux/ip_vs.h.
const getIPVSInfo = 64 + 1024 + 64 + 1

// tryIPVS asks for the family, which loads the module, and then asks IPVS by a
// socket option: its netlink commands are for the machine's own root only.
func tryIPVS(t *trial) error {
	if _, err := t.nl.GenlFamilyGet("IPVS"); err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return err
	}
	_, err = unix.GetsockoptString(fd, unix.IPPROTO_IP, getIPVSInfo)
	return errors.Join(err, unix.Close(fd))
}

// qdisc puts a queueing discipline on lo. Each has a handle of its own: one that
// is in use cannot be taken over by another kind.
func (t *trial) qdisc(handle uint16, make func(netlink.QdiscAttrs) netlink.Qdisc) error {
	lo, err := t.nl.LinkByName("lo")
	if err != nil {
		return err
	}
	return t.nl.QdiscReplace(make(netlink.QdiscAttrs{
		LinkIndex: lo.Attrs().Index, Handle: netlink.MakeHandle(handle, 0), Parent: netlink.HANDLE_ROOT,
	}))
}

func tryNetem(t *trial) error {
	return t.qdisc(1, func(a netlink.QdiscAttrs) netlink.Qdisc {
		return netlink.NewNetem(a, netlink.NetemQdiscAttrs{Latency: 1000})
	})
}

func tryTBF(t *trial) error {
	return t.qdisc(2, func(a netlink.QdiscAttrs) netlink.Qdisc {
		return &netlink.Tbf{QdiscAttrs: a, Rate: 125_000, Limit: 20_000, Buffer: 10_000}
	})
}

func tryTun(*trial) error {
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}
