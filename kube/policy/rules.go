package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
)

// Table is the nf_tables table of a node's rules.
const table = "kube-network-policies"

// Rules are the rules of one node. They are the same whatever the policies
// are, in both of two chains, forward and input:
//
//	ct mark REFUSED drop
//	ct state established,related accept
//	ip saddr @pods queue
//	ip daddr @pods queue
//
// What changes is the set: the addresses of pods that a policy selects.
type rules struct {
	conn *nftables.Conn
	pods *nftables.Set
	last []netip.Addr
}

// NewRules writes the rules, with an empty set. Where the kernel has no queue
// expression, the target of the same name from iptables stands in for it.
func newRules(namespace int) (*rules, error) {
	compatible := xt.Unknown(append(binaryutil.NativeEndian.PutUint16(queue), make([]byte, 6)...))
	var failures []error
	for _, verdict := range []expr.Any{
		&expr.Queue{Num: queue},
		&expr.Target{Name: "NFQUEUE", Info: &compatible},
	} {
		r, err := writeRules(namespace, verdict)
		if err == nil {
			return r, nil
		}
		failures = append(failures, err)
	}
	return nil, fmt.Errorf("write rules: %w", errors.Join(failures...))
}

func writeRules(namespace int, verdict expr.Any) (*rules, error) {
	conn, err := nftables.New(nftables.WithNetNSFd(namespace))
	if err != nil {
		return nil, err
	}
	t := &nftables.Table{Name: table, Family: nftables.TableFamilyIPv4}
	conn.AddTable(t)
	conn.DelTable(t) // added before, so that it is there to be deleted
	conn.AddTable(t)
	r := &rules{conn: conn, pods: &nftables.Set{Table: t, Name: "pods", KeyType: nftables.TypeIPAddr}}
	if err := conn.AddSet(r.pods, nil); err != nil {
		return nil, err
	}
	for name, hook := range map[string]*nftables.ChainHook{"forward": nftables.ChainHookForward, "input": nftables.ChainHookInput} {
		chain := conn.AddChain(&nftables.Chain{
			Table: t, Name: name, Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: nftables.ChainPriorityFilter,
		})
		for _, expressions := range r.chain(verdict) {
			conn.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: expressions})
		}
	}
	return r, conn.Flush()
}

func (r *rules) chain(verdict expr.Any) [][]expr.Any {
	const register = 1
	equals := func(data []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: data} }
	address := func(offset uint32) []expr.Any {
		return []expr.Any{
			&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: 4},
			&expr.Lookup{SourceRegister: register, SetName: r.pods.Name, SetID: r.pods.ID},
			&expr.Counter{},
			verdict,
		}
	}
	open := binaryutil.NativeEndian.PutUint32(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED)
	return [][]expr.Any{
		{
			&expr.Ct{Register: register, Key: expr.CtKeyMARK},
			equals(binaryutil.NativeEndian.PutUint32(refused)),
			&expr.Counter{},
			&expr.Verdict{Kind: expr.VerdictDrop},
		},
		{
			&expr.Ct{Register: register, Key: expr.CtKeySTATE},
			&expr.Bitwise{SourceRegister: register, DestRegister: register, Len: 4, Mask: open, Xor: make([]byte, 4)},
			&expr.Cmp{Op: expr.CmpOpNeq, Register: register, Data: make([]byte, 4)},
			&expr.Verdict{Kind: expr.VerdictAccept},
		},
		address(12), // source
		address(16), // destination
	}
}

// Queue makes the given pods' new connections wait for a verdict, and no
// others'. The error is unix.ENOENT where the rules are gone.
func (r *rules) queue(pods []netip.Addr) error {
	if slices.Equal(pods, r.last) {
		return nil
	}
	r.conn.FlushSet(r.pods)
	elements := make([]nftables.SetElement, len(pods))
	for i, pod := range pods {
		elements[i].Key = pod.AsSlice()
	}
	if err := r.conn.SetAddElements(r.pods, elements); err != nil {
		return fmt.Errorf("write the set of pods: %w", err)
	}
	if err := r.conn.Flush(); err != nil {
		return fmt.Errorf("write the set of pods: %w", err)
	}
	r.last = pods
	return nil
}
