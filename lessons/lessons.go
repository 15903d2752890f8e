// Package lessons holds the lessons that the program brings along: MODULE/module.yaml
// and MODULE/NUMBER-ID.md. What the files mean, package course/lesson knows.
package lessons

import "embed"

// Files are the modules' folders.
//
//go:embed */module.yaml */*.md
var Files embed.FS
