//go:build !linux

package main

// starters are the systems that --downstreams can name: the servers are tied to our life in a way that Linux alone has.
var starters map[string]starter
