package control

import (
	"context"
	"fmt"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/kubernetes/pkg/scheduler"
)

// StartScheduler runs the scheduler of Kubernetes, with its default profile,
// until ctx is done. It returns once the scheduler knows what there is.
func StartScheduler(ctx context.Context, config *rest.Config) error {
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
