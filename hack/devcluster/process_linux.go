package main

import "syscall"

// childAttributes puts a child into its own process group and lets the kernel kill it when we are gone.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
