package proxy

import (
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A pace is what a proxy has been told, and how far it is with writing that down.
type pace struct {
	mu      sync.Mutex
	written func() time.Time  // when a writing of rules ended last
	again   func()            // has rules be written once more, soon
	told    map[string]string // version of an object that was told last, by its UID
	last    time.Time         // when that was
	asked   bool              // for a writing since then
	first   time.Time         // the end of the first writing that was seen since
}

// note says what the proxy knows now.
func (p *pace) note(object metav1.Object) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told == nil {
		p.told = map[string]string{}
	}
	p.told[string(object.GetUID())] = object.GetResourceVersion()
	p.last, p.asked, p.first = time.Now(), false, time.Time{}
}

// CaughtUp reports whether the rules that have been written are about the object as
// it is. The first writing that ends after it was told may have begun before, so it
// waits for a second. Nobody says when one begins.
func (p *pace) caughtUp(object metav1.Object) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told[string(object.GetUID())] != object.GetResourceVersion() {
		return false
	}
	written := p.written()
	switch {
	case !written.After(p.last): // perhaps there is none to come: it may have ended just before
		if !p.asked {
			p.asked = true
			p.again()
		}
		return false
	case p.first.IsZero():
		p.first = written
		p.again()
		return false
	}
	return written.After(p.first)
}

// CaughtUp reports whether every node has rules for a Service or an EndpointSlice
// as it is.
func (p *Proxies) CaughtUp(object metav1.Object) bool {
	all := true
	for _, n := range p.nodes {
		all = n.pace.caughtUp(object) && all // each is to be asked, so that none waits for another
	}
	return all
}

// OnServiceAdd implements config.ServiceHandler.
func (n *nodeProxy) OnServiceAdd(s *v1.Service) {
	n.Provider.OnServiceAdd(s)
	n.pace.note(s)
}

// OnServiceUpdate implements config.ServiceHandler.
func (n *nodeProxy) OnServiceUpdate(before, after *v1.Service) {
	n.Provider.OnServiceUpdate(before, after)
	n.pace.note(after)
}

// OnEndpointSliceAdd implements config.EndpointSliceHandler.
func (n *nodeProxy) OnEndpointSliceAdd(s *discoveryv1.EndpointSlice) {
	n.Provider.OnEndpointSliceAdd(s)
	n.pace.note(s)
}

// OnEndpointSliceUpdate implements config.EndpointSliceHandler.
func (n *nodeProxy) OnEndpointSliceUpdate(before, after *discoveryv1.EndpointSlice) {
	n.Provider.OnEndpointSliceUpdate(before, after)
	n.pace.note(after)
}
