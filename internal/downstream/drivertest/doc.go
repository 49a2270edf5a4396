// Package drivertest is the conformance suite of drivers (QUALITY Safety 5 to 14): what every driver must pass against the real
// server of its system, and what makes a driver of somebody else's fit for Rollcall.
//
// A driver's tests describe their system by a Harness and call Run. The suite speaks to the driver through the same loop that
// the operator uses; requests are seen, counted and cut at the Pacer, which a driver must wait for before each of them, so
// that a crash at every call boundary needs no help of the server. Faults that only a server can produce, such as
// throttling, are optional hooks; Harness.Without names those that the system cannot produce, with the reason.
//
// The package also has a Memory system with its driver, for tests of whatever works with drivers, and to prove that the suite
// can fail.
package drivertest
