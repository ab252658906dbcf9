// Package stage is what make demo and make drill run on: this machine alone, with a
// real Terraform or OpenTofu, the provider built from this repository, and nothing of
// the user's.
//
//   - stage.go: the package
//   - command.go: starting and stopping programs
//   - golang.go: the go command, and the repository
//   - cli.go: Terraform or OpenTofu, and the environment that it gets
//   - report.go: what is said
//
// It is for demonstrations, never shipped.
package stage
