package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// resources measures keys and scripts, and files that the sops command encrypted; peers
// where their binaries are given.
func resources(ctx context.Context, r *Report, b bench) error {
	count := 1000
	if b.quick {
		count = 20
	}
	for _, part := range []func(context.Context, *Report, bench, int) error{keys, scripts, files} {
		if err := part(ctx, r, b, count); err != nil {
			return err
		}
	}
	return nil
}

// peer is the binary that a variable names. The report says when there is none.
func (r *Report) peer(b bench, variable, name string) string {
	path := os.Getenv(variable)
	if path == "" && !b.quick {
		r.LeftOut = append(r.LeftOut, fmt.Sprintf("%s: %s names no binary", name, variable))
	}
	return path
}

func keys(ctx context.Context, r *Report, b bench, count int) error {
	_, recipient, err := operator(b)
	if err != nil {
		return err
	}
	config := fmt.Sprintf(`
variable "changed" {
  type    = number
  default = -1
}
provider "ageenv" {
  escrow_recipients = [%q]
}
resource "ageenv_key" "k" {
  count    = %d
  keepers = { version = count.index == var.changed ? "2" : "1" }
}
`, recipient, count)
	runs, sizes := map[string]map[string]spent{}, map[string]float64{}
	for name, provider := range b.providers() {
		t, err := newTerraform(b, "keys-"+name, "ageenv", provider, config)
		if err != nil {
			return err
		}
		if runs[name], err = t.all(ctx, nil); err != nil {
			return err
		}
		size, _, err := t.state()
		if err != nil {
			return err
		}
		sizes[name] = size / float64(count)
	}
	if binary := r.peer(b, "PEER_AGE", "terraform-provider-age"); binary != "" && !b.quick {
		peer, err := newTerraform(b, "peer-age", "clementblaise/age", binary, fmt.Sprintf(`
resource "age_secret_key" "k" {
  count = %d
}
`, count))
		if err != nil {
			return err
		}
		runs["provider-age"] = map[string]spent{}
		for i, args := range [][]string{{"plan", "-out=new.tfplan"}, {"apply", "new.tfplan"}, {"plan", "-detailed-exitcode"}} {
			if runs["provider-age"][steps[i]], err = peer.run(ctx, args...); err != nil {
				return err
			}
		}
		size, _, err := peer.state()
		if err != nil {
			return err
		}
		sizes["provider-age"] = size / float64(count)
	}
	r.add(compare("state", fmt.Sprintf("a key, of %d", count), "bytes", sizes))
	r.check("state, bytes of a key", sizes[ours])
	r.steps(fmt.Sprintf("%d keys", count), runs, false)
	return nil
}

func scripts(ctx context.Context, r *Report, b bench, count int) error {
	_, recipient, err := operator(b)
	if err != nil {
		return err
	}
	const apiKey = "bench"
	simulator := vultrsim.New(vultrsim.Options{APIKey: apiKey})
	url, stop, err := simulator.Start()
	if err != nil {
		return err
	}
	defer stop()
	mine, err := newTerraform(b, "scripts", "ageenv", b.provider(), fmt.Sprintf(`
variable "changed" {
  type    = number
  default = -1
}
provider "ageenv" {
  escrow_recipients = [%q]
  vultr = {
    requests_per_second = 30
  }
}
resource "ageenv_key" "k" {
}
resource "ageenv_bundle" "b" {
  count           = %d
  entries_wo      = { %s }
  content_version = count.index == var.changed ? "2" : "1"
  recipients      = ageenv_key.k.recipients
}
resource "ageenv_vultr_startup_script" "s" {
  count            = %[2]d
  name             = "bench-${count.index}"
  wrapped_identity_wo = ageenv_key.k.wrapped_identity
  files = [{
    ciphertext_wo = ageenv_bundle.b[count.index].ciphertext
    path       = "/opt/app/.env"
  }]
}
`, recipient, count, fourEntries), "SOPS_AGE_KEY_FILE="+filepath.Join(b.work, "operator.txt"), "VULTR_API_KEY="+apiKey, "VULTR_API_URL="+url)
	if err != nil {
		return err
	}
	runs := map[string]spent{}
	calls := map[string]float64{}
	for i, args := range [][]string{{"plan", "-out=new.tfplan"}, {"apply", "new.tfplan"}, {"plan", "-detailed-exitcode"}, {"apply", "-auto-approve", "-var=changed=0"}} {
		simulator.ClearRequests()
		if runs[steps[i]], err = mine.run(ctx, args...); err != nil {
			return err
		}
		calls[steps[i]] = float64(len(simulator.Requests()))
	}
	_, text, err := mine.state()
	if err != nil {
		return err
	}
	perScript, err := bytesOf(text, "ageenv_vultr_startup_script")
	if err != nil {
		return err
	}
	r.add(compare("state", fmt.Sprintf("a script, of %d", count), "bytes", map[string]float64{ours: perScript}))
	r.check("state, bytes of a script", perScript)
	for _, step := range steps {
		r.add(compare(fmt.Sprintf("%d scripts", count), step+": calls", "calls", map[string]float64{ours: calls[step]}))
		r.check(fmt.Sprintf("scripts, calls, %s", step), calls[step])
	}
	r.steps(fmt.Sprintf("%d scripts", count), map[string]map[string]spent{ours: runs}, false)
	return nil
}

// files compares reading files of sops with terraform-provider-sops.
func files(ctx context.Context, r *Report, b bench, count int) error {
	binary := r.peer(b, "PEER_SOPS", "terraform-provider-sops")
	if b.quick {
		return nil
	}
	key, recipient, err := operator(b)
	if err != nil {
		return err
	}
	to, err := agekey.ParseRecipient(recipient)
	if err != nil {
		return err
	}
	dir := filepath.Join(b.work, "files")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for i := range count {
		sealed, err := sops.EncryptDotenv(secret.New(file{entries: 4, length: 40}.text()), []agekey.Recipient{to}, time.Now())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.enc.env", i)), []byte(sealed), 0o600); err != nil {
			return err
		}
	}
	runs := map[string]map[string]spent{}
	for name, of := range map[string]struct{ source, binary, config string }{
		ours: {"ageenv", b.provider(), fmt.Sprintf(`
ephemeral "ageenv_bundle" "f" {
  count      = %d
  ciphertext = file("%s/${count.index}.enc.env")
}
`, count, dir)},
		"provider-sops": {"carlpett/sops", binary, fmt.Sprintf(`
ephemeral "sops_file" "f" {
  count       = %d
  source_file = "%s/${count.index}.enc.env"
}
`, count, dir)},
	} {
		if of.binary == "" {
			continue
		}
		t, err := newTerraform(b, "files-"+strings.ReplaceAll(name, "/", "-"), of.source, of.binary, of.config, "SOPS_AGE_KEY_FILE="+key)
		if err != nil {
			return err
		}
		one, err := t.run(ctx, "plan")
		if err != nil {
			return err
		}
		runs[name] = map[string]spent{"plan": one}
	}
	figures := func(of func(spent) float64) map[string]float64 {
		out := map[string]float64{}
		for name, run := range runs {
			out[name] = of(run["plan"])
		}
		return out
	}
	part := fmt.Sprintf("%d files of sops, read", count)
	r.add(compare(part, "wall", "s", figures(func(s spent) float64 { return s.wall })).within(0.75, "provider-sops"))
	r.add(compare(part, "CPU, all", "s", figures(spent.cpu)))
	r.add(compare(part, "memory, provider", "MiB", figures(func(s spent) float64 { return s.memory / (1 << 20) })).within(0.35, "provider-sops"))
	return nil
}
