package firstboot

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// What systemd allows in a unit's name, with the type in full: "app" alone would
// be read as app.service by some of its commands and not by others.
var unitName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_.:@\\][A-Za-z0-9_.:@\\-]*\.(service|socket|target|timer|path|mount|slice)$`)
})

// CheckUnit reports why s cannot be restarted as a systemd unit.
func CheckUnit(s string) error {
	switch {
	case !unitName().MatchString(s) || len(s) > maxNameBytes:
		return fmt.Errorf("%q is not the name of a systemd unit: write it in full, as app.service", s)
	case strings.HasPrefix(s, "cloud-"):
		return fmt.Errorf("%q runs the script: it cannot be restarted by it", s)
	case strings.HasPrefix(s, "ageenv"):
		return fmt.Errorf("%q is the script's own", s)
	}
	return nil
}

// What sends packets: other types of units have no processes of their own.
var sendingUnit = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\.(service|socket|mount|slice|scope)$`) })

// CheckMetadataUnit reports why s cannot be a unit that may ask the metadata service.
func CheckMetadataUnit(s string) error {
	switch {
	case !unitName().MatchString(strings.Replace(s, ".scope", ".slice", 1)) && s != "-.slice" || len(s) > maxNameBytes:
		return fmt.Errorf("%q is not the name of a systemd unit: write it in full, as bird.service", s)
	case !sendingUnit().MatchString(s):
		return fmt.Errorf("%q has no processes of its own: name the service", s)
	case s == "-.slice" || s == "system.slice" || s == "user.slice":
		return fmt.Errorf("%q holds nearly everything on the box: name the service", s)
	case strings.HasPrefix(s, "cloud-"):
		return fmt.Errorf("%q reaches the metadata service anyway: leave it out", s)
	}
	return nil
}

// maxCommandBytes keeps a command in one line of the plan, and a script small.
const maxCommandBytes = 1000

// CheckCommand reports why s cannot be run by a shell. It is one line, which is
// shown if it fails.
func CheckCommand(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return errors.New("is empty: write a shell command, or leave it out")
	case !utf8.ValidString(s):
		return errors.New("is not UTF-8: write it in UTF-8")
	case len(s) > maxCommandBytes:
		return fmt.Errorf("is %d bytes long: the limit is %d; put it into a script in the image", len(s), maxCommandBytes)
	}
	return checkPrints(s)
}

// CheckDirectory reports why p cannot be the directory of a docker compose
// project.
func CheckDirectory(p string) error {
	if p == "/" {
		return errors.New(`"/" is the root directory: name the directory of a compose project`)
	}
	return CheckPath(p)
}

// listCheck is a list of texts, and what each must pass.
type listCheck struct {
	field   string
	texts   []string
	refused func(string) error
}

// lists are what follows when a file has changed.
func (p Params) lists() []listCheck {
	return []listCheck{
		{"RestartUnits", p.RestartUnits, CheckUnit},
		{"MetadataUnits", p.MetadataUnits, CheckMetadataUnit},
		{"RecreateCompose", p.RecreateCompose, CheckDirectory},
		{"RunAfter", p.RunAfter, CheckCommand},
	}
}
