//go:build !linux

package main

import "syscall"

// childAttributes puts a child into its own process group. Other systems than Linux cannot tie it to our life: after a
// kill -9 of this program its children stay.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
