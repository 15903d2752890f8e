package kubelet

import (
	"errors"
	"fmt"
	"time"

	"github.com/distribution/reference"
	v1 "k8s.io/api/core/v1"

	"underlay/engine/companion"
	"underlay/kube/workload"
)

// dnsImage is the image that underlay-kube itself is behind.
const dnsImage = "coredns"

// showPullError is how long a failed pull is called one before it is called a
// back-off.
const showPullError = 2 * time.Second

// pullState is how far a container is with its image.
type pullState struct {
	failed  bool
	backOff time.Duration
	at      time.Time // of the failure
}

var errPull = errors.New("the image is not there")

// pullImage resolves the container's image. Where that fails, it says so as the
// real kubelet does and returns when to try again.
func (c *container) pullImage() (workload.Image, time.Duration, error) {
	if _, err := reference.ParseNormalizedNamed(c.spec.Image); err != nil {
		text := fmt.Sprintf("Failed to apply default image tag %q: couldn't parse image name %q: %v", c.spec.Image, c.spec.Image, err)
		if c.waiting.Reason != "InvalidImageName" {
			c.event(v1.EventTypeWarning, "InspectFailed", text)
			c.event(v1.EventTypeWarning, "Failed", "Error: InvalidImageName")
		}
		c.waiting = v1.ContainerStateWaiting{Reason: "InvalidImageName", Message: text}
		return workload.Image{}, configPause, errPull
	}
	always := c.spec.ImagePullPolicy == v1.PullAlways
	image, err := findImage(c.spec.Image)
	if err == nil {
		c.pull = pullState{}
		switch {
		case c.attempts > 0: // it was said
		case always:
			c.event(v1.EventTypeNormal, "Pulling", fmt.Sprintf("Pulling image %q", c.spec.Image))
			c.event(v1.EventTypeNormal, "Pulled", fmt.Sprintf("Successfully pulled image %q: it is built in", c.spec.Image))
		default:
			c.event(v1.EventTypeNormal, "Pulled", fmt.Sprintf("Container image %q already present on machine", c.spec.Image))
		}
		return image, 0, nil
	}
	if c.spec.ImagePullPolicy == v1.PullNever {
		if c.waiting.Reason != "ErrImageNeverPull" {
			c.event(v1.EventTypeWarning, "ErrImageNeverPull",
				fmt.Sprintf("Container image %q is not present with pull policy of Never", c.spec.Image))
			c.event(v1.EventTypeWarning, "Failed", "Error: ErrImageNeverPull")
		}
		c.waiting = v1.ContainerStateWaiting{Reason: "ErrImageNeverPull", Message: err.Error()}
		return workload.Image{}, configPause, errPull
	}
	return workload.Image{}, c.pullFailed(err), errPull
}

func (c *container) pullFailed(err error) time.Duration {
	c.event(v1.EventTypeNormal, "Pulling", fmt.Sprintf("Pulling image %q", c.spec.Image))
	c.event(v1.EventTypeWarning, "Failed", fmt.Sprintf("Failed to pull image %q: %v", c.spec.Image, err))
	c.event(v1.EventTypeWarning, "Failed", "Error: ErrImagePull")
	c.waiting = v1.ContainerStateWaiting{Reason: "ErrImagePull", Message: err.Error()}
	c.pull.failed, c.pull.at = true, time.Now()
	c.pull.backOff = min(max(2*c.pull.backOff, firstBackOff), mostBackOff)
	c.notBefore = c.pull.at.Add(c.pull.backOff)
	return showPullError
}

// pullBackOff shows that the next pull has to wait.
func (c *container) pullBackOff() {
	if c.waiting.Reason == "ImagePullBackOff" || time.Since(c.pull.at) < showPullError {
		return
	}
	text := fmt.Sprintf("Back-off pulling image %q", c.spec.Image)
	c.waiting = v1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: text + ": ErrImagePull: " + c.waiting.Message}
	c.event(v1.EventTypeNormal, "BackOff", text)
	c.event(v1.EventTypeWarning, "Failed", "Error: ImagePullBackOff")
}

// findImage finds a built-in image, CoreDNS included.
func findImage(ref string) (workload.Image, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err == nil && reference.FamiliarName(named) == dnsImage {
		return workload.Image{Name: dnsImage, Entrypoint: []string{companion.ClusterProgram}}, nil
	}
	image, err := workload.Find(ref)
	if err != nil {
		return workload.Image{}, err
	}
	return image, nil
}
