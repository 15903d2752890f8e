package cli

import (
	"github.com/spf13/cobra"

	"underlay/course/format"
)

func (p *program) authorSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of lab.yaml, for editors", Args: usage(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return p.printJSON(format.LabSchema()) },
	}
}
