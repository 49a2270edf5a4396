// Package docs holds tests that keep docs/ and README.md true: every field, column, condition and reason of the API is
// described, and every link leads somewhere.
package docs
