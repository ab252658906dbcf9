package firstboot

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// plan is what the program on the box is told, as a piece of shell that it reads:
// variables, and functions that call a command once for every file, unit and so
// on. Every word in it is quoted.
type plan struct {
	label, nameJSON string
	// variables are NAME=WORD, a line each.
	variables []string
	lists     []planList
}

// planList becomes a function; each element is the words of one call.
type planList struct {
	function string
	calls    [][]string
}

// newPlan makes the plan of Params that were checked.
func newPlan(p Params) (plan, error) {
	fault := func(err error) (plan, error) {
		return plan{}, fmt.Errorf("rendering the first-boot script: %w", err)
	}
	name, err := jsonText(p.Name)
	if err != nil {
		return fault(err)
	}
	label := ""
	if p.Name != "" {
		label = p.Name + ": "
	}
	var out plan
	if out.label, err = quote(label); err != nil {
		return fault(err)
	}
	if out.nameJSON, err = quote(name); err != nil {
		return fault(err)
	}
	every := slices.ContainsFunc(p.Files, func(f File) bool { return f.EveryBoot })
	for _, v := range [][2]string{
		{"version", TemplateVersion},
		{"name_json", name},
		{"label", label},
		{"after", yesNo(len(p.RestartUnits)+len(p.RecreateCompose)+len(p.RunAfter) > 0)},
		{"every", yesNo(every)},
		{"block", yesNo(p.BlockMetadata)},
		{"identity", p.source()},
		{"identity_file", p.IdentityFile},
		// A percent sign begins a specifier in a unit file.
		{"identity_unit", strings.ReplaceAll(p.IdentityFile, "%", "%%")},
		{"identity_command", p.IdentityCommand},
	} {
		word, err := quote(v[1])
		if err != nil {
			return fault(err)
		}
		out.variables = append(out.variables, v[0]+"="+word)
	}
	files := planList{function: "each_file"}
	for i, f := range p.Files {
		words, err := f.words(i + 1)
		if err != nil {
			return fault(err)
		}
		files.calls = append(files.calls, words)
	}
	out.lists = append(out.lists, files)
	for _, l := range []struct {
		function string
		words    []string
	}{{"each_unit", p.RestartUnits}, {"each_compose", p.RecreateCompose}, {"each_command", p.RunAfter}} {
		list := planList{function: l.function}
		for _, word := range l.words {
			quoted, err := quote(word)
			if err != nil {
				return fault(err)
			}
			list.calls = append(list.calls, []string{quoted})
		}
		out.lists = append(out.lists, list)
	}
	return out, nil
}

// words are what the program gets of a file; see each_file in box/common.sh.
func (f File) words(n int) ([]string, error) {
	mode, err := strconv.ParseUint(f.Mode, 8, 16)
	if err != nil {
		return nil, fmt.Errorf("mode %q is not octal", f.Mode)
	}
	layout, dirMode := LayoutFile, ""
	if f.Layout == LayoutDirectory {
		// Whoever may read a file may enter the directory.
		layout, dirMode = f.Layout, fmt.Sprintf("%04o", mode|mode&0o444>>2)
	}
	status, err := jsonText(struct {
		Path   string `json:"path"`
		Layout Layout `json:"layout"`
		Owner  string `json:"owner"`
		Group  string `json:"group"`
		Mode   string `json:"mode"`
		Digest string `json:"source_digest"`
	}{f.Path, layout, f.Owner, f.Group, fmt.Sprintf("%04o", mode), f.SourceDigest})
	if err != nil {
		return nil, err
	}
	// Prometheus escapes as JSON does, of what a path may hold.
	label, err := jsonText(f.Path)
	if err != nil {
		return nil, err
	}
	words := []string{
		strconv.Itoa(n), f.Path, f.Owner, f.Group, fmt.Sprintf("%04o", mode), dirMode, yesNo(f.EveryBoot),
		strings.TrimSuffix(strings.TrimPrefix(status, "{"), "}"),
		string(cmp.Or(f.Exposure, ExposureFile)),
		fmt.Sprintf("path=%s,source_digest=%q", label, f.SourceDigest),
	}
	for i, word := range words {
		if words[i], err = quote(word); err != nil {
			return nil, err
		}
	}
	return words, nil
}

func (p plan) text() string {
	var out strings.Builder
	out.WriteString(strings.Join(p.variables, "\n") + "\n")
	for _, l := range p.lists {
		fmt.Fprintf(&out, "%s() {\n\t:\n", l.function)
		for _, words := range l.calls {
			fmt.Fprintf(&out, "\t\"$1\" %s\n", strings.Join(words, " "))
		}
		out.WriteString("}\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// source is where the box has the identity from, in the plan's words.
func (p Params) source() string {
	switch {
	case p.IdentityFile != "":
		return "file"
	case p.IdentityCommand != "":
		return "command"
	}
	return "travels"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
