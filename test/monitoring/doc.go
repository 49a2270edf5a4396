// Package monitoring holds tests that keep the alerts and the dashboard of config/prometheus true: every metric and label that
// they name is one that the operator registers, every expression is well formed, and every alert has a section in the docs.
package monitoring
