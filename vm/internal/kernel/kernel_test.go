package kernel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tools replaces those that get and unpack a package with scripts.
func tools(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\nset -e\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

// mirror is a Debian that has one kernel, of this release.
func mirror(release string) map[string]string {
	return map[string]string{
		"apt-cache": `case $3 in
` + Meta + `) echo "Depends: linux-image-` + release + ` (= 1.0-1)" ;;
*) echo "Version: 1.0-1" ;;
esac
`,
		"apt-get":  `test "$3" = linux-image-` + release + "=1.0-1\ntouch kernel.deb\n",
		"dpkg-deb": `mkdir -p "$3/boot" "$3/lib/modules/` + release + "\"\ntouch \"$3/boot/vmlinuz-" + release + "\"\n",
		"depmod":   `echo > "$2/lib/modules/$3/modules.dep"` + "\n",
	}
}

func TestTheNewestKernelIsUnpackedOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "work")
	tools(t, mirror("6.1.0-1-cloud-amd64"))
	k, err := Get(t.Context(), dir)
	if err != nil || k.Release != "6.1.0-1-cloud-amd64" {
		t.Fatalf("%+v, %v", k, err)
	}
	for _, file := range []string{k.Image(), filepath.Join(k.Modules(), "modules.dep")} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	again := mirror("6.1.0-1-cloud-amd64")
	again["apt-get"] = "exit 100\n"
	tools(t, again)
	if k, err = Get(t.Context(), dir); err != nil || k.Release != "6.1.0-1-cloud-amd64" {
		t.Errorf("the second time: %+v, %v", k, err)
	}
	tools(t, mirror("6.1.0-2-cloud-amd64"))
	if k, err = Get(t.Context(), dir); err != nil || k.Release != "6.1.0-2-cloud-amd64" {
		t.Errorf("a newer one: %+v, %v", k, err)
	}
	tools(t, map[string]string{"apt-cache": "echo there is no network >&2\nexit 100\n"})
	if k, err = Get(t.Context(), dir); err != nil || k.Release != "6.1.0-2-cloud-amd64" {
		t.Errorf("without apt's lists: %+v, %v", k, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 2 {
		t.Errorf("left in the directory: %v, %v", left, err)
	}
}

func TestWhyThereIsNoKernel(t *testing.T) {
	for name, c := range map[string]struct {
		tool, script, want string
	}{
		"no lists":    {"apt-cache", "echo 'E: No packages found' >&2\nexit 100\n", "E: No packages found"},
		"no depends":  {"apt-cache", "echo Version: 1\n", "does not say which kernel it depends on"},
		"no mirror":   {"apt-get", "echo 'E: Failed to fetch' >&2\nexit 100\n", "E: Failed to fetch"},
		"no package":  {"apt-get", "true\n", "left 0 packages, not one"},
		"no kernel":   {"dpkg-deb", "mkdir -p \"$3\"\n", "holds 0 kernels, not one"},
		"bad modules": {"depmod", "echo 'depmod: ERROR: broken' >&2\nexit 1\n", "depmod: ERROR: broken"},
	} {
		t.Run(name, func(t *testing.T) {
			scripts := mirror("6.1.0-1-cloud-amd64")
			scripts[c.tool] = c.script
			tools(t, scripts)
			dir := t.TempDir()
			if k, err := Get(t.Context(), dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %+v, %v", k, err)
			}
			if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
				t.Errorf("left in the directory: %v, %v", left, err)
			}
		})
	}
}
