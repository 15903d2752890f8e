// Package labs holds the labs that the program brings along: MODULE/ID/lab.yaml with
// its scripts beside it. What the files mean, package course/format knows.
package labs

import "embed"

// Files are the labs' folders, by module.
//
//go:embed */*/*.yaml */*/*.sh */*/*/*.sh
var Files embed.FS
