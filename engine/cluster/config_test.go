package cluster

import (
	"encoding/json"
	"strings"
	"testing"

	"underlay/engine"
)

func TestClusterIsTold(t *testing.T) {
	c := &engine.Cluster{Nodes: 1, Proxy: "iptables", CNI: "calico", Policy: "on", DNS: "off"}
	config, err := configOf(c, []string{"/run/kube/manifests/web.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"dir":"/run/kube","control":{"node":"control","address":"192.168.50.10"},` +
		`"nodes":[{"name":"node1","address":"192.168.50.11","podCIDR":"10.244.1.0/24"}],` +
		`"serviceCIDR":"10.96.0.0/16","dnsService":"10.96.0.10","domain":"cluster.local",` +
		`"proxy":"iptables","cni":"calico","policy":true,"dns":false,` +
		`"manifests":["/run/kube/manifests/web.yaml"],"podBinary":"PATH/underlay-pod"}`
	if got := strings.Replace(string(text), config.PodBinary, "PATH/underlay-pod", 1); got != want {
		t.Errorf("it is told %s, want %s", got, want)
	}
}
