// Package plugin holds the CNI plugins of a cluster, each under the name by
// which the program is called: bridge, routed and host-local. They are written
// on the CNI project's own libraries and speak its protocol, so they can also be
// called by hand.
package plugin

import (
	"fmt"

	"github.com/containernetworking/cni/pkg/skel"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/version"
	"github.com/containernetworking/plugins/pkg/ipam"
)

var plugins = map[string]skel.CNIFuncs{
	"bridge":     {Add: bridgeAdd, Del: deleteInterface, Check: checkInterface},
	"routed":     {Add: routedAdd, Del: deleteInterface, Check: checkInterface},
	"host-local": {Add: hostLocalAdd, Del: hostLocalDel, Check: hostLocalCheck},
}

// Names lists the plugins.
func Names() []string { return []string{"bridge", "routed", "host-local"} }

// Known reports whether a plugin has this name.
func Known(name string) bool {
	_, ok := plugins[name]
	return ok
}

// Main does what CNI_COMMAND asks of a plugin. If that fails it says why, in
// JSON on standard output, and ends the program.
func Main(name string) {
	skel.PluginMainFuncs(plugins[name], version.All, "CNI plugin "+name+" of Underlay")
}

// allocate asks the configured IPAM plugin for addresses. Call release if what
// follows fails.
func allocate(kind string, args *skel.CmdArgs) (result *current.Result, release func(), err error) {
	r, err := ipam.ExecAdd(kind, args.StdinData)
	if err != nil {
		return nil, nil, err
	}
	release = func() {
		// What failed before is the error to tell.
		_ = ipam.ExecDel(kind, args.StdinData)
	}
	result, err = current.NewResultFromResult(r)
	if err == nil && len(result.IPs) == 0 {
		err = fmt.Errorf("IPAM plugin %s gave no address", kind)
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return result, release, nil
}
