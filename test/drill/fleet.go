package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

//go:embed testdata/fleet.tf
var fleetConfig string

// names are the entries of every service.
var names = []string{"API_TOKEN", "DATABASE_PASSWORD", "JWT_SECRET", "SMTP_PASSWORD"}

// bystander is the service that has a key of its own.
const bystander = "bystander"

// values is service to name to value, as the operators last wrote them.
type values map[string]map[string]secret.Text

// newValue is text that nothing else has.
func newValue() string { return rand.Text() }

func (d *drill) serviceNames() (all []string) {
	for i := range d.options.services {
		all = append(all, fmt.Sprintf("service-%03d", i+1))
	}
	return all
}

// change gives every value of the services that keep does not hold back another text,
// as their issuers would, and writes the files that Terraform reads.
func (d *drill) change(services []string, keep func(service, name string) bool) error {
	for _, service := range services {
		if d.values[service] == nil {
			d.values[service] = map[string]secret.Text{}
		}
		var text strings.Builder
		for _, name := range names {
			if d.values[service][name].IsEmpty() || !keep(service, name) {
				d.values[service][name] = secret.New(newValue())
			}
			text.WriteString(name + "=" + d.values[service][name].Reveal() + "\n")
		}
		if err := os.WriteFile(filepath.Join(d.dir, "inputs", service), []byte(text.String()), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func keepNothing(string, string) bool { return false }

// hire makes an operator's identity and key file.
func (d *drill) hire(name string) error {
	id, err := agekey.GenerateX25519()
	if err != nil {
		return err
	}
	d.people[name] = id
	return os.WriteFile(filepath.Join(d.dir, "keys", name), []byte(id.Text().Reveal()+"\n"), 0o600)
}

// makeFleet applies the configuration for the first time.
func makeFleet(ctx context.Context, d *drill) error {
	d.values = values{}
	if err := d.change(append(d.serviceNames(), bystander), keepNothing); err != nil {
		return err
	}
	for _, name := range []string{"ann", "bob"} {
		if err := d.hire(name); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(d.cli.Dir, "main.tf"), []byte(fleetConfig), 0o600); err != nil {
		return err
	}
	d.use("ann", "ann", "bob")
	if _, err := d.apply(ctx); err != nil {
		return err
	}
	if err := d.holdsValues(d.people["ann"], d.people["bob"]); err != nil {
		return err
	}
	d.Line("%s, with %s each; and a bystander", stage.Counted(d.options.services, "service", "services"), stage.Counted(len(names), "value", "values"))
	return nil
}

// fleet is what a state has.
type fleet struct {
	keys     map[string]keyState // "fleet" and "bystander"
	services map[string]service  // the bystander too
	raw      map[string]string   // the attributes of every resource, by address
	deposed  int                 // objects whose successor is there, and that are still to be destroyed
}

type keyState struct {
	Recipient string `json:"recipient"`
	Wrapped   string `json:"wrapped_identity"`
}

type service struct {
	Ciphertext string               `json:"ciphertext"`
	ChangedAt  map[string]time.Time `json:"changed_at"`
	scriptID   string
}

// sealedBy is the name of the key that a service's bundle is sealed to.
func sealedBy(service string) string {
	if service == bystander {
		return bystander
	}
	return "fleet"
}

// readFleet reads a state file.
func readFleet(path string) (fleet, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return fleet{}, err
	}
	var state struct {
		Resources []struct {
			Mode, Type, Name string
			Instances        []struct {
				Key        string          `json:"index_key"`
				Deposed    string          `json:"deposed"`
				Attributes json.RawMessage `json:"attributes"`
			}
		}
	}
	if err := json.Unmarshal(content, &state); err != nil {
		return fleet{}, errors.New("the state can't be read as JSON")
	}
	f := fleet{keys: map[string]keyState{}, services: map[string]service{}, raw: map[string]string{}}
	for _, r := range state.Resources {
		for _, instance := range r.Instances {
			if instance.Deposed != "" {
				f.deposed++
				continue
			}
			name := r.Name
			if instance.Key != "" {
				name = instance.Key
			}
			f.raw[r.Type+" "+name] = string(instance.Attributes)
			s := f.services[name]
			switch r.Type {
			case "ageenv_key":
				var k keyState
				err = json.Unmarshal(instance.Attributes, &k)
				f.keys[name] = k
				continue
			case "ageenv_bundle":
				err = json.Unmarshal(instance.Attributes, &s)
			case "ageenv_vultr_startup_script":
				var script struct{ ID string }
				err = json.Unmarshal(instance.Attributes, &script)
				s.scriptID = script.ID
			}
			if err != nil {
				return fleet{}, fmt.Errorf("the state's %s can't be read", r.Type)
			}
			f.services[name] = s
		}
	}
	return f, nil
}

// identity unwraps a key.
func (f fleet) identity(key string, by agekey.Identity) (agekey.Identity, error) {
	ids, err := agekey.Unwrap(f.keys[key].Wrapped, []agekey.Identity{by})
	if err != nil {
		return agekey.Identity{}, err
	}
	return ids[0], nil
}

// opened decrypts a bundle with this repository's reader.
func opened(ciphertext string, by agekey.Identity) (map[string]secret.Text, error) {
	plain, err := sops.Decrypt(ciphertext, []agekey.Identity{by}, sops.Options{})
	if err != nil {
		return nil, err
	}
	doc, err := dotenv.Parse(plain.Text, dotenv.Compose)
	if err != nil {
		return nil, errors.New("what is in the bundle is no env text")
	}
	return doc.Entries(), nil
}

// opens lists the services whose bundle opens to an identity. An error is something
// else than that one does not open.
func (f fleet) opens(by agekey.Identity) (services []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(f.services)) {
		switch _, err := opened(f.services[name].Ciphertext, by); {
		case err == nil:
			services = append(services, name)
		case !errors.Is(err, agekey.ErrNoMatch):
			return nil, fmt.Errorf("the bundle of %s: %w", name, err)
		}
	}
	return services, nil
}

// holdsValues is an error unless every bundle opens to every one of these and to its
// key, and holds exactly what was written, and each script in the account is the one
// of the state.
func (d *drill) holdsValues(people ...agekey.Identity) error {
	if len(d.now.services) != d.options.services+1 {
		return fmt.Errorf("the state has %d services, and %d were made", len(d.now.services), d.options.services+1)
	}
	if d.now.deposed != 0 {
		return fmt.Errorf("%d old objects are left in the state", d.now.deposed)
	}
	if got := len(d.account.Scripts()); got != len(d.now.services) {
		return fmt.Errorf("the account has %d scripts, and the state has %d", got, len(d.now.services))
	}
	for name, s := range d.now.services {
		key, err := d.now.identity(sealedBy(name), people[0])
		if err != nil {
			return fmt.Errorf("the key of %s can't be unwrapped: %w", name, err)
		}
		for _, by := range append([]agekey.Identity{key}, people...) {
			got, err := opened(s.Ciphertext, by)
			if err != nil {
				return fmt.Errorf("the bundle of %s: %w", name, err)
			}
			if !maps.EqualFunc(got, d.values[name], secret.Text.Equal) {
				return fmt.Errorf("the bundle of %s does not hold what was written", name)
			}
		}
		script, there := d.account.Script(s.scriptID)
		if !there || script.Name != name {
			return fmt.Errorf("the script of %s is not in the account", name)
		}
	}
	return nil
}
