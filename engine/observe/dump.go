package observe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
	"underlay/engine/internal/nl"
)

// Message is one object of a listing as the kernel sent it: the fixed part that
// its type begins with and then its attributes, without the netlink header. The
// kernel takes the same message back to make the object again.
type Message struct {
	Type uint16
	Body []byte
}

// Dump is what a node holds in the kernel's own words, for those who want to
// put it back. State is the same thing for those who want to look at it.
type Dump struct {
	Node  string
	Inode uint64 // of the network namespace

	Links, Addrs, Routes, Rules []Message
	Neighs, Proxies, FDB        []Message

	// nf_tables, as of one generation.
	Tables, Chains, Sets, Elements, Objects, Flowtables, NFRules []Message

	// IPSets are the places of the node's ipsets in the kernel's table, by name.
	IPSets   map[string]int
	Settings map[string]string // what can be written below /proc/sys/net, by path
}

// Dump lists everything of every node, in the order in which the nodes were added.
func (r *Reader) Dump() ([]Dump, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, errors.New("the reader is closed")
	}
	dumps, errs := make([]Dump, len(r.nodes)), make([]error, len(r.nodes))
	parallel(len(r.nodes), func(i int) {
		n := r.nodes[i]
		dumps[i] = Dump{Node: n.Name, Inode: n.inode}
		if err := n.dump(&dumps[i]); err != nil {
			errs[i] = fmt.Errorf("node %s: %w", n.Name, err)
		}
	})
	return dumps, errors.Join(errs...)
}

func (n *node) dump(d *Dump) error {
	if err := n.dumpRoutes(d); err != nil {
		return err
	}
	if err := n.dumpFirewall(d); err != nil {
		return err
	}
	var err error
	d.Settings, err = n.dumpSettings()
	return err
}

