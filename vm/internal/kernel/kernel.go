// Package kernel gets Debian's own kernel: its package is downloaded and
// unpacked, and nothing of it is installed.
package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Meta is the package that always depends on the newest kernel.
const Meta = "linux-image-cloud-amd64"

// Kernel is an unpacked kernel package.
type Kernel struct {
	Release string // as `uname -r` says it: "6.1.0-56-cloud-amd64"
	Dir     string // holds boot/ and lib/modules/
}

// Image is the file that is booted.
func (k Kernel) Image() string { return filepath.Join(k.Dir, "boot", "vmlinuz-"+k.Release) }

// Modules is the directory of the kernel's modules.
func (k Kernel) Modules() string { return filepath.Join(k.Dir, "lib", "modules", k.Release) }

// Get returns the newest kernel that apt knows of, from the directory dir if it
// was unpacked there before. Where apt knows of none, or cannot get it, another one
// in dir has to do.
func Get(ctx context.Context, dir string) (Kernel, error) {
	name, version, err := candidate(ctx)
	if err == nil {
		unpacked := filepath.Join(dir, name+"_"+version)
		if k, err := open(unpacked); err == nil {
			return k, nil
		}
		if err = unpack(ctx, name+"="+version, unpacked); err == nil {
			return open(unpacked)
		}
		if ctx.Err() != nil {
			return Kernel{}, ctx.Err()
		}
	}
	before, globErr := filepath.Glob(filepath.Join(dir, "linux-image-*"))
	slices.Sort(before)
	for _, d := range slices.Backward(before) {
		if k, openErr := open(d); openErr == nil {
			return k, nil
		}
	}
	return Kernel{}, errors.Join(err, globErr)
}

var (
	dependency = regexp.MustCompile(`(?m)^Depends:.*?\b(linux-image-[^ ,]+)`)
	versioned  = regexp.MustCompile(`(?m)^Version: (\S+)$`)
)

// candidate asks apt for the kernel package that Meta stands for.
func candidate(ctx context.Context) (name, version string, err error) {
	about, err := show(ctx, Meta)
	if err != nil {
		return "", "", err
	}
	depends := dependency.FindStringSubmatch(about)
	if depends == nil {
		return "", "", fmt.Errorf("the package %s does not say which kernel it depends on", Meta)
	}
	if about, err = show(ctx, depends[1]); err != nil {
		return "", "", err
	}
	v := versioned.FindStringSubmatch(about)
	if v == nil {
		return "", "", fmt.Errorf("the package %s has no version", depends[1])
	}
	return depends[1], v[1], nil
}

func show(ctx context.Context, name string) (string, error) {
	return output(exec.CommandContext(ctx, "apt-cache", "show", "--no-all-versions", name))
}

// output runs a program and returns what it prints, or an error that says what
// it complained about.
func output(cmd *exec.Cmd) (string, error) {
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		return "", err
	}
	return string(out), nil
}

// unpack downloads a package ("name=version") and unpacks it into a directory
// that is there only once it is complete.
func unpack(ctx context.Context, pkg, into string) error {
	if err := os.MkdirAll(filepath.Dir(into), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(into), "unpacking-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // it is tried again next time
	download := exec.CommandContext(ctx, "apt-get", "download", "-qq", pkg)
	download.Dir = work
	if _, err := output(download); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil {
		return err
	}
	if len(debs) != 1 {
		return fmt.Errorf("apt-get download %s left %d packages, not one", pkg, len(debs))
	}
	tree := filepath.Join(work, "tree")
	if _, err := output(exec.CommandContext(ctx, "dpkg-deb", "-x", debs[0], tree)); err != nil {
		return err
	}
	k, err := find(tree)
	if err != nil {
		return err
	}
	// The package has no modules.dep: installing it would make it.
	if _, err := output(exec.CommandContext(ctx, "depmod", "-b", tree, k.Release)); err != nil {
		return err
	}
	if err := os.Rename(tree, into); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// open finds the kernel in a directory that unpack made.
func open(dir string) (Kernel, error) {
	k, err := find(dir)
	if err != nil {
		return Kernel{}, err
	}
	_, err = os.Stat(filepath.Join(k.Modules(), "modules.dep"))
	return k, err
}

func find(dir string) (Kernel, error) {
	images, err := filepath.Glob(filepath.Join(dir, "boot", "vmlinuz-*"))
	if err != nil {
		return Kernel{}, err
	}
	if len(images) != 1 {
		return Kernel{}, fmt.Errorf("%s holds %d kernels, not one", dir, len(images))
	}
	return Kernel{Release: strings.TrimPrefix(filepath.Base(images[0]), "vmlinuz-"), Dir: dir}, nil
}
