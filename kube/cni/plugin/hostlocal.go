package plugin

import (
	"errors"
	"fmt"
	"net"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/plugins/plugins/ipam/host-local/backend/allocator"
	"github.com/containernetworking/plugins/plugins/ipam/host-local/backend/disk"
)

// openStore opens what host-local remembers of a network, locked while it is used.
func openStore(args *skel.CmdArgs) (*allocator.IPAMConfig, *disk.Store, string, error) {
	conf, cniVersion, err := allocator.LoadIPAMConfig(args.StdinData, args.Args)
	if err != nil {
		return nil, nil, "", err
	}
	store, err := disk.New(conf.Name, conf.DataDir)
	return conf, store, cniVersion, err
}

// hostLocalAdd gives out one address of each range.
func hostLocalAdd(args *skel.CmdArgs) (err error) {
	conf, store, cniVersion, err := openStore(args)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // only the lock
	result := &current.Result{CNIVersion: current.ImplementedSpecVersion, Routes: conf.Routes}
	var given []*allocator.IPAllocator
	defer func() {
		if err != nil {
			for _, a := range given {
				err = errors.Join(err, a.Release(args.ContainerID, args.IfName))
			}
		}
	}()
	for i := range conf.Ranges {
		a := allocator.NewIPAllocator(&conf.Ranges[i], store, i)
		ipc, err := a.Get(args.ContainerID, args.IfName, wanted(conf, &conf.Ranges[i]))
		if err != nil {
			return fmt.Errorf("allocate from %s: %w", conf.Ranges[i].String(), err)
		}
		given = append(given, a)
		result.IPs = append(result.IPs, ipc)
	}
	return types.PrintResult(result, cniVersion)
}

// wanted is the address of the range that CNI_ARGS ask for, or nil.
func wanted(conf *allocator.IPAMConfig, set *allocator.RangeSet) net.IP {
	for _, ip := range conf.IPArgs {
		if set.Contains(ip) {
			return ip
		}
	}
	return nil
}

func hostLocalDel(args *skel.CmdArgs) error {
	conf, store, _, err := openStore(args)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // only the lock
	for i := range conf.Ranges {
		err = errors.Join(err, allocator.NewIPAllocator(&conf.Ranges[i], store, i).Release(args.ContainerID, args.IfName))
	}
	return err
}

func hostLocalCheck(args *skel.CmdArgs) error {
	_, store, _, err := openStore(args)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // only the lock
	if !store.FindByID(args.ContainerID, args.IfName) {
		return fmt.Errorf("no address was given to container %s", args.ContainerID)
	}
	return nil
}
