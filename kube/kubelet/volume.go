package kubelet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"

	"underlay/kube/pod"
)

// mounts makes the volumes that the container mounts and says where they go.
func (c *container) mounts(ctx context.Context, env map[string]string) ([]pod.Mount, error) {
	var mounts []pod.Mount
	for _, m := range c.spec.VolumeMounts {
		from, err := c.w.volume(ctx, m.Name)
		if err != nil {
			return nil, &mountError{m.Name, err}
		}
		sub := m.SubPath
		if m.SubPathExpr != "" {
			sub = expansion.Expand(m.SubPathExpr, expansion.MappingFuncFor(env))
		}
		if sub != "" {
			if from, err = within(from, sub); err != nil {
				return nil, &mountError{m.Name, err}
			}
		}
		mounts = append(mounts, pod.Mount{From: from, To: m.MountPath, ReadOnly: m.ReadOnly})
	}
	return mounts, nil
}

// mountError is what is wrong with a volume.
type mountError struct {
	volume string
	err    error
}

func (e *mountError) Error() string {
	return fmt.Sprintf("MountVolume.SetUp failed for volume %q : %v", e.volume, e.err)
}

func (e *mountError) Unwrap() error { return e.err }

// within is a path in a volume, made if it is not there.
func within(dir, sub string) (string, error) {
	if !filepath.IsLocal(sub) {
		return "", fmt.Errorf("subPath %q leads out of the volume", sub)
	}
	full := filepath.Join(dir, sub)
	if _, err := os.Stat(full); err == nil {
		return full, nil
	}
	return full, os.MkdirAll(full, 0o755)
}

// volume makes a volume of the pod, unless it is there, and returns its directory.
func (w *worker) volume(ctx context.Context, name string) (string, error) {
	for i := range w.pod.Spec.Volumes {
		if v := &w.pod.Spec.Volumes[i]; v.Name == name {
			return w.makeVolume(ctx, v)
		}
	}
	return "", fmt.Errorf("the pod has no such volume")
}

func (w *worker) makeVolume(ctx context.Context, v *v1.Volume) (string, error) {
	if v.HostPath != nil {
		return hostPath(v.HostPath)
	}
	dir := filepath.Join(w.dir, "volumes", v.Name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	if v.EmptyDir != nil {
		return dir, os.Chmod(dir, 0o777)
	}
	files, err := w.projection(ctx, v)
	if err != nil {
		return "", err
	}
	return dir, writeFiles(dir, files)
}

func hostPath(h *v1.HostPathVolumeSource) (string, error) {
	if h.Type != nil && *h.Type == v1.HostPathDirectoryOrCreate {
		return h.Path, os.MkdirAll(h.Path, 0o755)
	}
	_, err := os.Stat(h.Path)
	return h.Path, err
}

// file is a file of a volume that is made from an object.
type file struct {
	text string
	mode os.FileMode
}

// projection is what a volume holds that is made from objects.
func (w *worker) projection(ctx context.Context, v *v1.Volume) (map[string]file, error) {
	switch {
	case v.ConfigMap != nil:
		data, err := w.configMap(ctx, v.ConfigMap.Name, optional(v.ConfigMap.Optional))
		return selectItems(data, v.ConfigMap.Items, v.ConfigMap.DefaultMode, err)
	case v.Secret != nil:
		data, err := w.secret(ctx, v.Secret.SecretName, optional(v.Secret.Optional))
		return selectItems(data, v.Secret.Items, v.Secret.DefaultMode, err)
	case v.DownwardAPI != nil:
		return w.downward(v.DownwardAPI.Items, v.DownwardAPI.DefaultMode)
	case v.Projected != nil:
		return w.projected(ctx, v.Projected)
	}
	return nil, fmt.Errorf("this kind of volume is not supported here; use emptyDir, configMap, secret, downwardAPI, projected or hostPath")
}

// projected joins several sources.
func (w *worker) projected(ctx context.Context, p *v1.ProjectedVolumeSource) (map[string]file, error) {
	all := map[string]file{}
	for _, s := range p.Sources {
		var files map[string]file
		var err error
		switch {
		case s.ConfigMap != nil:
			data, e := w.configMap(ctx, s.ConfigMap.Name, optional(s.ConfigMap.Optional))
			files, err = selectItems(data, s.ConfigMap.Items, p.DefaultMode, e)
		case s.Secret != nil:
			data, e := w.secret(ctx, s.Secret.Name, optional(s.Secret.Optional))
			files, err = selectItems(data, s.Secret.Items, p.DefaultMode, e)
		case s.DownwardAPI != nil:
			files, err = w.downward(s.DownwardAPI.Items, p.DefaultMode)
		case s.ServiceAccountToken != nil:
			files, err = w.token(ctx, s.ServiceAccountToken, p.DefaultMode)
		default:
			err = fmt.Errorf("this kind of projected source is not supported here")
		}
		if err != nil {
			return nil, err
		}
		for name, f := range files {
			all[name] = f
		}
	}
	return all, nil
}

func mode(m *int32) os.FileMode {
	if m == nil {
		return 0o644
	}
	return os.FileMode(*m) & os.ModePerm
}

// selectItems picks the keys that items name, or all if there are none.
func selectItems(data map[string]string, items []v1.KeyToPath, defaultMode *int32, err error) (map[string]file, error) {
	if err != nil {
		return nil, err
	}
	files := map[string]file{}
	if len(items) == 0 {
		for key, text := range data {
			files[key] = file{text, mode(defaultMode)}
		}
	}
	for _, item := range items {
		text, there := data[item.Key]
		if !there {
			return nil, fmt.Errorf("references non-existent config key: %s", item.Key)
		}
		m := mode(defaultMode)
		if item.Mode != nil {
			m = mode(item.Mode)
		}
		files[item.Path] = file{text, m}
	}
	return files, nil
}

func (w *worker) downward(items []v1.DownwardAPIVolumeFile, defaultMode *int32) (map[string]file, error) {
	files := map[string]file{}
	for _, item := range items {
		if item.FieldRef == nil {
			return nil, fmt.Errorf("%s: only fieldRef is supported in a downwardAPI volume here", item.Path)
		}
		text, err := w.field(item.FieldRef.FieldPath)
		if err != nil {
			return nil, err
		}
		files[item.Path] = file{text, mode(defaultMode)}
	}
	return files, nil
}

// writeFiles writes the files of a volume that is made from objects.
func writeFiles(dir string, files map[string]file) error {
	for name, f := range files {
		if !filepath.IsLocal(name) || strings.HasPrefix(name, "..") {
			return fmt.Errorf("file name %q leads out of the volume", name)
		}
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(full, []byte(f.text), f.mode); err != nil {
			return err
		}
		if err := os.Chmod(full, f.mode); err != nil {
			return err
		}
	}
	return nil
}
