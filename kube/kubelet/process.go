package kubelet

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/api/v1/resource"
	"k8s.io/kubernetes/pkg/fieldpath"
	"k8s.io/kubernetes/pkg/kubelet/envvars"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"

	"underlay/engine/companion"
	"underlay/kube/pod"
	"underlay/kube/workload"
)

const searchPath = pod.ProgramDir + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// process describes the container's main process.
func (c *container) process(ctx context.Context, image workload.Image) (pod.Process, error) {
	env, err := c.environ(ctx)
	if err != nil {
		return pod.Process{}, err
	}
	mounts, err := c.mounts(ctx, env)
	if err != nil {
		return pod.Process{}, err
	}
	root := filepath.Join(c.w.dir, "root", c.spec.Name)
	if err := os.MkdirAll(root, 0o755); err != nil {
		return pod.Process{}, err
	}
	p := pod.Process{
		Key: newID(), Argv: c.argv(image, env), Dir: c.spec.WorkingDir, TTY: c.spec.TTY,
		Root: root, Mounts: append(c.w.etcMounts(), mounts...),
		Programs: []pod.Program{{Path: c.w.k.PodBinary, Names: workload.Names()}},
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		p.Env = append(p.Env, name+"="+env[name])
	}
	if image.Name == dnsImage {
		p.Programs = append(p.Programs, pod.Program{Path: c.w.k.KubeBinary, Names: []string{companion.ClusterProgram}})
	}
	return p, nil
}

// argv is what runs: the image's own command and arguments, unless the pod has
// others. $(NAME) is replaced by what the environment has.
func (c *container) argv(image workload.Image, env map[string]string) []string {
	command, args := c.spec.Command, c.spec.Args
	if len(command) == 0 {
		command = image.Entrypoint
		if len(args) == 0 {
			args = image.Cmd
		}
	}
	expand := expansion.MappingFuncFor(env)
	var argv []string
	for _, a := range slices.Concat(command, args) {
		argv = append(argv, expansion.Expand(a, expand))
	}
	return argv
}

// environ is the container's environment.
func (c *container) environ(ctx context.Context) (map[string]string, error) {
	env := map[string]string{"PATH": searchPath, "HOME": "/root", "HOSTNAME": c.w.hostname(), "TERM": "xterm-256color"}
	services, err := c.w.k.serviceEnv(ctx, c.w.pod)
	if err != nil {
		return nil, err
	}
	maps.Copy(env, services)
	for _, from := range c.spec.EnvFrom {
		more, err := c.envFrom(ctx, from)
		if err != nil {
			return nil, err
		}
		for key, value := range more {
			env[from.Prefix+key] = value
		}
	}
	for _, e := range c.spec.Env {
		if e.ValueFrom == nil {
			env[e.Name] = expansion.Expand(e.Value, expansion.MappingFuncFor(env))
			continue
		}
		value, there, err := c.valueFrom(ctx, e.ValueFrom)
		if err != nil {
			return nil, err
		}
		if there {
			env[e.Name] = value
		}
	}
	return env, nil
}

func (c *container) envFrom(ctx context.Context, from v1.EnvFromSource) (map[string]string, error) {
	switch {
	case from.ConfigMapRef != nil:
		return c.w.configMap(ctx, from.ConfigMapRef.Name, optional(from.ConfigMapRef.Optional))
	case from.SecretRef != nil:
		return c.w.secret(ctx, from.SecretRef.Name, optional(from.SecretRef.Optional))
	}
	return nil, nil
}

