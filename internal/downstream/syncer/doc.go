// Package syncer keeps one connected system in step, an island of its own: one loop for each Downstream with its own queue,
// backoff and memory, so that a system that hangs delays nobody else. It reads the system, has package plan decide, keeps the
// inventory in the Ledger (an intent before anything is made, the result after) and hands batches to the driver. It holds no
// lock while it waits for anybody.
package syncer
