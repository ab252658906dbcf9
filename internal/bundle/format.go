package bundle

import (
	"slices"

	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// Format is the form of a bundle's ciphertext.
type Format string

// The formats that are written, and SOPSINI.
const (
	SOPSDotenv     Format = "sops_dotenv"
	SOPSBinary     Format = "sops_binary"
	SOPSYAML       Format = "sops_yaml"
	SOPSJSON       Format = "sops_json"
	SOPSKubernetes Format = "sops_kubernetes"
	AgeDotenv      Format = "age_dotenv"
	AgeFiles       Format = "age_files"

	// SOPSINI is only read: what the sops command makes of an INI file.
	SOPSINI Format = "sops_ini"
)

// inside is what a format encrypts.
type inside int

const (
	envText  inside = iota + 1 // one env text, as a whole or entry by entry
	document                   // a YAML or JSON document, value by value
	files                      // a tar with one file per key
	foreign                    // what is only read
)

// formatFacts is what sets a format apart.
type formatFacts struct {
	format     Format
	store      sops.Store // empty for an age file
	inside     inside
	keepsOrder bool   // of the entries, as a person wrote them
	fileName   string // by which a committed bundle is known
	// description says what the bundle is and what opens it, in Markdown.
	description string
}

// formatTable has a line for each format, the default first. The schema and the docs
// describe formats from it. A format that is written has a case in [Seal] too.
var formatTable = []formatFacts{
	{
		SOPSDotenv, sops.Dotenv, envText, true, "*.enc.env",
		"sops' dotenv store; `sops -d` opens it. Names are visible; an entry is one line.",
	},
	{
		SOPSBinary, sops.Binary, envText, true, "*.enc",
		"the whole text in sops' binary store; `sops -d` prints it byte for byte. Names are hidden.",
	},
	{
		SOPSYAML, sops.YAML, document, true, "*.yaml",
		"a YAML document, name to value, whose values are encrypted one by one; `sops -d` opens it. Every value is a text; the order of `dotenv_wo` is kept, comments are dropped. Names are visible.",
	},
	{
		SOPSJSON, sops.JSON, document, true, "*.json",
		"the same as a JSON document.",
	},
	{
		SOPSKubernetes, sops.YAML, document, false, "*.yaml",
		"the manifest of a Secret, as YAML, for `sops -d … | kubectl apply -f -` and Flux: `kubernetes` names it. The values of `data` are encrypted, and the rest is in clear. **Flux does not check the MAC**: anybody who can write the file can remove, empty or replace entries, and change what is in clear, such as the namespace in which the values can be read.",
	},
	{
		AgeDotenv, "", envText, true, "*.age",
		"the whole text in one armored age file; `age -d` opens it. Names are hidden.",
	},
	{
		AgeFiles, "", files, false, "*.age",
		"a tar with one file per key, of exactly its value, in one armored age file: `age -d FILE | tar -x`. For docker's and compose's `secrets`. Names may be file names, such as `tls.crt`; comments are dropped.",
	},
	{format: SOPSINI, store: sops.INI, inside: foreign},
}

// facts returns the zero value for a format that does not exist.
func (f Format) facts() formatFacts {
	at := slices.IndexFunc(formatTable, func(facts formatFacts) bool { return facts.format == f })
	if at < 0 {
		return formatFacts{}
	}
	return formatTable[at]
}

// Formats lists the formats that are written, the default first.
func Formats() []Format {
	return slices.DeleteFunc(ReadableFormats(), func(f Format) bool { return f.facts().inside == foreign })
}

// ReadableFormats lists all formats that are read.
func ReadableFormats() []Format {
	var all []Format
	for _, facts := range formatTable {
		all = append(all, facts.format)
	}
	return all
}

// Description says what the bundle is and what opens it, in Markdown.
func (f Format) Description() string { return f.facts().description }

// FileName is a pattern for the names of files with such bundles.
func (f Format) FileName() string { return f.facts().fileName }

// HasText reports whether what is inside is one env text.
func (f Format) HasText() bool { return f.facts().inside == envText }

// IsAge reports whether the bundle is an age file.
func (f Format) IsAge() bool { facts := f.facts(); return facts.format != "" && facts.store == "" }

// keepsOrder reports whether what is inside has an order that a person chose.
func (f Format) keepsOrder() bool { return f.facts().keepsOrder }

// isTree reports whether the bundle is a YAML or JSON document, each of whose values is
// encrypted by itself.
func (f Format) isTree() bool { return f.facts().inside == document }

// store is the sops store of a format; empty for those of age.
func (f Format) store() sops.Store { return f.facts().store }

// formatOf is the first format with that store: of a YAML document, not the manifest.
func formatOf(store sops.Store) Format {
	for _, facts := range formatTable {
		if facts.store == store {
			return facts.format
		}
	}
	return ""
}
