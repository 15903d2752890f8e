package kubelet

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/probe"
	httpprobe "k8s.io/kubernetes/pkg/probe/http"

	"underlay/kube/internal/netns"
)

// probeKind is what a probe decides.
type probeKind string

const (
	startup   probeKind = "Startup"
	liveness  probeKind = "Liveness"
	readiness probeKind = "Readiness"
)

// A program needs a moment until it listens. Within its first second a probe
// that fails is tried again instead of being counted.
const (
	firstMoment = time.Second
	momentPause = 50 * time.Millisecond
)

// runProbes probes the instance until it ends.
func (c *container) runProbes(ctx context.Context, i *instance) {
	if c.started {
		close(i.booted)
	}
	for kind, spec := range map[probeKind]*v1.Probe{
		startup: c.spec.StartupProbe, liveness: c.spec.LivenessProbe, readiness: c.spec.ReadinessProbe,
	} {
		if spec != nil {
			p := &prober{c: c, i: i, kind: kind, spec: spec, container: c.spec}
			go p.run(ctx)
		}
	}
}

// prober runs one probe of one instance.
type prober struct {
	c         *container
	i         *instance
	kind      probeKind
	spec      *v1.Probe
	container *v1.Container

	good, bad int32 // results in a row
}

func (p *prober) run(ctx context.Context) {
	if p.kind != startup && !p.sleepUntil(ctx, p.i.booted) {
		return
	}
	if !p.sleep(ctx, time.Duration(p.spec.InitialDelaySeconds)*time.Second) {
		return
	}
	for {
		result, output := p.probe(ctx)
		for result == probe.Failure && time.Since(p.i.started) < firstMoment {
			if !p.sleep(ctx, momentPause) {
				return
			}
			result, output = p.probe(ctx)
		}
		if ctx.Err() != nil || !p.count(result, output) {
			return
		}
		if !p.sleep(ctx, time.Duration(max(p.spec.PeriodSeconds, 1))*time.Second) {
			return
		}
	}
}

// sleep returns false when there is nothing more to probe.
func (p *prober) sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-p.i.done:
	case <-ctx.Done():
	}
	return false
}

func (p *prober) sleepUntil(ctx context.Context, event <-chan struct{}) bool {
	select {
	case <-event:
		return true
	case <-p.i.done:
	case <-ctx.Done():
	}
	return false
}

// count adds a result and acts if there have been enough of them; false ends
// the probe.
func (p *prober) count(result probe.Result, output string) bool {
	if result == probe.Success {
		p.good, p.bad = p.good+1, 0
		if p.good < max(p.spec.SuccessThreshold, 1) {
			return true
		}
		p.c.w.do(func() { p.c.probed(p.i, p.kind, true) })
		return p.kind != startup
	}
	p.c.event(v1.EventTypeWarning, "Unhealthy", fmt.Sprintf("%s probe failed: %s", p.kind, output))
	p.good, p.bad = 0, p.bad+1
	if p.bad < max(p.spec.FailureThreshold, 1) {
		return true
	}
	p.c.w.do(func() { p.c.probed(p.i, p.kind, false) })
	return p.kind == readiness
}

// probed acts on what a probe has found.
func (c *container) probed(i *instance, kind probeKind, good bool) {
	if c.instance != i {
		return
	}
	switch {
	case kind == readiness:
		c.ready = good && c.started
	case kind == startup && good:
		c.started = true
		c.ready = c.spec.ReadinessProbe == nil
		close(i.booted)
	case !good:
		grace := c.w.grace()
		probe := c.spec.LivenessProbe
		if kind == startup {
			probe = c.spec.StartupProbe
		}
		if s := probe.TerminationGracePeriodSeconds; s != nil {
			grace = time.Duration(*s) * time.Second
		}
		name := map[probeKind]string{liveness: "liveness", startup: "startup"}[kind]
		c.stop(time.Now().Add(grace), fmt.Sprintf("Container %s failed %s probe, will be restarted", c.name, name))
	}
}

// probe probes once.
func (p *prober) probe(ctx context.Context) (probe.Result, string) {
	timeout := time.Duration(max(p.spec.TimeoutSeconds, 1)) * time.Second
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	a := &action{w: p.c.w, i: p.i, container: p.container}
	switch {
	case p.spec.HTTPGet != nil:
		return a.httpGet(p.spec.HTTPGet, timeout)
	case p.spec.TCPSocket != nil:
		return a.tcp(ctx, p.spec.TCPSocket)
	case p.spec.Exec != nil:
		return a.exec(ctx, p.spec.Exec.Command)
	}
	return probe.Failure, "this kind of probe is not supported here; use httpGet, tcpSocket or exec"
}

// action is what probes and hooks do: it comes from the node, as the kubelet does.
type action struct {
	w         *worker
	i         *instance
	container *v1.Container
}

func (a *action) httpGet(get *v1.HTTPGetAction, timeout time.Duration) (probe.Result, string) {
	request, err := httpprobe.NewRequestForHTTPGetAction(get, a.container, a.w.address(), "probe")
	if err != nil {
		return probe.Failure, err.Error()
	}
	if a.w.address() == "" && get.Host == "" {
		return probe.Failure, "the pod has no address"
	}
	client := &http.Client{
		Timeout:       timeout,
		CheckRedirect: httpprobe.RedirectChecker(false),
		Transport: &http.Transport{
			TLSClientConfig:    &tls.Config{InsecureSkipVerify: true}, // as the real kubelet: a pod's certificate is the pod's affair
			DisableKeepAlives:  true,
			DisableCompression: true,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return netns.Dial(ctx, a.w.k.netns, network, address)
			},
		},
	}
	result, output, err := httpprobe.DoHTTPProbe(request, client)
	if err != nil {
		return probe.Failure, err.Error()
	}
	if result == probe.Warning {
		result = probe.Success
	}
	return result, output
}

func (a *action) tcp(ctx context.Context, t *v1.TCPSocketAction) (probe.Result, string) {
	port, err := probe.ResolveContainerPort(t.Port, a.container)
	if err != nil {
		return probe.Failure, err.Error()
	}
	host := t.Host
	if host == "" {
		host = a.w.address()
	}
	if host == "" {
		return probe.Failure, "the pod has no address"
	}
	conn, err := netns.Dial(ctx, a.w.k.netns, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return probe.Failure, err.Error()
	}
	_ = conn.Close()
	return probe.Success, ""
}

func (a *action) exec(ctx context.Context, command []string) (probe.Result, string) {
	var output bytes.Buffer
	code, err := a.i.run(ctx, command, &output)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return probe.Failure, "command timed out"
	case err != nil:
		return probe.Failure, err.Error()
	case code != 0:
		return probe.Failure, output.String()
	}
	return probe.Success, output.String()
}
