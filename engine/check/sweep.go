package check

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

const (
	// So many attempts of a sweep are under way at once. Silence takes only time. What is
	// answered takes a processor, and where a busy machine gives the program none for a
	// while, all that are under way seem to get no answer.
	sweptSilent, sweptAnswered = 160, 16

	// sweptAddresses is how many addresses are drawn from a network.
	sweptAddresses = 8

	// What a busy machine loses is tried again, with more patience: first so many tries and,
	// where these are answered, the others.
	lostFirst = 4
)

// commonPorts are those that people open, or that programs listen on unasked. Those that
// come first are tried even by a small sweep.
var commonPorts = []int{
	80, 443, 8080, 22, 53, 7777, 8000, 8443, 3000, 9090, 5000, 8888, 1234, 12345, 4444, 9000, 8081, 9999, 6443, 3306,
	5432, 6379, 25, 21, 23, 110, 143, 10250, 30080, 31337, 2222, 5555, 6666, 3333, 1111, 1337, 27017, 4000, 8008, 8088,
	9876, 5678, 4567, 2345, 6789, 8181, 8282, 5050, 4040, 2000, 1000, 6060, 3001, 4321, 8765, 11111, 22222, 33333,
	44444, 55555, 81, 82, 88, 123, 161, 389, 445, 465, 514, 587, 636, 853, 873, 993, 995, 1080, 1433, 1521, 1883, 2049,
	2375, 2376, 2379, 2380, 3128, 3389, 4242, 4443, 5001, 5060, 5173, 5353, 5601, 5672, 5900, 5984, 6000, 6881, 7000,
	7001, 7070, 7474, 8001, 8006, 8082, 8083, 8086, 8089, 8090, 8099, 8123, 8500, 8800, 9001, 9042, 9091, 9092, 9093,
	9100, 9200, 9300, 9418, 9443, 9998, 10000, 10080, 11211, 15672, 16443, 18080, 19999, 20000, 25565, 28080, 30000,
	30443, 32000, 37777, 50000, 50051, 54321, 60000, 3030, 4001, 4200, 5005, 5051, 5055, 5222, 5443, 6006, 6667, 6969,
	7654, 7878, 8002, 8010, 8020, 8050, 8060, 8070, 8084, 8085, 8087, 8091, 8100, 8111, 8200, 8222, 8333, 8444, 8484,
	8585, 8787, 8880, 8889, 8899, 8900, 8983, 9002, 9003, 9010, 9080, 9081, 9099, 9191, 9988, 9990, 10001, 10022, 10443,
	20022, 40000, 50001,
}

// rangeEnds are where the kernel's and IANA's ranges of ports begin and end.
var rangeEnds = []int{1, 1023, 1024, 65535, 32767, 32768, 49151, 49152, 60999}

// draws is what a sweep is drawn from.
type draws struct {
	*rand.Rand
	check engine.TrafficCheck
	but   []exception
}

// exception is what a sweep leaves out; what it does not name does not matter.
type exception struct {
	addr  netip.Addr
	port  int
	proto string
}

// parseException reads what course/format has found to be one: "80", "80/tcp", "icmp",
// "10.0.0.1", "10.0.0.1:80" or "10.0.0.1:80/tcp".
func parseException(s string) (e exception) {
	s, e.proto, _ = strings.Cut(s, "/")
	if s == "icmp" || s == "tcp" || s == "udp" {
		return exception{proto: s}
	}
	if at, err := netip.ParseAddrPort(s); err == nil {
		e.addr, e.port = at.Addr(), int(at.Port())
	} else if addr, err := netip.ParseAddr(s); err == nil {
		e.addr = addr
	} else {
		e.port, _ = strconv.Atoi(s)
	}
	return e
}

func (e exception) covers(a netip.Addr, port int, proto string) bool {
	return (!e.addr.IsValid() || e.addr == a) && (e.port == 0 || e.port == port) && (e.proto == "" || e.proto == proto)
}

func sweepWords(c engine.TrafficCheck) string {
	what := list(upper(sweptProtos(c)))
	if c.Sweep.Ports > 0 {
		what = fmt.Sprintf("%d drawn ports by %s", c.Sweep.Ports, what)
	} else if c.Port > 0 {
		what = fmt.Sprintf("port %d by %s", c.Port, what)
	}
	s := orElse(c.Purpose, c.From+" → "+list(append([]string{c.To}, c.Sweep.To...)))
	return s + ", " + what + prefixIf(", except ", list(c.Sweep.But)) + ": all " + sweptEnd(expected(c))
}

func sweptEnd(e engine.Expect) string {
	if e == engine.Timeout {
		return "without an answer"
	}
	return attemptWords(e)
}

func upper(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strings.ToUpper(w)
	}
	return out
}

