package command

import "github.com/spf13/cobra"

func (p *plugin) confirm() *cobra.Command    { return &cobra.Command{Use: "confirm NAMES..."} }
func (p *plugin) snapshot() *cobra.Command   { return &cobra.Command{Use: "snapshot"} }
func (p *plugin) initialize() *cobra.Command { return &cobra.Command{Use: "init"} }
func (p *plugin) newObject() *cobra.Command  { return &cobra.Command{Use: "new"} }
