package rotation

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Stored is a bundle: the secrets in it, and the recipients that can open it.
type Stored struct {
	Bundle     string
	Names      []string
	Recipients []string
}

// ScopeRule says which scopes may read a secret. Name and Bundle are patterns, and a secret
// matches both: * is any text, a slash too, and ? any character.
type ScopeRule struct {
	Name   string
	Bundle string
	Scopes []string
}

// Offender is a secret that somebody can read who may not.
type Offender struct {
	Name   string `json:"name"`
	Bundle string `json:"bundle"`
	Reason string `json:"reason"`
}

// ScopeCompliance says how many of the stored secrets can be read only by who may.
type ScopeCompliance struct {
	Secrets   int        `json:"secrets"` // a secret in two bundles counts twice
	Percent   float64    `json:"percent"` // rounded down to a tenth; 100 if there is no secret
	Offenders []Offender `json:"offenders"`
}

// CompareScopes compares who can read each stored secret with who may. scopes has the
// recipients of each scope. The first rule that matches a secret counts; without one,
// nobody may read it. A recipient of several scopes may read what one of them may.
func CompareScopes(stored []Stored, scopes map[string][]string, rules []ScopeRule) ScopeCompliance {
	c := ScopeCompliance{Offenders: []Offender{}, Percent: 100}
	compiled := compileRules(rules)
	for _, bundle := range stored {
		readers := readersOf(bundle.Recipients, scopes)
		for _, name := range bundle.Names {
			c.Secrets++
			if reason := offence(name, bundle.Bundle, readers, compiled); reason != "" {
				c.Offenders = append(c.Offenders, Offender{name, bundle.Bundle, reason})
			}
		}
	}
	if c.Secrets > 0 {
		c.Percent = percent(c.Secrets-len(c.Offenders), c.Secrets)
	}
	return c
}

// compiledRule is a ScopeRule whose patterns are compiled, for all secrets.
type compiledRule struct {
	name, bundle *regexp.Regexp
	scopes       []string
}

func compileRules(rules []ScopeRule) []compiledRule {
	compiled := make([]compiledRule, len(rules))
	for i, r := range rules {
		compiled[i] = compiledRule{compilePattern(r.Name), compilePattern(r.Bundle), r.Scopes}
	}
	return compiled
}

func compilePattern(pattern string) *regexp.Regexp {
	expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile("(?s)^" + expression + "$")
}

// reader is a recipient that can open a bundle, and the scopes that it is in.
type reader struct {
	recipient string
	scopes    []string
}

func readersOf(recipients []string, scopes map[string][]string) []reader {
	readers := make([]reader, len(recipients))
	for i, recipient := range recipients {
		readers[i].recipient = recipient
		for name, in := range scopes {
			if slices.Contains(in, recipient) {
				readers[i].scopes = append(readers[i].scopes, name)
			}
		}
	}
	return readers
}

// offence says why a secret is an offender, "" if it is none.
func offence(name, bundle string, readers []reader, rules []compiledRule) string {
	at := slices.IndexFunc(rules, func(r compiledRule) bool { return r.name.MatchString(name) && r.bundle.MatchString(bundle) })
	if at < 0 {
		return "no rule matches"
	}
	var open, strangers []string
	for _, r := range readers {
		switch {
		case len(r.scopes) == 0:
			strangers = append(strangers, "a recipient in no scope can read it: "+shownRecipient(r.recipient))
		case !slices.ContainsFunc(r.scopes, func(scope string) bool { return slices.Contains(rules[at].scopes, scope) }):
			open = append(open, r.scopes...)
		}
	}
	slices.Sort(open)
	slices.Sort(strangers)
	var reasons []string
	if len(open) > 0 {
		reasons = append(reasons, "can be read in: "+strings.Join(slices.Compact(open), ", "))
	}
	return strings.Join(append(reasons, strangers...), "; ")
}

// shownRecipient is enough of a recipient to find it: a post-quantum one has 2,000
// characters.
func shownRecipient(recipient string) string {
	const most = 64
	if len(recipient) <= most {
		return recipient
	}
	return recipient[:most] + "…"
}

// markdown is the section of a report.
func (c ScopeCompliance) markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "\n### Scopes\n\n%d of %d secrets are stored as the rules ask: %.1f %%.\n", c.Secrets-len(c.Offenders), c.Secrets, c.Percent)
	if len(c.Offenders) > 0 {
		out.WriteString("\n| name | bundle | reason |\n|---|---|---|\n")
	}
	for _, o := range c.Offenders {
		fmt.Fprintf(&out, "| %s | %s | %s |\n", cell(o.Name), cell(o.Bundle), cell(o.Reason))
	}
	return out.String()
}
