package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/test/bench/organization"
)

// report prints figures and remembers which fell short.
type report struct {
	to    io.Writer
	name  string
	short []string

	shape organization.Shape // of the figures with an API server
	stage *stage             // shared by them, once made
}

// figure is one line. Ratio is Value divided by Floor; both that and Bar are compared, so a bar is a multiple of the floor.
type figure struct {
	name       string
	value      float64
	unit       string
	floor, bar float64
}

// measured prints a figure that must be at most bar times the floor.
func (r *report) measured(f figure) {
	ratio := f.value / f.floor
	if f.floor == 0 && f.value == 0 {
		ratio = 0
	}
	verdict := "ok"
	if !(ratio <= f.bar) {
		verdict = "SHORT"
		r.short = append(r.short, r.name+" "+f.name)
	}
	fmt.Fprintf(r.to, "bench %s %s %s %s floor=%s ratio=%s bar=%s %s\n", r.name, f.name, number(f.value), f.unit, number(f.floor), number(ratio), number(f.bar), verdict)
}

// note prints what helps to read the figures and is none.
func (r *report) note(format string, args ...any) {
	fmt.Fprintf(r.to, "# %s %s\n", r.name, fmt.Sprintf(format, args...))
}

func (r *report) verdict() error {
	if len(r.short) > 0 {
		return fmt.Errorf("short: %s", strings.Join(r.short, ", "))
	}
	return nil
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
