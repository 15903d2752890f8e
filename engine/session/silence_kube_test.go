//go:build kube

package session_test

import (
	"testing"

	"underlay/engine"
)

func TestClusterOfEveryLabIsJudgedInSilence(t *testing.T) {
	everyLab(t, func(lab *engine.Lab) bool { return lab.Cluster != nil }, silence)
}
