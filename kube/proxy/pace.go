package proxy

import (
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/kubernetes/pkg/proxy/healthcheck"
)

// A pace is what a proxy has been told, and when.
type pace struct {
	mu     sync.Mutex
	health *healthcheck.ProxyHealthServer
	told   map[string]string // version of an object that was told last, by its UID
	last   time.Time         // when that was
}

func (p *pace) note(uid, version string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told == nil {
		p.told = map[string]string{}
	}
	p.told[uid], p.last = version, time.Now()
}

// CaughtUp reports whether the rules that have been written are about these
// versions of objects, or later ones: the writing began after they were told.
func (p *pace) caughtUp(uid, version string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told[uid] != version {
		return false
	}
	// One that had begun before may have ended since; the next one follows at once.
	return time.Since(p.last) > 3*settlePeriod && p.health.Health().LastUpdated.After(p.last)
}

// CaughtUp reports whether every node has rules for an EndpointSlice as it is.
func (p *Proxies) CaughtUp(slice *discoveryv1.EndpointSlice) bool {
	for _, n := range p.nodes {
		if !n.pace.caughtUp(string(slice.UID), slice.ResourceVersion) {
			return false
		}
	}
	return true
}

// OnServiceAdd implements config.ServiceHandler.
func (n *nodeProxy) OnServiceAdd(s *v1.Service) {
	n.pace.note(string(s.UID), s.ResourceVersion)
	n.Provider.OnServiceAdd(s)
}

// OnServiceUpdate implements config.ServiceHandler.
func (n *nodeProxy) OnServiceUpdate(before, after *v1.Service) {
	n.pace.note(string(after.UID), after.ResourceVersion)
	n.Provider.OnServiceUpdate(before, after)
}

// OnEndpointSliceAdd implements config.EndpointSliceHandler.
func (n *nodeProxy) OnEndpointSliceAdd(s *discoveryv1.EndpointSlice) {
	n.pace.note(string(s.UID), s.ResourceVersion)
	n.Provider.OnEndpointSliceAdd(s)
}

// OnEndpointSliceUpdate implements config.EndpointSliceHandler.
func (n *nodeProxy) OnEndpointSliceUpdate(before, after *discoveryv1.EndpointSlice) {
	n.pace.note(string(after.UID), after.ResourceVersion)
	n.Provider.OnEndpointSliceUpdate(before, after)
}
