package plugin

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/version"
	"github.com/containernetworking/plugins/pkg/ip"
	"github.com/containernetworking/plugins/pkg/ipam"
	"github.com/containernetworking/plugins/pkg/ns"
	"github.com/vishvananda/netlink"
)

// deleteInterface undoes an ADD. What is gone already is no error, nor is a
// namespace that went with its pod: DEL may come late, and twice.
func deleteInterface(args *skel.CmdArgs) error {
	var conf types.NetConf
	if err := json.Unmarshal(args.StdinData, &conf); err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	err := ipam.ExecDel(conf.IPAM.Type, args.StdinData)
	if args.Netns == "" {
		return err
	}
	delErr := ns.WithNetNSPath(args.Netns, func(ns.NetNS) error {
		err := ip.DelLinkByName(args.IfName)
		if errors.Is(err, ip.ErrLinkNotFound) {
			return nil
		}
		return err
	})
	var gone ns.NSPathNotExistErr
	if errors.As(delErr, &gone) {
		delErr = nil
	}
	return errors.Join(err, delErr)
}

// checkInterface fails if the pod's interface is not as ADD left it.
func checkInterface(args *skel.CmdArgs) error {
	var conf types.NetConf
	if err := json.Unmarshal(args.StdinData, &conf); err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	if err := ipam.ExecCheck(conf.IPAM.Type, args.StdinData); err != nil {
		return err
	}
	if err := version.ParsePrevResult(&conf); err != nil {
		return err
	}
	if conf.PrevResult == nil {
		return errors.New("CHECK needs the result of ADD")
	}
	result, err := current.NewResultFromResult(conf.PrevResult)
	if err != nil {
		return err
	}
	return ns.WithNetNSPath(args.Netns, func(ns.NetNS) error {
		h, err := netlink.NewHandle()
		if err != nil {
			return err
		}
		defer h.Close()
		link, err := h.LinkByName(args.IfName)
		if err != nil {
			return fmt.Errorf("%s: %w", args.IfName, err)
		}
		if link.Attrs().OperState != netlink.OperUp {
			return fmt.Errorf("%s is %s, not up", args.IfName, link.Attrs().OperState)
		}
		return errors.Join(
			ip.ValidateExpectedInterfaceIPs(args.IfName, result.IPs),
			ip.ValidateExpectedRoute(result.Routes),
		)
	})
}
