// Package workload holds what built-in images run: small servers that say which
// pod answered and which peer address it saw, because that is what Services and
// NAT change, and programs that fail in the ways that pods fail.
//
// Each is a process of its own, in the pod in which it was started. The package
// knows nothing of Kubernetes.
package workload

import (
	"fmt"
	"slices"
	"strings"
)

// Image is a built-in image: what a container runs that names no command.
type Image struct {
	Name       string
	Entrypoint []string
	Cmd        []string
	About      string
}

var images = []Image{
	{Name: "http", Entrypoint: []string{"http"}, About: "an HTTP server on port 80 that says who it is and whom it saw"},
	{Name: "tcp", Entrypoint: []string{"tcp"}, About: "a TCP server on port 7 that greets and echoes"},
	{Name: "udp", Entrypoint: []string{"udp"}, About: "a UDP server on port 7 that answers each datagram"},
	{Name: "toolbox", Entrypoint: nil, Cmd: []string{"toolbox"}, About: "a shell with the tools of this machine; without a terminal it waits"},
	{Name: "pause", Entrypoint: []string{"pause"}, About: "does nothing until it is told to end"},
	{Name: "crasher", Entrypoint: []string{"crasher"}, About: "says why and ends with an error"},
	{Name: "stubborn", Entrypoint: []string{"stubborn"}, About: "an HTTP server on port 80 that does not end when it is asked to"},
}

// Images lists the built-in images.
func Images() []Image { return slices.Clone(images) }

// Names lists the programs of built-in images.
func Names() []string {
	var names []string
	for _, i := range images {
		names = append(names, i.Name)
	}
	return names
}

// Known reports whether a program of this name is built in.
func Known(name string) bool { return slices.Contains(Names(), name) }

// Find returns the image of a reference such as http, http:latest or
// http@sha256:…. One that names a registry is never built in.
func Find(ref string) (Image, error) {
	name, _, _ := strings.Cut(ref, "@")
	name, tag, tagged := strings.Cut(name, ":")
	if tagged && (tag == "" || strings.Contains(tag, "/")) {
		return Image{}, unknown(ref)
	}
	for _, i := range images {
		if i.Name == name {
			return i, nil
		}
	}
	return Image{}, unknown(ref)
}

func unknown(ref string) error {
	return fmt.Errorf("image %q is not built in, and this cluster reaches no registry; built-in images: %s",
		ref, strings.Join(Names(), ", "))
}
