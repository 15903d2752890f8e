// Package kubectl is kubectl itself. What it does not know: which cluster;
// kubeconfig files and KUBECONFIG say so, as everywhere.
package kubectl

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

// Main runs kubectl with the process's arguments, of which the first is the
// name it was called by, and returns its exit status.
func Main() int {
	return cli.Run(cmd.NewDefaultKubectlCommand())
}

// A fatal is how kubectl ends a command within this process.
type fatal string

// Apply applies the files as kubectl does, so that applying them again by hand
// changes nothing. The error is kubectl's own message, which for an invalid
// object is that of the API server. It must not be called while another
// command of kubectl runs in this process.
func Apply(kubeconfig string, files []string) (err error) {
	var messages strings.Builder
	util.BehaviorOnFatal(func(message string, _ int) { panic(fatal(message)) })
	defer util.DefaultBehaviorOnFatal()
	defer func() {
		if message, ok := recover().(fatal); ok {
			err = errors.New(strings.TrimSpace(strings.Join([]string{messages.String(), string(message)}, "")))
		}
	}()
	flags := genericclioptions.NewConfigFlags(true).WithDeprecatedPasswordFlag()
	flags.KubeConfig = &kubeconfig
	command := cmd.NewKubectlCommand(cmd.KubectlOptions{
		ConfigFlags: flags,
		IOStreams:   genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: &messages},
	})
	arguments := []string{"apply"}
	for _, file := range files {
		arguments = append(arguments, "--filename="+file)
	}
	command.SetArgs(arguments)
	command.SetErr(&messages)
	if err := command.Execute(); err != nil {
		return fmt.Errorf("kubectl: %w", err)
	}
	return nil
}
