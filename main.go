// Underlay is a terminal tutor for container networking. The commands, and what the
// program is under other names, are in package cli.
package main

import (
	"os"

	"underlay/cli"
)

// version is set by the Makefile.
var version = "devel"

func main() { os.Exit(cli.Main(os.Args, version)) }