// dumpRoutes lists what rtnetlink knows.
func (n *node) dumpRoutes(d *Dump) error {
	c, err := n.conn(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	proxies := make([]byte, unix.SizeofNdMsg)
	proxies[10] = unix.NTF_PROXY
	fdb := make([]byte, unix.SizeofIfInfomsg) // see neighbours
	fdb[0] = unix.AF_BRIDGE
	for _, l := range []struct {
		what string
		typ  uint16
		req  []byte
		to   *[]Message
	}{
		{"links", unix.RTM_GETLINK, skipStats(make([]byte, unix.SizeofIfInfomsg)), &d.Links},
		{"addresses", unix.RTM_GETADDR, make([]byte, unix.SizeofIfAddrmsg), &d.Addrs},
		{"routes", unix.RTM_GETROUTE, make([]byte, unix.SizeofRtMsg), &d.Routes},
		{"rules", unix.RTM_GETRULE, make([]byte, unix.SizeofRtMsg), &d.Rules},
		{"neighbours", unix.RTM_GETNEIGH, make([]byte, unix.SizeofNdMsg), &d.Neighs},
		{"proxies", unix.RTM_GETNEIGH, proxies, &d.Proxies},
		{"forwarding entries", unix.RTM_GETNEIGH, fdb, &d.FDB},
	} {
		if *l.to, err = nl.Dump(c, l.typ, l.req, keep); err != nil {
			return fmt.Errorf("list %s: %w", l.what, err)
		}
	}
	return nil
}

// keep copies a message out of the receive buffer.
func keep(out []Message, typ uint16, body []byte) []Message {
	return append(out, Message{Type: typ, Body: bytes.Clone(body)})
}

// dumpFirewall lists nf_tables, again from the start when it changed meanwhile.
func (n *node) dumpFirewall(d *Dump) error {
	c, err := n.conn(unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	if d.IPSets, err = listIPSets(c); err != nil {
		return fmt.Errorf("list ipsets: %w", err)
	}
	return oneGeneration(c, func() error { return d.nftables(c) })
}

func (d *Dump) nftables(c *nl.Conn) error {
	for _, l := range []struct {
		what string
		msg  uint16
		to   *[]Message
	}{
		{"tables", unix.NFT_MSG_GETTABLE, &d.Tables},
		{"chains", unix.NFT_MSG_GETCHAIN, &d.Chains},
		{"sets", unix.NFT_MSG_GETSET, &d.Sets},
		{"objects", unix.NFT_MSG_GETOBJ, &d.Objects},
		{"flowtables", unix.NFT_MSG_GETFLOWTABLE, &d.Flowtables},
		{"rules", unix.NFT_MSG_GETRULE, &d.NFRules},
	} {
		var err error
		*l.to, err = nl.Dump(c, nl.Tables(l.msg), nl.Netfilter(unix.AF_UNSPEC), keep)
		if err != nil {
			return fmt.Errorf("list nftables %s: %w", l.what, err)
		}
		if len(d.Tables) == 0 {
			return nil
		}
	}
	d.leaveOutOurs()
	d.Elements = nil
	for _, s := range d.Sets {
		a := nl.ParseAfter(s.Body, nl.NetfilterLen)
		req := nl.Netfilter(s.Body[0])
		req = nl.Append(req, unix.NFTA_SET_ELEM_LIST_TABLE, a.Get(unix.NFTA_SET_TABLE))
		req = nl.Append(req, unix.NFTA_SET_ELEM_LIST_SET, a.Get(unix.NFTA_SET_NAME))
		elements, err := nl.Dump(c, nl.Tables(unix.NFT_MSG_GETSETELEM), req, keep)
		if err != nil {
			return fmt.Errorf("list nftables set %s: %w", a.Text(unix.NFTA_SET_NAME), err)
		}
		d.Elements = append(d.Elements, elements...)
	}
	return nil
}

// leaveOutOurs takes out the tables of an autopsy, and what is in them.
func (d *Dump) leaveOutOurs() {
	ours := map[tableKey]bool{}
	for _, m := range d.Tables {
		if t := parseTable(m.Body[0], nl.ParseAfter(m.Body, nl.NetfilterLen)); t.ours() {
			ours[t.tableKey] = true
		}
	}
	for _, list := range []*[]Message{&d.Tables, &d.Chains, &d.NFRules} {
		*list = slices.DeleteFunc(*list, func(m Message) bool {
			// In the messages of all objects the first attribute is the table's name.
			return ours[tableKey{m.Body[0], nl.ParseAfter(m.Body, nl.NetfilterLen).Text(unix.NFTA_TABLE_NAME)}]
		})
	}
}

// The part of ipset's netlink protocol that tells which sets there are.
const (
	nfnlIPSet     = 6
	ipsetList     = 7 // IPSET_CMD_LIST
	ipsetByName   = 14
	ipsetByIndex  = 15
	ipsetProtocol = 1 // IPSET_ATTR_PROTOCOL
	ipsetSetName  = 2
	ipsetFlags    = 6
	ipsetIndex    = 11
	ipsetOnlyName = 2 // IPSET_FLAG_LIST_SETNAME
	ipsetVersion  = 7
)

// listIPSets finds the sets of ipset. What is in them only their own tool can
// list in a way that it takes back; what it does not say is a set's place, by
// which rules know it. A kernel without them has none.
func listIPSets(c *nl.Conn) (map[string]int, error) {
	req := nl.Append(nl.Netfilter(unix.AF_UNSPEC), ipsetProtocol, []byte{ipsetVersion})
	names, err := nl.Dump(c, nfnlIPSet<<8|ipsetList, nl.Append(req, ipsetFlags|unix.NLA_F_NET_BYTEORDER, []byte{0, 0, 0, ipsetOnlyName}),
		func(out []string, _ uint16, b []byte) []string {
			if name := nl.ParseAfter(b, nl.NetfilterLen).Text(ipsetSetName); name != "" {
				out = append(out, name)
			}
			return out
		})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	places := map[string]int{}
	for _, name := range names {
		err = errors.Join(err, c.Ask(nfnlIPSet<<8|ipsetByName, nl.Attrs{nl.NewText(ipsetSetName, name)}.AppendTo(req), func(b []byte) {
			places[name] = int(nl.ParseAfter(b, nl.NetfilterLen).Big32(ipsetIndex))
		}))
	}
	return places, err
}

// setName names a set of ipset in a rule's text: its place if it is not known.
func (n *node) setName(index int) string {
	name := fmt.Sprint(index)
	c, err := n.conn(unix.NETLINK_NETFILTER)
	if err != nil {
		return name
	}
	req := nl.Append(nl.Netfilter(unix.AF_UNSPEC), ipsetProtocol, []byte{ipsetVersion})
	req = nl.Append(req, ipsetIndex|unix.NLA_F_NET_BYTEORDER, []byte{byte(index >> 8), byte(index)})
	_ = c.Ask(nfnlIPSet<<8|ipsetByIndex, req, func(b []byte) { // who is not told the name has its place
		if s := nl.ParseAfter(b, nl.NetfilterLen).Text(ipsetSetName); s != "" {
			name = s
		}
	})
	return name
}

// dumpSettings reads what can be written below /proc/sys/net. Such a file takes
// six microseconds to read, of which a node has some hundreds.
func (n *node) dumpSettings() (map[string]string, error) {
	values := map[string]string{}
	err := netns.Do(n.NS, func() error { return readTree("net", values, make([]byte, 4096)) })
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return values, nil
}

// readTree reads the files of a directory of /proc/sys that can be written and
// read. A directory that has gone meanwhile was that of a device.
func readTree(dir string, values map[string]string, buf []byte) (err error) {
	f, err := os.Open("/proc/sys/" + dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	entries, err := f.ReadDir(-1)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for _, e := range entries {
		path := dir + "/" + e.Name()
		if e.IsDir() {
			if err := readTree(path, values, buf); err != nil {
				return err
			}
			continue
		}
		if text, ok := readSetting(int(f.Fd()), e.Name(), buf); ok {
			values[path] = text
		}
	}
	return nil
}

// readSetting reads one file of a directory. What cannot be read, as a secret
// that was never set, and what nobody may write is no setting.
func readSetting(dir int, name string, buf []byte) (string, bool) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", false
	}
	defer unix.Close(fd) //nolint:errcheck // only read
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&0o222 == 0 {
		return "", false
	}
	n, err := unix.Read(fd, buf)
	if err != nil {
		return "", false
	}
	return string(bytes.TrimRight(buf[:n], "\n")), true
}
