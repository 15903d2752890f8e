package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"underlay/engine/companion"
)

const good = `{
	"control": {"node": "control", "address": "192.168.50.10"},
	"nodes": [{"name": "node1", "address": "192.168.50.11", "podCIDR": "10.244.1.0/24"}],
	"podBinary": "/bin/true"
}`

func load(t *testing.T, text string) (companion.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path)
}

func TestConfigHasDefaults(t *testing.T) {
	c, err := load(t, good)
	if err != nil {
		t.Fatal(err)
	}
	if c.Domain != "cluster.local" || c.Proxy != "nftables" || c.CNI != "bridge" || !c.DNS || !c.Policy {
		t.Errorf("not the defaults: %+v", c)
	}
	if c.DNSService.String() != "10.96.0.10" || c.ServiceCIDR.String() != "10.96.0.0/16" {
		t.Errorf("Services are elsewhere: %s, DNS at %s", c.ServiceCIDR, c.DNSService)
	}
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct{ old, new, want string }{
		"an unknown field":          {`"podBinary"`, `"podBinry"`, `unknown field "podBinry"`},
		"an unknown proxy":          {`"podBinary"`, `"proxy": "ipvs", "podBinary"`, `proxy is "ipvs"`},
		"an unknown CNI":            {`"podBinary"`, `"cni": "weave", "podBinary"`, `cni is "weave"`},
		"no nodes":                  {`{"name": "node1", "address": "192.168.50.11", "podCIDR": "10.244.1.0/24"}`, ``, "there are no nodes"},
		"a name with an underscore": {`"node1"`, `"node_1"`, `node name "node_1"`},
		"no pod addresses":          {`, "podCIDR": "10.244.1.0/24"`, ``, "node node1 needs"},
		"shared pod addresses": {`"10.244.1.0/24"}`, `"10.244.1.0/24"}, {"name": "node2", "address": "192.168.50.12", "podCIDR": "10.244.0.0/16"}`,
			"nodes node1 and node2 share"},
		"DNS outside of Services": {`"podBinary"`, `"dnsService": "10.97.0.10", "podBinary"`, "dnsService 10.97.0.10 is not in"},
		"pods among Services":     {`10.244.1.0/24`, `10.96.1.0/24`, "overlaps with serviceCIDR"},
		"no control node":         {`"node": "control", `, ``, "control needs a node"},
		"an address of words":     {`192.168.50.11`, `here`, "unable to parse"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, strings.Replace(good, test.old, test.new, 1))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}
