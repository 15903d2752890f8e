package autopsy

// The reasons why a flow ends as it does: stable words for programs.
const (
	ReasonDelivered Reason = "delivered"
	ReasonUnknown   Reason = "not-determined"

	// Rules.
	ReasonRuleDrop   Reason = "rule-drop"
	ReasonRuleReject Reason = "rule-reject"
	ReasonPolicyDrop Reason = "policy-drop"
	ReasonQueue      Reason = "rule-queue" // handed to a program that does not give it back

	// Routing.
	ReasonNoRoute       Reason = "no-route"
	ReasonNoMulticast   Reason = "multicast-not-forwarded"
	ReasonNoBroadcast   Reason = "broadcast-not-forwarded"
	ReasonNoReturnRoute Reason = "no-return-route"
	ReasonBlackhole     Reason = "route-blackhole"
	ReasonRouteDenied   Reason = "route-unreachable"
	ReasonProhibit      Reason = "route-prohibit"
	ReasonForwardingOff Reason = "forwarding-off"
	ReasonRPFilter      Reason = "rp-filter"
	ReasonMartian       Reason = "martian"
	ReasonLoop          Reason = "routing-loop"
	ReasonToItself      Reason = "route-to-itself"
	ReasonTTL           Reason = "ttl-exceeded"
	ReasonTooBig        Reason = "packet-too-big"

	// Devices, cables and bridges.
	ReasonLinkDown       Reason = "link-down"
	ReasonPeerDown       Reason = "peer-down"
	ReasonMTUMismatch    Reason = "mtu-mismatch"
	ReasonNoBridgePort   Reason = "not-enslaved"
	ReasonOtherBridge    Reason = "different-bridges"
	ReasonIsolated       Reason = "ports-isolated"
	ReasonBridgeDown     Reason = "bridge-down"
	ReasonPortBlocked    Reason = "port-not-forwarding"
	ReasonHairpinOff     Reason = "hairpin-off"
	ReasonWrongMAC       Reason = "wrong-mac"
	ReasonFDB            Reason = "fdb-wrong-port"
	ReasonNotFlooded     Reason = "not-flooded"
	ReasonPortLocked     Reason = "port-locked"
	ReasonVLAN           Reason = "vlan-filtered"
	ReasonTwoMACs        Reason = "duplicate-mac"
	ReasonQueueing       Reason = "queue" // of a device: its qdisc
	ReasonMacvlanParent  Reason = "macvlan-parent"
	ReasonMacvlanPrivate Reason = "macvlan-private"

	// Neighbours.
	ReasonNobodyHas    Reason = "nobody-has-address"
	ReasonElsewhere    Reason = "address-elsewhere"
	ReasonOnPort       Reason = "address-on-port"
	ReasonNotJoined    Reason = "not-joined" // a multicast group
	ReasonAlone        Reason = "nobody-on-network"
	ReasonARPIgnored   Reason = "arp-ignored"
	ReasonTwoAddresses Reason = "duplicate-address"

	// Tunnels.
	ReasonNoRemote   Reason = "vxlan-no-remote"
	ReasonVNI        Reason = "vxlan-vni-mismatch"
	ReasonTunnelPort Reason = "vxlan-port-mismatch"
	ReasonNoTunnel   Reason = "no-tunnel-end"

	// What the kernel only counts.
	ReasonNoPort   Reason = "no-free-port" // for a translation
	ReasonChecksum Reason = "checksum"

	// Sockets.
	ReasonTCPToMany    Reason = "tcp-to-many"
	ReasonNoListener   Reason = "no-listener"
	ReasonWrongAddress Reason = "bound-elsewhere"
	ReasonWrongDevice  Reason = "bound-to-device"
	ReasonSilent       Reason = "server-silent"
	ReasonEchoIgnored  Reason = "echo-ignored"
	ReasonUntranslated Reason = "reply-untranslated"
	ReasonOtherSource  Reason = "reply-other-source"

	// Names.
	ReasonNoAddress Reason = "no-address" // of a node that was named
	ReasonNoDNS     Reason = "no-name-server"
	ReasonNoName    Reason = "name-not-found"
	ReasonBadReply  Reason = "name-server-failed"
)
