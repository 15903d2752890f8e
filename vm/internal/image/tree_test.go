package image

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cavaliergopher/cpio"
)

// read unpacks an archive: for each name its header and its content.
func read(t *testing.T, archive []byte) (names []string, headers map[string]*cpio.Header, texts map[string]string) {
	t.Helper()
	headers, texts = map[string]*cpio.Header{}, map[string]string{}
	r := cpio.NewReader(bytes.NewReader(archive))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names, headers, texts
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		headers[h.Name], texts[h.Name] = h, string(b)
	}
}

func TestTreeIsWrittenAsTheKernelUnpacksIt(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	tree := NewTree()
	tree.Dir("/home/learner", 0o700, 1000)
	tree.Dir("/tmp", 0o1777, 0)
	tree.Text("/etc/deep/hosts", "127.0.0.1 localhost\n")
	if err := tree.Copy("/usr/bin/program", program); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	size, err := tree.WriteTo(&archive)
	if err != nil || size != int64(archive.Len()) {
		t.Fatalf("size %d of %d, %v", size, archive.Len(), err)
	}
	names, headers, texts := read(t, archive.Bytes())
	for i, name := range names {
		if dir := filepath.Dir(name); dir != "." && slices.Index(names, dir) > i {
			t.Errorf("%s comes before its directory", name)
		}
	}
	if texts["etc/deep/hosts"] != "127.0.0.1 localhost\n" || texts["usr/bin/program"] != "#!/bin/sh\n" {
		t.Errorf("contents: %q", texts)
	}
	for name, want := range map[string]cpio.FileMode{
		"home/learner": cpio.TypeDir | 0o700, "tmp": cpio.TypeDir | 0o1777, "etc/deep": cpio.TypeDir | 0o755,
		"etc/deep/hosts": cpio.TypeReg | 0o644, "usr/bin/program": cpio.TypeReg | 0o755,
	} {
		if h := headers[name]; h == nil || h.Mode != want {
			t.Errorf("%s: got %+v, want mode %o", name, h, want)
		}
	}
	if h := headers["home/learner"]; h.Uid != 1000 || h.Guid != 1000 {
		t.Errorf("home belongs to %d:%d", h.Uid, h.Guid)
	}
}

func TestMachineFollowsLinks(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	err = errors.Join(
		os.MkdirAll(at("usr/bin"), 0o755),
		os.MkdirAll(at("etc/alternatives"), 0o755),
		os.WriteFile(at("usr/bin/real"), []byte("real"), 0o755),
		os.Symlink("usr/bin", at("bin")),
		os.Symlink(at("etc/alternatives/tool"), at("usr/bin/tool")),
		os.Symlink("../../bin/real", at("etc/alternatives/tool")),
		os.Symlink("round", at("round")),
		os.Symlink("/", at("root")),
	)
	if err != nil {
		t.Fatal(err)
	}
	tree := NewTree()
	real, err := tree.Machine(at("bin/tool"))
	if err != nil || real != at("usr/bin/real") {
		t.Fatalf("leads to %s, %v", real, err)
	}
	var archive bytes.Buffer
	if _, err := tree.WriteTo(&archive); err != nil {
		t.Fatal(err)
	}
	_, headers, texts := read(t, archive.Bytes())
	for name, want := range map[string]string{
		"bin": "usr/bin", "usr/bin/tool": at("etc/alternatives/tool"), "etc/alternatives/tool": "../../bin/real",
	} {
		if h := headers[strings.TrimPrefix(at(name), "/")]; h == nil || h.Linkname != want {
			t.Errorf("%s: got %+v, want a link to %s", name, h, want)
		}
	}
	if got := texts[strings.TrimPrefix(at("usr/bin/real"), "/")]; got != "real" {
		t.Errorf("the file behind the links has %q", got)
	}
	if got, err := tree.Machine(at("root")); err != nil || got != "/" {
		t.Errorf("a link to the root leads to %q, %v", got, err)
	}
	if _, err := tree.Machine(at("round")); err == nil || !strings.Contains(err.Error(), "symbolic links") {
		t.Errorf("a link to itself: %v", err)
	}
	if _, err := tree.Machine(at("gone")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestWhatTheLoaderLists(t *testing.T) {
	const list = "\tlinux-vdso.so.1 (0x00007ffc5b5f2000)\n" +
		"\tlibtinfo.so.6 => /lib/x86_64-linux-gnu/libtinfo.so.6 (0x00007f6f2a9c3000)\n" +
		"\tlibgone.so.1 => not found\n" +
		"\t/lib64/ld-linux-x86-64.so.2 (0x00007f6f2ab5e000)\n"
	want := []string{"/lib/x86_64-linux-gnu/libtinfo.so.6", "/lib64/ld-linux-x86-64.so.2"}
	if got := parseList(list); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOnlyProgramsHaveLibraries(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]bool{"/bin/bash": true, text: false, "/dev/null": false} {
		if got, err := isDynamic(file); err != nil || got != want {
			t.Errorf("%s: %v, %v", file, got, err)
		}
	}
	tree := NewTree()
	if err := tree.libraries(t.Context(), "/bin/bash"); err != nil {
		t.Fatal(err)
	}
	if !tree.Has(loader) && !tree.Has("/usr"+loader) && len(tree.entries) < 4 {
		t.Errorf("bash came without its libraries: %v", tree.entries)
	}
}
