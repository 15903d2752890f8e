package course

import (
	"os"
	"testing"

	"underlay/engine/sandbox/sandboxtest"
)

func TestMain(m *testing.M) { os.Exit(sandboxtest.Main(m)) }
