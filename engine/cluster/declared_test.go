package cluster

import (
	"encoding/json"
	"testing"

	"underlay/engine/check"
)

// TestDeclared: what a cluster chooses is not in an object's line, and what it was
// told is.
func TestDeclared(t *testing.T) {
	for _, c := range []struct{ kind, object, want string }{
		{"service", `{"metadata": {"name": "web", "namespace": "default", "uid": "1"}, "status": {},
			"spec": {"clusterIP": "10.96.7.7", "clusterIPs": ["10.96.7.7"], "ports": [{"port": 80, "nodePort": 30123}], "selector": {"app": "web"}}}`,
			`service default/web {"spec":{"ports":[{"port":80}],"selector":{"app":"web"}}}`},
		{"pod", `{"metadata": {"name": "web-57d44b4cc7-jj22k", "generateName": "web-57d44b4cc7-", "namespace": "shop", "labels": {"app": "web"}},
			"spec": {"nodeName": "node2", "volumes": [{"name": "kube-api-access-x7", "projected": {}}, {"name": "data"}],
			"containers": [{"name": "web", "volumeMounts": [{"name": "kube-api-access-x7"}]}]}}`,
			`pod shop/web-57d44b4cc7-* {"metadata.labels":{"app":"web"},"spec":{"containers":[{"name":"web","volumeMounts":null}],"volumes":[{"name":"data"}]}}`},
		{"configmap", `{"metadata": {"name": "kube-root-ca.crt", "namespace": "default"}, "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\nAA"}}`,
			`configmap default/kube-root-ca.crt {"data":{"ca.crt":"(a key)"}}`},
		{"namespace", `{"metadata": {"name": "shop"}, "spec": {"finalizers": ["kubernetes"]}}`,
			`namespace -/shop {"spec":{"finalizers":["kubernetes"]}}`},
	} {
		var o check.Object
		if err := json.Unmarshal([]byte(c.object), &o); err != nil {
			t.Fatal(err)
		}
		if got, err := declared(c.kind, o); err != nil || got != c.want {
			t.Errorf("%v\n got %s\nwant %s", err, got, c.want)
		}
	}
}
