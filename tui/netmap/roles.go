package netmap

import (
	"charm.land/lipgloss/v2"

	"underlay/topology"
	"underlay/tui/theme"
)

// rolesIn are the styles of a theme for what a drawing is made of.
func rolesIn(st *theme.Styles) [topology.Roles]lipgloss.Style {
	return [topology.Roles]lipgloss.Style{
		topology.Blank:   lipgloss.NewStyle(),
		topology.Frame:   st.Border,
		topology.Title:   st.Strong,
		topology.Note:    st.Muted,
		topology.Name:    st.Text,
		topology.Address: st.Text,
		topology.Count:   st.Muted,
		topology.Counted: st.Strong,
		topology.Bar:     st.Text,
		topology.Wire:    st.Text,
		topology.Dead:    st.Warn,
		topology.Path:    st.Title,
		topology.Here:    st.Chosen,
		topology.Trouble: st.Warn,
		topology.Changed: st.Accent,
	}
}
