package policy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/florianl/go-nfqueue/v2"
	"golang.org/x/sys/unix"
	v1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kube-network-policies/pkg/network"

	"underlay/kube/internal/netns"
)

const (
	// Queue is the number of the queue in which a node's first packets wait
	// for a verdict.
	queue = 100
	// HeaderBytes is how much of a packet is looked at: the longest IPv4
	// header and the beginning of what follows it.
	headerBytes = 128
	// QueueLength is how many packets wait at most; more are dropped.
	queueLength = 1024
)

// An enforcer keeps one node to the policies.
type enforcer struct {
	node   string
	space  int // descriptor of the node's network namespace
	judge  judge
	rules  *rules
	flows  *flows
	failed func(error)
	again  func(node string)
	// New and open keep new and open connections to the policies. They run side by
	// side, because listing what is open takes long where there is much.
	new, open *loop
	reading   atomic.Pointer[nfqueue.Nfqueue]

	mu       sync.Mutex
	arrivals map[arrival]chan struct{} // that have yet to be judged
}

// NewEnforcer opens the node's queue and writes rules that send nothing to it
// yet. Packets of the queue are judged until ctx is done.
func newEnforcer(ctx context.Context, node string, judge judge, failed func(error), again func(node string)) (*enforcer, error) {
	namespace, err := os.Open(netns.Path(node))
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = namespace.Close() })
	fd := int(namespace.Fd())
	e := &enforcer{node: node, space: fd, judge: judge, failed: failed, again: again, arrivals: map[arrival]chan struct{}{}}
	told := func(err error) { failed(fmt.Errorf("policies on %s: %w", node, err)) }
	e.new, e.open = newLoop(e.judgeNew, told), newLoop(e.judgeOpen, told)
	if err := e.listen(ctx); err != nil {
		return nil, err
	}
	if e.rules, err = newRules(fd); err != nil {
		return nil, err
	}
	if e.flows, err = newFlows(fd); err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, e.flows.close)
	return e, nil
}

// Listen answers each packet of the queue with a verdict, until ctx ends. A queue that
// cannot be read any more is opened again: until then what would wait in it is dropped.
func (e *enforcer) listen(ctx context.Context) error {
	broken := make(chan struct{}, 1)
	if err := e.openQueue(ctx, broken); err != nil {
		return err
	}
	go func() {
		for {
			select {
			case <-ctx.Done():
				_ = e.reading.Load().Close()
				return
			case <-broken:
				_ = e.reading.Load().Close()
			}
			for err := e.openQueue(ctx, broken); err != nil; err = e.openQueue(ctx, broken) {
				e.failed(fmt.Errorf("policies on %s: %w", e.node, err))
				select {
				case <-ctx.Done():
					return
				case <-time.After(retryPeriod):
				}
			}
			e.again(e.node)
		}
	}()
	return nil
}

// openQueue opens the queue and has its packets judged. Broken gets something once
// nobody judges them any more.
func (e *enforcer) openQueue(ctx context.Context, broken chan<- struct{}) error {
	q, err := nfqueue.Open(&nfqueue.Config{
		NetNS: e.space, NfQueue: queue, MaxPacketLen: headerBytes, MaxQueueLen: queueLength,
		Copymode: nfqueue.NfQnlCopyPacket, Flags: nfqueue.NfQaCfgFlagGSO,
	})
	if err != nil {
		return fmt.Errorf("open the queue: %w", err)
	}
	err = q.RegisterWithErrorFunc(ctx, func(a nfqueue.Attribute) int {
		verdict := nfqueue.NfDrop
		if a.Payload != nil && e.accepts(ctx, *a.Payload) {
			verdict = nfqueue.NfAccept
		}
		if err := q.SetVerdict(*a.PacketID, verdict); err != nil && ctx.Err() == nil {
			e.failed(fmt.Errorf("policies on %s: verdict: %w", e.node, err))
		}
		return 0
	}, func(err error) int {
		if ctx.Err() != nil {
			return 1
		}
		var temporary interface{ Temporary() bool }
		if errors.As(err, &temporary) && temporary.Temporary() {
			return 0
		}
		// A verdict came too late. Whenever anybody takes a chain away that packets
		// pass, the kernel drops all packets of the node that wait in queues.
		if errors.Is(err, unix.ENOENT) {
			return 0
		}
		e.failed(fmt.Errorf("policies on %s: read the queue: %w", e.node, err))
		broken <- struct{}{}
		return 1
	})
	if err != nil {
		return errors.Join(fmt.Errorf("read the queue: %w", err), q.Close())
	}
	e.reading.Store(q)
	return nil
}

func (e *enforcer) accepts(ctx context.Context, payload []byte) bool {
	packet, err := network.ParsePacket(payload)
	return err == nil && e.judge.allows(ctx, &packet)
}

// Wake lets the enforcer look again at what there is.
func (e *enforcer) wake() { e.new.wake() }

// Settle brings the policies into force as they are now.
func (e *enforcer) settle(ctx context.Context) {
	e.new.once(ctx)
	e.open.once(ctx)
}

// Await returns when all connections, new and open ones, have been judged once more, or
// when ctx ends. The enforcer must be running.
func (e *enforcer) await(ctx context.Context) error {
	if err := e.new.await(ctx); err != nil {
		return err
	}
	return e.open.await(ctx)
}

// Run settles after each wake until ctx is done.
func (e *enforcer) run(ctx context.Context) {
	go e.open.run(ctx)
	e.new.run(ctx)
}

// JudgeNew sends the new connections of all pods that a policy selects to the
// queue, and then lets the open ones be judged.
func (e *enforcer) judgeNew(ctx context.Context) error {
	known := e.known() // before their addresses are asked for, or one could be missed
	pods, err := e.judge.concerned(ctx)
	if err != nil {
		return err
	}
	if err := e.queue(pods); err != nil {
		return err
	}
	e.let(known)
	e.open.wake()
	return nil
}

// JudgeOpen cuts those open connections that are no longer allowed.
func (e *enforcer) judgeOpen(ctx context.Context) error {
	pods, err := e.judge.concerned(ctx)
	if err != nil {
		return err
	}
	return e.flows.judge(func(f flow) bool {
		if !slices.Contains(pods, f.source) && !slices.Contains(pods, f.destination) {
			return true
		}
		return e.judge.allows(ctx, f.packet())
	})
}

// Queue makes the pods' new connections wait for a verdict. If somebody took
// the rules away, they are written again.
func (e *enforcer) queue(pods []netip.Addr) error {
	err := e.rules.queue(pods)
	if !errors.Is(err, unix.ENOENT) {
		return err
	}
	if e.rules, err = newRules(e.space); err != nil {
		return err
	}
	return e.rules.queue(pods)
}

// Packet is what the first packet of the flow was when it was forwarded: after
// the destination was translated, and before the source would be.
func (f flow) packet() *network.Packet {
	return &network.Packet{
		Family: v1.IPv4Protocol, Proto: f.protocol,
		SrcIP: f.source.AsSlice(), SrcPort: int(f.sourcePort),
		DstIP: f.destination.AsSlice(), DstPort: int(f.destinationPort),
	}
}

// A flow is a connection as the node tracks it.
type flow struct {
	protocol                    v1.Protocol
	source, destination         netip.Addr
	sourcePort, destinationPort uint16
}
