package control

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/kubernetes/pkg/scheduler"
)

// StartScheduler runs the scheduler of Kubernetes, with its default profile,
// until ctx is done. It returns once the scheduler knows what there is. A
// scheduler that gives up is followed by another; again gets the reason.
func StartScheduler(ctx context.Context, config *rest.Config, again func(why string)) error {
	gaveUp := onExit("k8s.io/kubernetes/pkg/scheduler")
	running, stop := context.WithCancel(ctx)
	if err := startScheduler(running, config); err != nil {
		stop()
		return err
	}
	go func() {
		defer func() { stop() }()
		for {
			var why string
			select {
			case <-ctx.Done():
				return
			case why = <-gaveUp:
			}
			stop()
			running, stop = context.WithCancel(ctx)
			for err := startScheduler(running, config); err != nil; err = startScheduler(running, config) {
				select {
				case <-ctx.Done():
					return
				case <-time.After(schedulerPause):
				}
			}
			again(why)
		}
	}()
	return nil
}

// schedulerPause is how long a scheduler stays away that could not be started.
const schedulerPause = time.Second

func startScheduler(ctx context.Context, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("scheduler: %w", err)
	}
	broadcaster := events.NewEventBroadcasterAdapterWithContext(ctx, client)
	informers := scheduler.NewInformerFactory(client, 0, nil)
	recorder := func(name string) events.EventRecorderLogger { return broadcaster.NewRecorder(name) }
	s, err := scheduler.New(ctx, client, informers, nil, recorder)
	if err != nil {
		return fmt.Errorf("scheduler: %w", err)
	}
	broadcaster.StartRecordingToSink(ctx.Done())
	informers.Start(ctx.Done())
	informers.WaitForCacheSync(ctx.Done())
	if err := s.WaitForHandlersSync(ctx); err != nil {
		return fmt.Errorf("scheduler: %w", err)
	}
	go s.Run(ctx)
	return nil
}
