package control

import (
	"fmt"
	"sync"
	"testing"

	"github.com/k3s-io/kine/pkg/drivers"
	"github.com/k3s-io/kine/pkg/drivers/memory"
)

// A list has every object whose revision is not later than its own: who watches
// from there on hears of none of these any more.
func TestListsHaveAllThatIsNotWatched(t *testing.T) {
	const objects = 2000
	ctx := t.Context()
	_, backend, err := memory.New(ctx, new(sync.WaitGroup), &drivers.Config{})
	if err != nil {
		t.Fatal(err)
	}
	store := consistent{backend}
	before, err := store.CurrentRevision(ctx)
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() {
		for i := range objects {
			// Lists are short, so that many begin: each object goes before the next comes.
			key := fmt.Sprintf("/registry/pods/%d", i)
			revision, err := store.Create(ctx, key, nil, 0)
			if err == nil {
				_, _, _, err = store.Delete(ctx, key, revision)
			}
			if err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	lists, lacking := 0, 0
	for done := false; !done; lists++ {
		select {
		case err := <-written:
			if err != nil {
				t.Fatal(err)
			}
			done = true
		default:
		}
		list := store.ListStream(ctx, "/registry/pods/", "/registry/pods0", 0, 0, false)
		there := 0
		for value := range list.KVc {
			if value.ModRevision > list.CurrentRevision {
				t.Fatalf("a list of revision %d has an object of %d", list.CurrentRevision, value.ModRevision)
			}
			there++
		}
		if err := <-list.Errorc; err != nil {
			t.Fatal(err)
		}
		if exists := (list.CurrentRevision - before) % 2; int64(there) != exists { // each second revision deletes
			lacking++
		}
	}
	if lacking > 0 {
		t.Errorf("%d of %d lists lack what has been written", lacking, lists)
	}
	t.Logf("%d lists", lists)
}
