package proxy

import (
	"maps"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// A pace is what a proxy has been told, and how far it is with writing that down.
type pace struct {
	mu      sync.Mutex
	written func() time.Time     // when a writing of rules ended last
	again   func()               // has rules be written once more, soon
	told    map[types.UID]string // version of each object that there is, as it was told last
	last    time.Time            // when that was
	asked   bool                 // for a writing since then
	first   time.Time            // the end of the first writing that was seen since
}

// Note says what the proxy knows now.
func (p *pace) note(object metav1.Object) {
	p.change(func() { p.told[object.GetUID()] = object.GetResourceVersion() })
}

// Forget says that the proxy knows that an object is gone.
func (p *pace) forget(object metav1.Object) {
	p.change(func() { delete(p.told, object.GetUID()) })
}

func (p *pace) change(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told == nil {
		p.told = map[types.UID]string{}
	}
	do()
	p.last, p.asked, p.first = time.Now(), false, time.Time{}
}

// CaughtUp reports whether the rules that have been written are about these objects as
// they are, by their versions, and about no other. The first writing that ends after
// the proxy was told may have begun before, so it waits for a second. Nobody says when
// one begins.
func (p *pace) caughtUp(objects map[types.UID]string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !maps.Equal(p.told, objects) {
		return false
	}
	if p.last.IsZero() {
		return true // it has never been told of any
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

// CaughtUp reports whether every node has rules for these Services and EndpointSlices
// as they are, which are all that there are, and for no others.
func (p *Proxies) CaughtUp(services []v1.Service, slices []discoveryv1.EndpointSlice) bool {
	versions := map[types.UID]string{}
	for i := range services {
		if s := &services[i]; s.Spec.ClusterIP != v1.ClusterIPNone && served.Matches(labels.Set(s.Labels)) {
			versions[s.UID] = s.ResourceVersion
		}
	}
	for i := range slices {
		if s := &slices[i]; followed.Matches(labels.Set(s.Labels)) {
			versions[s.UID] = s.ResourceVersion
		}
	}
	all := true
	for _, n := range p.nodes {
		all = n.pace.caughtUp(versions) && all // each is to be asked, so that none waits for another
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

// OnServiceDelete implements config.ServiceHandler.
func (n *nodeProxy) OnServiceDelete(s *v1.Service) {
	n.Provider.OnServiceDelete(s)
	n.pace.forget(s)
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

// OnEndpointSliceDelete implements config.EndpointSliceHandler.
func (n *nodeProxy) OnEndpointSliceDelete(s *discoveryv1.EndpointSlice) {
	n.Provider.OnEndpointSliceDelete(s)
	n.pace.forget(s)
}
