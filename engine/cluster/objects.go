package cluster

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"underlay/engine"
	"underlay/engine/check"
	"underlay/engine/companion"
	"underlay/engine/internal/netns"
)

// maxObjects bounds a listing, in bytes: a lab's cluster has some hundred objects
// of a few KiB.
const maxObjects = 32 << 20

// resource is where an API server has the objects of a kind.
type resource struct {
	group   string // path up to the version
	plural  string
	cluster bool // in no namespace
}

var resources = map[string]resource{
	"pod":           {group: "/api/v1", plural: "pods"},
	"node":          {group: "/api/v1", plural: "nodes", cluster: true},
	"namespace":     {group: "/api/v1", plural: "namespaces", cluster: true},
	"service":       {group: "/api/v1", plural: "services"},
	"configmap":     {group: "/api/v1", plural: "configmaps"},
	"endpointslice": {group: "/apis/discovery.k8s.io/v1", plural: "endpointslices"},
	"deployment":    {group: "/apis/apps/v1", plural: "deployments"},
	"replicaset":    {group: "/apis/apps/v1", plural: "replicasets"},
	"networkpolicy": {group: "/apis/networking.k8s.io/v1", plural: "networkpolicies"},
}

// path is where the objects of a namespace are; "" is all namespaces.
func (r resource) path(namespace string) string {
	if r.cluster || namespace == "" {
		return r.group + "/" + r.plural
	}
	return r.group + "/namespaces/" + url.PathEscape(namespace) + "/" + r.plural
}

// kubeAPI asks the API server of a lab's cluster, from within the control node.
type kubeAPI struct {
	base   string
	client *http.Client
}

// kubeconfig is as much of a kubeconfig as there is in a cluster's own.
type kubeconfig struct {
	Clusters []struct {
		Cluster struct {
			Server string `yaml:"server"`
			CA     string `yaml:"certificate-authority-data"`
		} `yaml:"cluster"`
	} `yaml:"clusters"`
	Users []struct {
		User struct {
			Cert string `yaml:"client-certificate-data"`
			Key  string `yaml:"client-key-data"`
		} `yaml:"user"`
	} `yaml:"users"`
}

// newKubeAPI reads a kubeconfig; ns is the network namespace to connect from.
func newKubeAPI(text string, ns int) (*kubeAPI, error) {
	var c kubeconfig
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	if len(c.Clusters) == 0 || len(c.Users) == 0 {
		return nil, errors.New("kubeconfig: it names no cluster or no user")
	}
	cluster, user := c.Clusters[0].Cluster, c.Users[0].User
	ca, err1 := base64.StdEncoding.DecodeString(cluster.CA)
	cert, err2 := base64.StdEncoding.DecodeString(user.Cert)
	key, err3 := base64.StdEncoding.DecodeString(user.Key)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("kubeconfig: no certificate of an authority")
	}
	dial := func(ctx context.Context, network, addr string) (conn net.Conn, err error) {
		withinErr := netns.Do(ns, func() error {
			conn, err = (&net.Dialer{}).DialContext(ctx, network, addr)
			return err
		})
		return conn, withinErr
	}
	return &kubeAPI{base: cluster.Server, client: &http.Client{Transport: &http.Transport{
		DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
	}}}, nil
}

func (k *kubeAPI) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.base+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		_ = resp.Body.Close()
		return nil, fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	return resp, nil
}

// list returns the objects of a kind.
func (k *kubeAPI) list(ctx context.Context, kind, namespace string) ([]check.Object, error) {
	r, ok := resources[kind]
	if !ok {
		return nil, fmt.Errorf("there is no kind %q", kind)
	}
	resp, err := k.get(ctx, r.path(namespace))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	var list struct{ Items []check.Object }
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxObjects)).Decode(&list); err != nil {
		return nil, fmt.Errorf("list %s: %w", r.plural, err)
	}
	return list.Items, nil
}

// follow calls changed for each change of an object of a kind, until ctx ends.
func (k *kubeAPI) follow(ctx context.Context, kind, namespace string, changed func()) {
	const again = 200 * time.Millisecond // after the server has hung up
	for ctx.Err() == nil {
		if resp, err := k.get(ctx, resources[kind].path(namespace)+"?watch=true"); err == nil {
			lines := bufio.NewReader(resp.Body)
			for {
				if _, err := lines.ReadSlice('\n'); err == nil {
					changed()
				} else if !errors.Is(err, bufio.ErrBufferFull) {
					break
				}
			}
			_ = resp.Body.Close()
		}
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
}

// watched are the kinds and namespaces that the lab's checks look at.
func watched(lab *engine.Lab) (out []engine.ObjectCheck) {
	for c := range lab.Checks() {
		if c.Object == nil {
			continue
		}
		one := engine.ObjectCheck{Kind: c.Object.Kind, Namespace: check.ObjectNamespace(*c.Object)}
		if !slices.ContainsFunc(out, func(o engine.ObjectCheck) bool { return o.Kind == one.Kind && o.Namespace == one.Namespace }) {
			out = append(out, one)
		}
	}
	return out
}

// connect connects to the cluster's API server.
func (c *Cluster) connect(ctx context.Context) error {
	text, err := inControl(ctx, c.plane.World, "", "cat", companion.Dir+"/"+companion.AdminConf)
	if err != nil {
		return fmt.Errorf("read the cluster's kubeconfig: %w", err)
	}
	c.api, err = newKubeAPI(text, c.plane.NS[engine.ClusterControl])
	return err
}

// Settle returns once the cluster does what its objects ask for, and says what is late
// after twenty seconds; "" if nothing is. A nil Cluster has settled.
func (c *Cluster) Settle(ctx context.Context) (late string, err error) {
	if c == nil || c.api == nil {
		return "", nil
	}
	resp, err := c.api.get(ctx, companion.SettledPath)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	late, _ = strings.CutPrefix(strings.TrimSpace(string(text)), companion.Late)
	if late == companion.Settled {
		late = ""
	}
	return late, err
}

// Objects lists the objects of a kind, such as "service". namespace "" is all of them.
func (c *Cluster) Objects(ctx context.Context, kind, namespace string) ([]check.Object, error) {
	if c == nil || c.api == nil {
		return nil, errors.New("this lab has no cluster")
	}
	return c.api.list(ctx, kind, namespace)
}
