package cluster

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/template"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"underlay/kube/control"

	"underlay/engine/companion"
)

// Where the cluster's DNS is, as in every cluster that kubeadm makes.
const (
	dnsNamespace = metav1.NamespaceSystem
	dnsService   = "kube-dns"
	dnsName      = "coredns" // of all else, and of the image
	dnsDir       = "/etc/coredns"
	dnsReadyPort = 8181
)

// Corefile is that of kubeadm where there is an upstream. Where there is none,
// names outside of the cluster do not exist, and the answer says so at once.
var corefile = template.Must(template.New("Corefile").Parse(`{{if .Upstream}}.:53{{else}}{{.Domain}}:53 in-addr.arpa:53 ip6.arpa:53{{end}} {
    errors
    health {
        lameduck 0s
    }
    ready
    kubernetes {{.Domain}} in-addr.arpa ip6.arpa {
        pods insecure
{{- if .Upstream}}
        fallthrough in-addr.arpa ip6.arpa
{{- end}}
        ttl 30
    }
{{- if .Upstream}}
    forward . {{.Upstream}}
    cache 30 {
        disable success {{.Domain}}
        disable denial {{.Domain}}
    }
{{- end}}
    loadbalance
}
{{- if not .Upstream}}
.:53 {
    errors
    template ANY ANY . {
        rcode NXDOMAIN
    }
}
{{- end}}
`))

// StartDNS makes the objects of the cluster's DNS and returns when it answers.
func (c *cluster) startDNS(ctx context.Context) error {
	if !c.config.DNS || c.resumed { // it is as somebody has made it, broken perhaps
		return nil
	}
	if err := c.createDNS(ctx); err != nil {
		return fmt.Errorf("DNS: %w", err)
	}
	if c.config.CNI == "none" {
		return nil // its pod waits until somebody wires it
	}
	if err := c.waitForDNS(ctx); err != nil {
		return fmt.Errorf("DNS: %w", err)
	}
	c.progress.Ready(companion.StepDNS)
	return nil
}

func (c *cluster) createDNS(ctx context.Context) error {
	config, err := c.dnsConfig()
	if err != nil {
		return err
	}
	account := &v1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: dnsName}}
	core, create := c.client.CoreV1(), metav1.CreateOptions{}
	for _, object := range []func() error{
		func() error { _, err := core.ServiceAccounts(dnsNamespace).Create(ctx, account, create); return err },
		func() error { _, err := core.ConfigMaps(dnsNamespace).Create(ctx, config, create); return err },
		func() error { _, err := core.Services(dnsNamespace).Create(ctx, c.dnsService(), create); return err },
		func() error {
			_, err := c.client.AppsV1().Deployments(dnsNamespace).Create(ctx, c.dnsDeployment(), create)
			return err
		},
	} {
		// It is there if an earlier process has ended before the cluster was opened.
		if err := object(); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

func (c *cluster) dnsConfig() (*v1.ConfigMap, error) {
	values := map[string]string{"Domain": c.config.Domain}
	if c.config.Upstream.IsValid() {
		values["Upstream"] = c.config.Upstream.String()
	}
	var text strings.Builder
	if err := corefile.Execute(&text, values); err != nil {
		return nil, err
	}
	return &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: dnsName}, Data: map[string]string{"Corefile": text.String()}}, nil
}

// WatchDNS reports whenever DNS had ended and was started again.
func (c *cluster) watchDNS(factory informers.SharedInformerFactory) error {
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(before, after any) {
			pod := after.(*v1.Pod)
			if pod.Namespace != dnsNamespace || pod.Labels[dnsLabel] != dnsLabels()[dnsLabel] {
				return
			}
			if count := restarts(pod); count > restarts(before.(*v1.Pod)) {
				c.progress.Restarted(companion.StepDNS, fmt.Sprintf("%s ended and was started again (%d times in all)", pod.Name, count))
			}
		},
	})
	return err
}

func restarts(pod *v1.Pod) (count int32) {
	for _, status := range pod.Status.ContainerStatuses {
		count += status.RestartCount
	}
	return count
}

// DNSLabel is the label by which the Service finds the pods of DNS.
const dnsLabel = "k8s-app"

func dnsLabels() map[string]string { return map[string]string{dnsLabel: dnsService} }

func (c *cluster) dnsService() *v1.Service {
	return &v1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: dnsService, Labels: dnsLabels()},
		Spec: v1.ServiceSpec{
			ClusterIP: c.config.DNSService.String(), Selector: dnsLabels(),
			Ports: []v1.ServicePort{
				{Name: "dns", Port: 53, Protocol: v1.ProtocolUDP, TargetPort: intstr.FromInt32(53)},
				{Name: "dns-tcp", Port: 53, Protocol: v1.ProtocolTCP, TargetPort: intstr.FromInt32(53)},
			},
		},
	}
}

func (c *cluster) dnsDeployment() *appsv1.Deployment {
	replicas := int32(1)
	files := v1.ConfigMapVolumeSource{LocalObjectReference: v1.LocalObjectReference{Name: dnsName}}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: dnsName, Labels: dnsLabels()},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: dnsLabels()},
			Template: v1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: dnsLabels()},
				Spec: v1.PodSpec{
					DNSPolicy: v1.DNSDefault, ServiceAccountName: dnsName,
					Containers: []v1.Container{c.dnsContainer()},
					Volumes:    []v1.Volume{{Name: "config", VolumeSource: v1.VolumeSource{ConfigMap: &files}}},
				},
			},
		},
	}
}

func (c *cluster) dnsContainer() v1.Container {
	return v1.Container{
		Name: dnsName, Image: dnsName, Args: []string{"dns", "--corefile", dnsDir + "/Corefile"},
		ImagePullPolicy: v1.PullIfNotPresent,
		// The API server's own address instead of its Service's, so that DNS
		// does not depend on proxies, which a lesson may take away.
		Env: []v1.EnvVar{
			{Name: "KUBERNETES_SERVICE_HOST", Value: c.config.Control.Address.String()},
			{Name: "KUBERNETES_SERVICE_PORT", Value: strconv.Itoa(control.Port)},
		},
		Ports: []v1.ContainerPort{
			{Name: "dns", ContainerPort: 53, Protocol: v1.ProtocolUDP},
			{Name: "dns-tcp", ContainerPort: 53, Protocol: v1.ProtocolTCP},
		},
		VolumeMounts: []v1.VolumeMount{{Name: "config", MountPath: dnsDir, ReadOnly: true}},
		ReadinessProbe: &v1.Probe{
			ProbeHandler:  v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{Path: "/ready", Port: intstr.FromInt32(dnsReadyPort)}},
			PeriodSeconds: 1,
		},
	}
}
