package engine

import "embed"

// Source is the text of this package. The comments on the types and fields of
// its files are what describes the format of lab.yaml; package labs takes them
// from here for the JSON Schema, so that they are written once.
//
//go:embed *.go
var Source embed.FS
