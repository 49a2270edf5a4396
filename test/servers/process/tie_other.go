//go:build !linux

package process

import (
	"os/exec"
	"syscall"
)

// tie cannot tie a program to our life on other systems than Linux: after a kill -9 of ours it stays.
func tie(c *exec.Cmd, _ syscall.Signal) {
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.SysProcAttr.Setpgid = true
}
