package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"underlay/engine/check"
)

// told are the kinds of objects that somebody tells a cluster. It makes the others
// of them.
var told = []string{"configmap", "deployment", "namespace", "networkpolicy", "node", "pod", "service"}

// Declared are the objects that the cluster has been told, one a line, in the order of
// their lines. What a cluster chooses itself is left out: names of pods that it makes,
// addresses, ports of nodes, where a pod runs, and keys.
func (c *Cluster) Declared(ctx context.Context) ([]string, error) {
	if c == nil || c.api == nil {
		return nil, errors.New("the lab's cluster is not running")
	}
	var out []string
	for _, kind := range told {
		objects, err := c.api.list(ctx, kind, "")
		if err != nil {
			return nil, fmt.Errorf("look at the cluster's objects of kind %s: %w", kind, err)
		}
		for _, o := range objects {
			line, err := declared(kind, o)
			if err != nil {
				return nil, err
			}
			out = append(out, line)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// declared is an object in a line: "service default/web {…}".
func declared(kind string, o check.Object) (string, error) {
	name := o.Text("metadata.name")
	if made := o.Text("metadata.generateName"); made != "" {
		name = made + "*"
	}
	parts := map[string]any{}
	for _, path := range []string{"metadata.labels", "spec", "data"} {
		if v, ok := o.Get(path); ok {
			parts[path] = unchosen(v)
		}
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s/%s %s", kind, cmp.Or(o.Text("metadata.namespace"), "-"), name, text), nil
}

// chosen are the fields whose values a cluster chooses, and those in which a pod
// gets the token that it is given, under a name that is drawn.
var chosen = []string{"clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort", "nodeName"}

// tokenVolume begins the name of the volume with a pod's token.
const tokenVolume = "kube-api-access-"

// unchosen is a part of an object without what a cluster chooses.
func unchosen(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(x)) {
			if !slices.Contains(chosen, key) {
				out[key] = unchosen(x[key])
			}
		}
		return out
	case []any:
		var out []any
		for _, item := range x {
			if m, ok := item.(map[string]any); ok && strings.HasPrefix(check.Object(m).Text("name"), tokenVolume) {
				continue
			}
			out = append(out, unchosen(item))
		}
		return out
	case string:
		if strings.Contains(x, "-----BEGIN ") {
			return "(a key)"
		}
	}
	return v
}
