package process

import (
	"os/exec"
	"syscall"
)

func tie(c *exec.Cmd, death syscall.Signal) {
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.SysProcAttr.Setpgid, c.SysProcAttr.Pdeathsig = true, death
}
