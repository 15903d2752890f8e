package progress

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"underlay/engine"
)

// made returns a directory with a filled, closed file of at least size bytes.
func made(t testing.TB, size int64) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, fileName)
	s, _, err := Open(dir)
	must(t, err)
	fill(t, s)
	for {
		must(t, s.Close())
		fi, err := os.Stat(path)
		must(t, err)
		if fi.Size() >= size {
			return dir, path
		}
		s, _, err = Open(dir)
		must(t, err)
		must(t, s.transact(context.Background(), insertMany))
	}
}

func TestDamagedFilesAreSetAside(t *testing.T) {
	noise := make([]byte, 50_000)
	chacha := rand.NewChaCha8([32]byte{1})
	_, _ = chacha.Read(noise)
	for name, damage := range map[string]func(path string) error{
		"random bytes":     func(p string) error { return os.WriteFile(p, noise, 0o600) },
		"text":             func(p string) error { return os.WriteFile(p, []byte("hello"), 0o600) },
		"cut in a page":    func(p string) error { return os.Truncate(p, 5000) },
		"cut at a page":    func(p string) error { return os.Truncate(p, 8192) },
		"cut in the head":  func(p string) error { return os.Truncate(p, 60) },
		"noise in a page":  func(p string) error { return overwrite(p, 4096+8, noise[:3000]) },
		"noise at the end": func(p string) error { return overwriteEnd(p, noise[:4096]) },
		"a directory": func(p string) error {
			return errors.Join(os.Remove(p), os.MkdirAll(filepath.Join(p, "x"), 0o700))
		},
		"a database of something else": func(p string) error { return foreign(p, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, path := made(t, 0)
			must(t, damage(path))
			fi, err := os.Lstat(path)
			must(t, err)
			s, notice, err := Open(dir, WithClock(newClock().now))
			must(t, err)
			defer s.Close() //nolint:errcheck // a test's
			aside := path + ".corrupt-20260301T120001.000Z"
			if !strings.Contains(string(notice), aside) || strings.Count(string(notice), ".\n") > 0 {
				t.Errorf("notice: %q", notice)
			}
			kept, err := os.Lstat(aside)
			if err != nil || !os.SameFile(fi, kept) {
				t.Errorf("the damaged file was not kept: %v", err)
			}
			if got := value(s.Labs(context.Background()))(t); len(got) != 0 {
				t.Errorf("the fresh file has labs %v", got)
			}
			fill(t, s)
		})
	}
}

func TestEmptyFileIsAFirstStart(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, fileName), nil, 0o600))
	fill(t, open(t, dir))
}

func TestLeftOverLogIsSetAsideToo(t *testing.T) {
	dir, path := made(t, 0)
	must(t, os.WriteFile(path, []byte("gone"), 0o600))
	must(t, os.WriteFile(path+"-wal", []byte("log"), 0o600))
	s, notice, err := Open(dir)
	must(t, err)
	must(t, s.Close())
	if notice == "" || len(glob(t, dir, "*.corrupt-*-wal")) != 1 {
		t.Errorf("notice %q, files %q", notice, glob(t, dir, "*"))
	}
}

// Damage deep in a large file is not looked for at each start: the call that
// meets it says so, and the next start sets the file aside.
func TestDamageMetLater(t *testing.T) {
	dir, path := made(t, 2*fullCheckSize)
	sound, err := os.ReadFile(path)
	must(t, err)
	var s *Store
	for page := len(sound) / 4096 / 2; ; page += 8 { // some that opening does not read
		must(t, os.WriteFile(path, sound, 0o600))
		must(t, overwrite(path, int64(page)*4096, bytes.Repeat([]byte{0xff}, 8*4096)))
		var notice Notice
		s, notice, err = Open(dir)
		must(t, err)
		defer s.Close() //nolint:errcheck // a test's
		if notice == "" {
			break
		}
		must(t, s.Close())
		for _, name := range glob(t, dir, fileName+"*") {
			must(t, os.Remove(name))
		}
	}
	_, err = s.Quizzes(context.Background())
	var hinted *engine.Error
	if !errors.As(err, &hinted) || !strings.Contains(hinted.Hint, "again") {
		t.Fatalf("reading a damaged file: %v", err)
	}
	again, notice, err := Open(dir)
	must(t, err)
	must(t, again.Close())
	if notice == "" {
		t.Error("the next start did not set the file aside")
	}
}

func TestNewerFileIsRefusedUntouched(t *testing.T) {
	dir, path := made(t, 0)
	must(t, overwrite(path, headerVersionAt, binary.BigEndian.AppendUint32(nil, uint32(len(migrations)+1))))
	before, err := os.ReadFile(path)
	must(t, err)
	_, _, err = Open(dir)
	var hinted *engine.Error
	if !errors.As(err, &hinted) || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("got %v", err)
	}
	after, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
	if aside := glob(t, dir, "*.corrupt-*"); len(aside) > 0 {
		t.Errorf("set aside: %q", aside)
	}
}

func overwrite(path string, at int64, b []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.WriteAt(b, at)
	return err
}

func overwriteEnd(path string, b []byte) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	return overwrite(path, fi.Size()-int64(len(b)), b)
}

// foreign makes a sound database with other tables than ours.
func foreign(path string, version int) (err error) {
	if err := os.Remove(path); err != nil {
		return err
	}
	db, err := openDatabase(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.Exec(fmt.Sprintf("CREATE TABLE bookmarks (url TEXT); PRAGMA user_version = %d", version))
	return err
}
