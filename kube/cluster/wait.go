package cluster

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/miekg/dns"
	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"underlay/kube/internal/netns"
)

// WaitForNodes returns when all nodes are Ready. Where there is no CNI plugin
// to make them so, it is enough that they are known.
func (c *cluster) waitForNodes(ctx context.Context) error {
	ready := map[string]bool{}
	list := cache.NewListWatchFromClient(c.client.CoreV1().RESTClient(), "nodes", metav1.NamespaceAll, fields.Everything())
	return c.until(ctx, list, &v1.Node{}, func(event watch.Event) (bool, error) {
		node, ok := event.Object.(*v1.Node)
		if !ok {
			return false, nil
		}
		ready[node.Name] = c.config.CNI == "none" || isReady(node)
		count := 0
		for _, node := range c.config.Nodes {
			if ready[node.Name] {
				count++
			}
		}
		return count == len(c.config.Nodes), nil
	})
}

func isReady(node *v1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == v1.NodeReady {
			return condition.Status == v1.ConditionTrue
		}
	}
	return false
}

// WaitForDNS returns when a pod of the cluster's DNS is ready and, where there
// are proxies to lead there, the DNS Service answers the first node.
func (c *cluster) waitForDNS(ctx context.Context) error {
	list := cache.NewFilteredListWatchFromClient(c.client.DiscoveryV1().RESTClient(), "endpointslices", dnsNamespace,
		func(options *metav1.ListOptions) {
			options.LabelSelector = discoveryv1.LabelServiceName + "=" + dnsService
		})
	err := c.until(ctx, list, &discoveryv1.EndpointSlice{}, func(event watch.Event) (bool, error) {
		slice, ok := event.Object.(*discoveryv1.EndpointSlice)
		if !ok {
			return false, nil
		}
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready != nil && *endpoint.Conditions.Ready {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil || c.config.Proxy == "none" {
		return err
	}
	return c.waitForAnswer(ctx)
}

// Until is watchtools.UntilWithSync, with an error that says no more than
// what the caller does not know.
func (c *cluster) until(ctx context.Context, list cache.ListerWatcher, kind runtime.Object, done watchtools.ConditionFunc) error {
	_, err := watchtools.UntilWithSync(ctx, list, kind, nil, done)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// AskFor is how long one question to DNS may take; it is asked again until it
// is answered, because proxies write their rules a little later than
// endpoints are ready.
const askFor = 100 * time.Millisecond

func (c *cluster) waitForAnswer(ctx context.Context) error {
	for {
		err := netns.Do(netns.Path(c.config.Nodes[0].Name), func() error { return c.ask(ctx) })
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-time.After(askFor / 10):
		}
	}
}

// Ask asks the DNS Service for the API server's name, on the calling thread.
func (c *cluster) ask(ctx context.Context) error {
	question := new(dns.Msg).SetQuestion("kubernetes.default.svc."+dns.Fqdn(c.config.Domain), dns.TypeA)
	client := dns.Client{Timeout: askFor}
	answer, _, err := client.ExchangeContext(ctx, question, netip.AddrPortFrom(c.config.DNSService, 53).String())
	if err != nil {
		return err
	}
	if len(answer.Answer) == 0 {
		return errors.New(dns.RcodeToString[answer.Rcode])
	}
	return nil
}
