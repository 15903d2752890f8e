package kubelet

import (
	"net/netip"

	"github.com/vishvananda/netlink"
	vns "github.com/vishvananda/netns"
	v1 "k8s.io/api/core/v1"

	"underlay/kube/internal/netns"
	"underlay/kube/pod"
)

// address is the pod's as text, empty if it has none.
func (w *worker) address() string {
	if a := w.ip.Load(); a != nil {
		return a.String()
	}
	return ""
}

// setAddress makes addr the pod's address; one that is not valid is none.
func (w *worker) setAddress(addr netip.Addr) error {
	w.ip.Store(nil)
	if addr.IsValid() {
		w.ip.Store(&addr)
	}
	return w.writeEtc()
}

// watchAddresses makes the pod's address the one that somebody gives it by hand,
// where the network gives none, for as long as the sandbox lasts.
func (w *worker) watchAddresses(s *pod.Sandbox) error {
	ns, err := vns.GetFromPath(netns.Path(w.netName))
	if err != nil {
		return err
	}
	defer ns.Close() //nolint:errcheck // the subscription has its own socket
	updates := make(chan netlink.AddrUpdate)
	o := netlink.AddrSubscribeOptions{Namespace: &ns, ListExisting: true}
	err = netlink.AddrSubscribeWithOptions(updates, s.Done(), o) //nolint:forbidigo // it is told the namespace; handles cannot subscribe
	if err != nil {
		return err
	}
	go func() {
		for u := range updates {
			addr, ok := netip.AddrFromSlice(u.LinkAddress.IP)
			addr = addr.Unmap()
			if !ok || !addr.Is4() || addr.IsLoopback() {
				continue
			}
			w.do(func() {
				if w.sandbox == s {
					w.wired(addr, u.NewAddr)
				}
			})
		}
	}()
	return nil
}

// wired notes that an address has come or gone.
func (w *worker) wired(addr netip.Addr, there bool) {
	switch {
	case there && w.ip.Load() == nil:
	case !there && w.address() == addr.String():
		addr = netip.Addr{}
	default:
		return
	}
	if err := w.setAddress(addr); err != nil {
		w.event(v1.EventTypeWarning, "FailedSync", err.Error())
	}
}
