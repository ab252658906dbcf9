package firstboot

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// plan is what the program on the box is told, as one line of JSON. The program
// reads it as Python does, since loading a JSON parser takes longer than all the
// rest: a number, a string and a list are the same in both.
type plan struct {
	Version         string     `json:"version"`
	Name            string     `json:"name"`
	Files           []planFile `json:"files"`
	Identity        string     `json:"identity"`
	IdentityFile    string     `json:"identity_file"`
	IdentityCommand string     `json:"identity_command"`
	BlockMetadata   bool       `json:"block_metadata"`
	Units           []string   `json:"units"`
	Compose         []string   `json:"compose"`
	Commands        []string   `json:"commands"`
	// MetadataUnits are units that may ask the metadata service.
	MetadataUnits []string `json:"metadata_units"`
	// UserScript is in the plan, and not a part of the script of its own, since the
	// box keeps the plan: files that have to wait may come at a later boot.
	UserScript string `json:"user_script"`
}

type planFile struct {
	Path  string `json:"path"`
	Owner string `json:"owner"`
	Group string `json:"group"`
	// Mode and DirMode have four octal digits. DirMode is a directory's own mode,
	// and empty for a file.
	Mode         string   `json:"mode"`
	DirMode      string   `json:"dir_mode"`
	EveryBoot    bool     `json:"every_boot"`
	Exposure     Exposure `json:"exposure"`
	SourceDigest string   `json:"source_digest"`
	Layout       Layout   `json:"layout"`
	// Payload names what the payload is kept under, by its bytes: wherever an upgrade is
	// cut off, no plan finds the payload of another.
	Payload string `json:"payload"`
}

// newPlan makes the plan of Params that were checked.
func newPlan(p Params) (plan, error) {
	out := plan{
		Version: TemplateVersion, Name: p.Name,
		Identity: p.source(), IdentityFile: p.IdentityFile, IdentityCommand: p.IdentityCommand,
		BlockMetadata: p.BlockMetadata,
		// Never nil, which would be null.
		Units: append([]string{}, p.RestartUnits...), Compose: append([]string{}, p.RecreateCompose...),
		Commands: append([]string{}, p.RunAfter...), MetadataUnits: append([]string{}, p.MetadataUnits...),
		UserScript: p.UserScript,
	}
	for _, f := range p.Files {
		mode, err := strconv.ParseUint(f.Mode, 8, 16)
		if err != nil {
			return plan{}, fmt.Errorf("rendering the first-boot script: mode %q is not octal", f.Mode)
		}
		file := planFile{
			Path: f.Path, Owner: f.Owner, Group: f.Group, Mode: fmt.Sprintf("%04o", mode), EveryBoot: f.EveryBoot,
			Exposure: cmp.Or(f.Exposure, ExposureFile), SourceDigest: f.SourceDigest, Layout: cmp.Or(f.Layout, DefaultLayout),
			Payload: fmt.Sprintf("%x", sha256.Sum256(f.Payload))[:32],
		}
		if file.Layout == LayoutDirectory {
			// A user who may read a file may enter the directory.
			file.DirMode = fmt.Sprintf("%04o", mode|mode&0o444>>2)
		}
		out.Files = append(out.Files, file)
	}
	return out, nil
}

// jsonText returns v as JSON on one line. HTML's characters stay as they are: a
// path is read by people, too.
func jsonText(v any) (string, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("rendering the first-boot script: %w", err)
	}
	return strings.TrimSuffix(buf.String(), "\n"), nil
}

// source is where the box gets the identity from, in the plan's words.
func (p Params) source() string {
	switch {
	case p.IdentityFile != "":
		return "file"
	case p.IdentityCommand != "":
		return "command"
	}
	return "travels"
}
