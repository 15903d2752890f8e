package main

import "github.com/spf13/cobra"

// authorCommand is what authors of labs and lessons use.
func (p *program) authorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "author", Short: "Write labs and lessons",
		Long: "Makes, checks and tries labs and lessons. docs/AUTHORING.md shows how.",
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.authorNewCommand(), p.authorLintCommand(), p.authorRecordCommand(), p.authorWatchCommand(), p.authorSchemaCommand())
	return cmd
}
