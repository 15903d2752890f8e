package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"underlay/author/scaffold"
	"underlay/course/format"
)

func (p *program) authorNewCommand() *cobra.Command {
	o := scaffold.Options{}
	cmd := &cobra.Command{
		Use: "new ID", Short: "Start a lab and its lesson",
		Long: "Writes a small lab that passes its proofs as it is, and a lesson for it, for you to change\n" +
			"step by step. It overwrites nothing.",
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			o.ID = args[0]
			return p.authorNew(o)
		},
	}
	cmd.Flags().StringVar(&o.Dir, "dir", ".", "content `directory` to write to; created if missing")
	cmd.Flags().StringVar(&o.Title, "title", "", "`title` of the lab (default: made from its id)")
	cmd.Flags().StringVar(&o.Module, "module", "my-labs", "`id` of the lesson's module")
	return cmd
}

func (p *program) authorNew(o scaffold.Options) error {
	builtin, err := format.Builtin()
	if err != nil {
		return err
	}
	for _, l := range builtin.Infos() {
		o.Taken = append(o.Taken, l.ID)
	}
	var schema bytes.Buffer
	enc := json.NewEncoder(&schema)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(format.LabSchema()); err != nil {
		return err
	}
	files, err := scaffold.New(o, schema.Bytes())
	if errors.Is(err, scaffold.ErrBadName) || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrPermission) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		if _, err := fmt.Fprintln(p.out, f); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(p.out, "\nTry it: underlay lab %s --content %s\n", o.ID, o.Dir)
	return err
}
