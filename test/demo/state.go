package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// made is what Terraform's state has of examples/complete.
type made struct {
	recipient string
	wrapped   string // the box's identity, sealed to the operator
	bundle    string
	scriptID  string
	file      placed
}

// placed is where the script puts the file, and whose it is then.
type placed struct {
	Path  string `json:"path"`
	Owner string `json:"owner"`
	Group string `json:"group"`
	Mode  string `json:"mode"`
}

// readState asks Terraform for its state and takes out what the demo looks at.
func (d *demo) readState(ctx context.Context) (made, error) {
	r, err := d.terraform(ctx, []int{0}, "show", "-json")
	if err != nil {
		return made{}, err
	}
	var state struct {
		Values struct {
			RootModule struct {
				Resources []struct {
					Address string          `json:"address"`
					Values  json.RawMessage `json:"values"`
				} `json:"resources"`
			} `json:"root_module"`
		} `json:"values"`
	}
	if err := json.Unmarshal(r.Stdout, &state); err != nil {
		return made{}, errors.New("the state can't be read as JSON")
	}
	var values struct {
		key struct {
			Recipient string `json:"recipient"`
			Wrapped   string `json:"wrapped_identity"`
		}
		bundle struct {
			Ciphertext string `json:"ciphertext"`
		}
		script struct {
			ID    string   `json:"id"`
			Files []placed `json:"files"`
		}
	}
	found := 0
	for _, resource := range state.Values.RootModule.Resources {
		var into any
		switch resource.Address {
		case "ageenv_key.box":
			into = &values.key
		case "ageenv_bundle.app":
			into = &values.bundle
		case "ageenv_vultr_startup_script.app":
			into = &values.script
		default:
			continue
		}
		found++
		if err := json.Unmarshal(resource.Values, into); err != nil {
			return made{}, fmt.Errorf("the state's %s can't be read", resource.Address)
		}
	}
	if found != 3 || len(values.script.Files) != 1 {
		return made{}, errors.New("the state does not have the key, the bundle and the script of examples/complete")
	}
	return made{
		recipient: values.key.Recipient, wrapped: values.key.Wrapped, bundle: values.bundle.Ciphertext,
		scriptID: values.script.ID, file: values.script.Files[0],
	}, nil
}
