package netns

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func newNamespace(t *testing.T) int {
	t.Helper()
	ns, err := New()
	if errors.Is(err, unix.EPERM) {
		t.Skip("no right to make network namespaces: run as root or in a user namespace")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(ns) })
	return ns
}

func identify(t *testing.T, ns int) ID {
	t.Helper()
	id, err := Identify(ns)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// here is the identity of the calling thread's namespace.
func here() (id ID, err error) {
	ns, err := Current()
	if err != nil {
		return ID{}, err
	}
	id, err = Identify(ns)
	return id, errors.Join(err, unix.Close(ns))
}

func TestDo(t *testing.T) {
	home, err := here()
	if err != nil {
		t.Fatal(err)
	}
	ns := newNamespace(t)
	want := identify(t, ns)
	if want == home {
		t.Fatal("a new namespace is the old one")
	}
	var there ID
	var list []byte
	err = Do(ns, func() (err error) {
		if there, err = here(); err != nil {
			return err
		}
		list, err = exec.Command("ip", "-o", "link").Output()
		return err
	})
	if err != nil || there != want {
		t.Errorf("fn ran in %v, not in %v: %v", there, want, err)
	}
	if lines := strings.Split(strings.TrimSpace(string(list)), "\n"); !strings.Contains(lines[0], "lo:") || strings.Contains(lines[0], "UP") {
		t.Errorf("a child that fn started sees\n%s", list)
	}
	mine := errors.New("mine")
	if err := Do(ns, func() error { return mine }); !errors.Is(err, mine) {
		t.Errorf("fn's error came back as %v", err)
	}
	if err := Do(-1, func() error { t.Error("fn ran in no namespace"); return nil }); !errors.Is(err, unix.EBADF) {
		t.Errorf("in no namespace: %v", err)
	}
	// No thread of this process stays there; that which made the namespace ends in its
	// own time.
	for deadline := time.Now().Add(10 * time.Second); len(threadsIn(t, want)) > 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("threads %v are still in the namespace", threadsIn(t, want))
		}
	}
}

// threadsIn lists the threads of this process that are in a network namespace.
func threadsIn(t *testing.T, id ID) (threads []string) {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		var st unix.Stat_t
		err := unix.Stat("/proc/self/task/"+task.Name()+"/ns/net", &st) // it may have ended
		if err == nil && (ID{st.Dev, st.Ino}) == id {
			threads = append(threads, task.Name())
		}
	}
	return threads
}

// A thread that stays in the namespace is not given to anybody else.
func TestThread(t *testing.T) {
	home, err := here()
	if err != nil {
		t.Fatal(err)
	}
	ns := newNamespace(t)
	moved, err := Thread(func() (ID, error) {
		if err := Enter(ns); err != nil {
			return ID{}, err
		}
		return here()
	})
	if err != nil || moved != identify(t, ns) {
		t.Fatalf("entered %v: %v", moved, err)
	}
	for range 100 {
		if later, err := Thread(here); err != nil || later != home {
			t.Fatalf("another thread starts in %v: %v", later, err)
		}
	}
	if _, err := Thread(func() (int, error) { return 0, Enter(-1) }); !errors.Is(err, unix.EBADF) {
		t.Errorf("in no namespace: %v", err)
	}
}

func TestIdentify(t *testing.T) {
	a, b := newNamespace(t), newNamespace(t)
	again, err := unix.FcntlInt(uintptr(a), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(again) //nolint:errcheck // only looked at
	if identify(t, a) != identify(t, again) || identify(t, a) == identify(t, b) {
		t.Error("equal identities are not the same namespace")
	}
	if _, err := Identify(-1); err == nil {
		t.Error("no namespace has an identity")
	}
}