func sweptProtos(c engine.TrafficCheck) []string {
	out := []string{proto(c)}
	for _, p := range c.Sweep.Protos {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// planSweep returns the single attempts of a sweep. They are the same for a lab with the
// same seed, so that a verdict does not change while nothing else does.
func planSweep(c engine.TrafficCheck, seed int64) []engine.TrafficCheck {
	h := fnv.New64a()
	h.Write(fmt.Append(nil, c.From, c.To, c.Port, c.Proto, *c.Sweep)) // never fails
	d := draws{Rand: rand.New(rand.NewPCG(uint64(seed), h.Sum64())), check: c}
	for _, s := range c.Sweep.But {
		d.but = append(d.but, parseException(s))
	}
	named := d.namedPorts()
	drawn := d.ports(named)
	var out []engine.TrafficCheck
	for i, to := range d.addresses() {
		ports := named
		if i == 0 {
			ports = drawn
		}
		out = append(out, d.attempts(to, ports)...)
	}
	return out
}

// attempts are those at one address.
func (d *draws) attempts(to string, ports []int) (out []engine.TrafficCheck) {
	addr, _ := netip.ParseAddr(to) // a name is no exception's
	one := d.check
	one.To, one.Sweep, one.DNAT, one.Purpose = to, nil, nil, ""
	for _, one.Proto = range sweptProtos(d.check) {
		tried := ports
		if one.Proto == "icmp" {
			tried = []int{0}
		}
		for _, one.Port = range tried {
			if !slices.ContainsFunc(d.but, func(e exception) bool { return e.covers(addr, one.Port, one.Proto) }) {
				out = append(out, one)
			}
		}
	}
	return out
}

// namedPorts are the ports that the check names, those included that it leaves out by one
// protocol or at one address.
func (d *draws) namedPorts() (out []int) {
	add := func(p int) {
		if p > 0 && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	add(d.check.Port)
	for _, e := range d.but {
		add(e.port)
	}
	return out
}

// ports draws the ports for the check's own address: half of them at most are known to
// be likely, the others are one from each of as many equal parts of the range, so that a
// range of more than two parts is found for sure.
func (d *draws) ports(named []int) []int {
	n := max(d.check.Sweep.Ports, len(named))
	seen := map[int]bool{}
	add := func(most int, ports ...int) {
		for _, p := range ports {
			if p > 0 && p <= 65535 && len(seen) < most {
				seen[p] = true
			}
		}
	}
	add(n, named...)
	for _, p := range named {
		add(n, p-1, p+1)
	}
	likely := max((n+1)/2, min(n, len(seen)))
	add(likely, commonPorts[:min(10, len(commonPorts))]...)
	add(likely, rangeEnds...)
	add(likely, commonPorts...)
	if parts := n - len(seen); parts > 0 {
		for i := range parts {
			low, high := 1+65535*i/parts, 1+65535*(i+1)/parts
			port := low + d.IntN(high-low)
			for range high - low { // one that is there already makes room for its neighbour
				if !seen[port] {
					break
				}
				port = low + (port-low+1)%(high-low)
			}
			add(n, port)
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// addresses are the check's own, and those that To names or that are drawn from its
// networks: the neighbours of those that the check names, the ends, and others.
func (d *draws) addresses() []string {
	out := []string{d.check.To}
	add := func(a netip.Addr) bool {
		if a.IsValid() && !slices.Contains(out, a.String()) {
			out = append(out, a.String())
			return true
		}
		return false
	}
	for _, to := range d.check.Sweep.To {
		p, err := netip.ParsePrefix(to)
		if err != nil {
			out = append(out, to)
			continue
		}
		d.network(p.Masked(), add)
	}
	return out
}

// network adds addresses of a network, but not its first and its last.
func (d *draws) network(p netip.Prefix, add func(netip.Addr) bool) {
	first, bits := p.Addr(), min(p.Addr().BitLen()-p.Bits(), 16)
	size := 1 << bits
	nth := func(n int) netip.Addr {
		b := first.AsSlice()
		for i := len(b) - 1; n > 0; i-- {
			n += int(b[i])
			b[i], n = byte(n), n>>8
		}
		a, _ := netip.AddrFromSlice(b)
		return a
	}
	usable := func(a netip.Addr) bool { return p.Contains(a) && a != first && a != nth(size-1) }
	left := sweptAddresses
	take := func(a netip.Addr) {
		if left > 0 && usable(a) && add(a) {
			left--
		}
	}
	own, _ := netip.ParseAddr(d.check.To)
	for _, a := range append([]netip.Addr{own}, d.namedAddresses()...) {
		if a.IsValid() {
			take(a.Next())
			take(a.Prev())
		}
	}
	take(nth(1))
	take(nth(size - 2))
	for range 8 * sweptAddresses {
		take(nth(d.IntN(size)))
	}
}

func (d *draws) namedAddresses() (out []netip.Addr) {
	for _, e := range d.but {
		if e.addr.IsValid() {
			out = append(out, e.addr)
		}
	}
	return out
}

// sweep makes many attempts side by side, all of which must end as expected.
func (r *run) sweep(ctx context.Context, c engine.TrafficCheck) verdict {
	plan := planSweep(c, r.lab.Seed)
	made := make([]attempt, len(plan))
	try := func() { r.sweepAll(ctx, plan, made) }
	var flows []observe.Flow
	if c.DNAT == nil {
		try()
	} else {
		var err error
		flows, err = r.w.Flows(ctx, c.DNAT.Node, func(context.Context) error { try(); return nil })
		if err != nil {
			return erred(err, c.DNAT.Node, "traffic.unable", args{Attempt: trafficSubject(c)})
		}
	}
	ended := map[string]int{}
	for i, one := range plan {
		if v := r.swept(one, c.DNAT, made[i], flows); v.State != "" {
			return v
		}
		ended[attemptWords(made[i].out.Ended)]++
	}
	a := args{Tries: len(plan)}
	for _, words := range slices.Sorted(maps.Keys(ended)) {
		a.Found = append(a.Found, fmt.Sprintf("%s %d", words, ended[words]))
	}
	return pass("sweep", a)
}

// sweepAll makes the attempts of a sweep. Those by one transport share a source port.
func (r *run) sweepAll(ctx context.Context, plan []engine.TrafficCheck, made []attempt) {
	shared := map[string]*probe.SharedPort{}
	var answered, silent []int // what is to end by an answer, and what may end in silence
	for i, one := range plan {
		shared[proto(one)] = &probe.SharedPort{}
		if sweptAsExpected(one, engine.Timeout) {
			silent = append(silent, i)
		} else {
			answered = append(answered, i)
		}
	}
	r.crowd(func() {
		var wg sync.WaitGroup
		first := func(i int) {
			made[i] = r.sweepOne(ctx, plan[i], request(plan[i]).Wait, shared[proto(plan[i])])
		}
		wg.Go(func() { abreastOf(sweptSilent, silent, first) })
		abreastOf(sweptAnswered, answered, first)
		wg.Wait()
		isLost := func(i int) bool { return made[i].err == nil && made[i].out.Ended == engine.Timeout }
		again := func(some []int) (answered bool) {
			abreastOf(sweptAnswered, some, func(i int) {
				made[i] = r.sweepOne(ctx, plan[i], patience*request(plan[i]).Wait, nil)
			})
			return !slices.ContainsFunc(some, isLost)
		}
		lost := slices.DeleteFunc(answered, func(i int) bool { return !isLost(i) })
		if few := min(len(lost), lostFirst); again(lost[:few]) { // or they are lost indeed, and so are the rest
			again(lost[few:])
		}
	})
}

func (r *run) sweepOne(ctx context.Context, one engine.TrafficCheck, wait time.Duration, from *probe.SharedPort) attempt {
	req := request(one)
	req.Wait, req.Banner, req.Reset, req.Shared = wait, -1, true, from
	out, err := r.send(ctx, req)
	return attempt{out, err}
}

// abreastOf calls do for each of list, so many at once.
func abreastOf(n int, list []int, do func(int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(n, len(list)) {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for _, i := range list {
		next <- i
	}
	close(next)
	wg.Wait()
}

// sweptAsExpected reports whether an attempt of a sweep has ended as it may. Kernels limit
// how many ICMP errors they send, so of many UDP ports that are closed some stay silent.
func sweptAsExpected(one engine.TrafficCheck, ended engine.Expect) bool {
	want := expected(one)
	return want.Met(ended) || proto(one) == "udp" && want == engine.Refused && ended == engine.Timeout
}

// swept fails for an attempt of a sweep that did not end as expected; it is no verdict if
// it did.
func (r *run) swept(one engine.TrafficCheck, d *engine.DNAT, a attempt, flows []observe.Flow) verdict {
	if a.err != nil || !sweptAsExpected(one, a.out.Ended) {
		v := r.judge(one, a)
		if v.State == engine.Fail {
			v = v.with(func(a *args) { a.Attempt = one.From + " → " + sweptTarget(one) })
		}
		if v.State != engine.Pass {
			return v
		}
	}
	if d == nil {
		return verdict{}
	}
	one.DNAT = d
	if v := r.destined(one, a.out, flows); v.State == engine.Fail {
		return v.with(func(a *args) { a.Attempt = one.From + " → " + sweptTarget(one) })
	}
	return verdict{}
}

// sweptTarget is where one attempt of a sweep went, with its protocol.
func sweptTarget(one engine.TrafficCheck) string {
	if proto(one) == "icmp" {
		return one.To
	}
	return trafficTarget(one) + "/" + proto(one)
}