func (c *container) valueFrom(ctx context.Context, from *v1.EnvVarSource) (value string, there bool, err error) {
	switch {
	case from.FieldRef != nil:
		value, err = c.w.field(from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.ConfigMapKeyRef != nil:
		r := from.ConfigMapKeyRef
		data, err := c.w.configMap(ctx, r.Name, optional(r.Optional))
		return pick(data, r.Key, "ConfigMap", r.Name, optional(r.Optional), err)
	case from.SecretKeyRef != nil:
		r := from.SecretKeyRef
		data, err := c.w.secret(ctx, r.Name, optional(r.Optional))
		return pick(data, r.Key, "Secret", r.Name, optional(r.Optional), err)
	case from.ResourceFieldRef != nil:
		value, err = c.resource(from.ResourceFieldRef)
		return value, err == nil, err
	}
	return "", false, fmt.Errorf("this kind of environment variable is not supported here")
}

func pick(data map[string]string, key, kind, name string, optional bool, err error) (string, bool, error) {
	value, there := data[key]
	if err == nil && !there && !optional {
		err = fmt.Errorf("couldn't find key %s in %s %s", key, kind, name)
	}
	return value, there, err
}

func optional(b *bool) bool { return b != nil && *b }

// configMap returns what a ConfigMap of the pod's namespace holds.
func (w *worker) configMap(ctx context.Context, name string, optional bool) (map[string]string, error) {
	m, err := w.k.Client.CoreV1().ConfigMaps(w.namespace).Get(ctx, name, metav1.GetOptions{})
	if optional && apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	data := maps.Clone(m.Data)
	if data == nil {
		data = map[string]string{}
	}
	for key, value := range m.BinaryData {
		data[key] = string(value)
	}
	return data, nil
}

// secret returns what a Secret of the pod's namespace holds.
func (w *worker) secret(ctx context.Context, name string, optional bool) (map[string]string, error) {
	s, err := w.k.Client.CoreV1().Secrets(w.namespace).Get(ctx, name, metav1.GetOptions{})
	if optional && apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	data := map[string]string{}
	for key, value := range s.Data {
		data[key] = string(value)
	}
	return data, nil
}

// field is a field of the pod that it may know of itself.
func (w *worker) field(path string) (string, error) {
	switch path {
	case "spec.nodeName":
		return w.k.Node, nil
	case "spec.serviceAccountName":
		return w.pod.Spec.ServiceAccountName, nil
	case "status.hostIP", "status.hostIPs":
		return w.k.Address.String(), nil
	case "status.podIP", "status.podIPs":
		return w.address(), nil
	}
	return fieldpath.ExtractFieldPathAsString(w.pod, path)
}

// resource is a request or limit of the container.
func (c *container) resource(ref *v1.ResourceFieldSelector) (string, error) {
	if ref.ContainerName != "" && ref.ContainerName != c.spec.Name {
		return "", fmt.Errorf("resources of another container (%s) are not supported here", ref.ContainerName)
	}
	return resource.ExtractContainerResourceValue(ref, c.spec)
}

// serviceEnv is what a pod is told of Services in its environment: the way to
// the API server and, unless it wants none, its namespace's own.
func (k *kubelet) serviceEnv(ctx context.Context, p *v1.Pod) (map[string]string, error) {
	var services []*v1.Service
	list := func(namespace string, wanted func(*v1.Service) bool) error {
		l, err := k.Client.CoreV1().Services(namespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return err
		}
		for i := range l.Items {
			if s := &l.Items[i]; s.Spec.ClusterIP != "" && s.Spec.ClusterIP != v1.ClusterIPNone && wanted(s) {
				services = append(services, s)
			}
		}
		return nil
	}
	links := p.Spec.EnableServiceLinks == nil || *p.Spec.EnableServiceLinks
	err := list(v1.NamespaceDefault, func(s *v1.Service) bool {
		return s.Name == "kubernetes" || links && p.Namespace == v1.NamespaceDefault
	})
	if err == nil && links && p.Namespace != v1.NamespaceDefault {
		err = list(p.Namespace, func(*v1.Service) bool { return true })
	}
	env := map[string]string{}
	for _, e := range envvars.FromServices(services) {
		env[e.Name] = e.Value
	}
	return env, err
}
