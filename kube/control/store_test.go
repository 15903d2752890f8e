package control

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// storeDir is where a process that is only a store has its files; see TestMain.
const storeDir = "UNDERLAY_TEST_STORE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(storeDir); dir != "" {
		failed := make(chan error)
		if err := startStore(dir, dir+".sock", func(err error) { failed <- err }); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("serves")
		fmt.Println(<-failed)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// serve starts a store in a process of its own, which kill ends as the kernel
// would end it, and returns a client of it.
func serve(t *testing.T, dir string) (client *clientv3.Client, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), storeDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	said := make([]byte, 200)
	if n, _ := out.Read(said); strings.TrimSpace(string(said[:n])) != "serves" {
		t.Fatalf("the store said %q", said[:n])
	}
	client, err = clientv3.New(clientv3.Config{Endpoints: []string{"unix://" + dir + ".sock"}, DialTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client, kill
}

func put(t *testing.T, client *clientv3.Client, key, value string) int64 {
	t.Helper()
	r, err := client.Put(t.Context(), key, value)
	if err != nil {
		t.Fatal(err)
	}
	return r.Header.Revision
}

func compact(t *testing.T, client *clientv3.Client, revision int64) {
	t.Helper()
	if _, err := client.Compact(t.Context(), revision); err != nil {
		t.Fatal(err)
	}
}

// next returns the events of the next message that has any.
func next(t *testing.T, watch clientv3.WatchChan) []*clientv3.Event {
	t.Helper()
	for r := range watch {
		if err := r.Err(); err != nil {
			t.Fatal(err)
		}
		if len(r.Events) > 0 {
			return r.Events
		}
	}
	t.Fatal("the watch ended")
	return nil
}

// A watcher hears of each change once, and with what was there before, however
// often the store is compacted meanwhile. The API server ends a watch whose event
// lacks the value before, and a scheduler that hears of one twice gives up.
func TestWatchesOutliveCompactions(t *testing.T) {
	client, _ := serve(t, filepath.Join(t.TempDir(), "store"))
	put(t, client, "/registry/old", "0")
	last := put(t, client, "/registry/busy", "0")
	watch := client.Watch(t.Context(), "/registry/", clientv3.WithPrefix(), clientv3.WithPrevKV(), clientv3.WithRev(last+1))
	for i := range 5 {
		for range 3 { // what is busy gets further and further from what is left alone
			last = put(t, client, "/registry/busy", "again")
			if events := next(t, watch); len(events) != 1 || events[0].Kv.ModRevision != last {
				t.Fatalf("after %d compactions revision %d came as %v", i, last, events)
			}
		}
		compact(t, client, last)
	}
	put(t, client, "/registry/old", "1")
	events := next(t, watch)
	if len(events) != 1 || string(events[0].Kv.Value) != "1" || events[0].PrevKv == nil || string(events[0].PrevKv.Value) != "0" {
		t.Errorf("a change of what was left alone came as %v", events)
	}
}

// Who watches from the revision of a list hears of what the list does not have, and
// of nothing else.
func TestListsHaveAllThatIsNotWatched(t *testing.T) {
	const objects = 500
	client, _ := serve(t, filepath.Join(t.TempDir(), "store"))
	ctx := t.Context()
	written := make(chan error, 1)
	go func() {
		for i := range objects {
			// Lists are short, so that many begin: each object goes before the next comes.
			key := fmt.Sprintf("/registry/pods/%d", i)
			if _, err := client.Put(ctx, key, ""); err != nil {
				written <- err
				return
			}
			if _, err := client.Delete(ctx, key); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	lists := 0
	for done := false; !done; lists++ {
		select {
		case err := <-written:
			if err != nil {
				t.Fatal(err)
			}
			done = true
		default:
		}
		list, err := client.Get(ctx, "/registry/pods/", clientv3.WithPrefix())
		if err != nil {
			t.Fatal(err)
		}
		again, err := client.Get(ctx, "/registry/pods/", clientv3.WithPrefix(), clientv3.WithRev(list.Header.Revision))
		if err != nil {
			t.Fatal(err)
		}
		if list.Count != again.Count {
			t.Fatalf("at revision %d there were %d objects, and then %d", list.Header.Revision, list.Count, again.Count)
		}
	}
	t.Logf("%d lists", lists)
}

// What was written is there when the process was killed, and revisions go on.
func TestStoreOutlivesItsProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	client, kill := serve(t, dir)
	var last int64
	for i := range 1500 { // the log begins anew in between
		last = put(t, client, fmt.Sprintf("/registry/%d", i%100), fmt.Sprint(i))
	}
	compact(t, client, last-10)
	put(t, client, "/registry/0", "the end")
	kill()
	begin := time.Now()
	client, _ = serve(t, dir)
	t.Logf("served again after %v", time.Since(begin))
	all, err := client.Get(t.Context(), "/registry/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	if all.Count != 100 || all.Header.Revision != last+1 || string(all.Kvs[0].Value) != "the end" {
		t.Errorf("%d objects at revision %d, the first is %q; want 100 at %d and the end", all.Count, all.Header.Revision, all.Kvs[0].Value, last+1)
	}
	if next := put(t, client, "/registry/new", ""); next != last+2 {
		t.Errorf("the next revision is %d, want %d", next, last+2)
	}
}
