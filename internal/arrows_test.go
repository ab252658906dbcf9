// Package internal_test pins who may import whom. The layout stands on it: the
// packages below the provider are read, tested and reused without Terraform.
package internal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ageenv/terraform-provider-ageenv"

// arrows are the module's packages that each package's shipped code may import,
// without internal/secret and internal/charset, which all may. A package that is not
// here fails the test until somebody has said where it belongs.
var arrows = map[string][]string{
	"":                               {"internal/provider", "internal/process", "internal/ageplugin"},
	"internal/provider":              {"internal/bundle", "internal/firstboot", "internal/agekey", "internal/vultr", "internal/dotenv", "internal/process", "internal/rotation", "internal/regularfile"},
	"internal/bundle":                {"internal/sops", "internal/agekey", "internal/dotenv", "internal/plaintar", "internal/rotation"},
	"internal/sops":                  {"internal/dotenv", "internal/agekey"},
	"internal/agekey":                {"internal/regularfile", "internal/ageplugin"},
	"internal/ageplugin":             {"internal/process"},
	"internal/charset":               {},
	"internal/dotenv":                {},
	"internal/dotenvtest":            {},
	"internal/firstboot":             {"internal/plaintar"},
	"internal/process":               {},
	"internal/agekey/agekeytest":     {"internal/agekey", "internal/ageplugin"},
	"internal/agekey/agevectors":     {},
	"internal/plaintar":              {},
	"internal/regularfile":           {},
	"internal/rotation":              {},
	"internal/secret":                {},
	"internal/vultr":                 {},
	"internal/vultrsim":              {},
	"internal/vultrsim/cmd/vultrsim": {"internal/vultrsim"},
}

// knowTerraform are the only packages with the plugin libraries, tests included.
// The last two are for tests, and never shipped: they play other people's providers.
var knowTerraform = []string{"", "internal/provider", "test/standin", "test/vultrschema"}

const (
	pluginLibraries = "github.com/hashicorp/terraform-plugin-"
	govultr         = "github.com/vultr/govultr"
)

// notShipped begin the paths of packages that only tests and demonstrations may
// use: what main imports, at any depth, is in every user's binary.
var notShipped = []string{
	"c2sp.org/CCTV/",
	"github.com/compose-spec/compose-go/",
	"github.com/docker/cli/",
	"github.com/hashicorp/hc-install",
	"github.com/hashicorp/terraform-exec",
	"github.com/hashicorp/terraform-plugin-testing",
	module + "/internal/agekey/agekeytest",
	module + "/internal/agekey/agevectors",
	module + "/internal/dotenvtest",
	module + "/internal/vultrsim",
	module + "/test/",
	module + "/tools/",
}

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// name is the path within the module; empty for main.
func (p pkg) name() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/") }

// ours reports whether the layout covers the package: main and internal/….
func (p pkg) ours() bool {
	return p.ImportPath == module || strings.HasPrefix(p.ImportPath, module+"/internal/")
}

// broken returns the imports that break the layout, a line each.
func broken(packages []pkg) (faults []string) {
	fault := func(p pkg, imported, why string) {
		faults = append(faults, fmt.Sprintf("%s imports %s: %s", p.ImportPath, imported, why))
	}
	for _, p := range packages {
		tests := slices.Concat(p.TestImports, p.XTestImports)
		for _, imported := range slices.Concat(p.Imports, tests) {
			if strings.HasPrefix(imported, govultr) && p.name() != "internal/vultr" &&
				!(p.name() == "internal/vultrsim" && !slices.Contains(p.Imports, imported)) {
				fault(p, imported, "only internal/vultr and the tests of internal/vultrsim know govultr")
			}
			if strings.HasPrefix(imported, pluginLibraries) && !slices.Contains(knowTerraform, p.name()) {
				fault(p, imported, "only the provider knows Terraform, and test/vultrschema")
			}
		}
		allowed, placed := arrows[p.name()]
		if p.ours() && !placed && len(p.Imports) > 0 {
			faults = append(faults, p.ImportPath+" is not in this test's table: say what it may import")
		}
		for _, imported := range p.Imports {
			to, inModule := strings.CutPrefix(imported, module+"/")
			if placed && inModule && to != "internal/secret" && to != "internal/charset" && !slices.Contains(allowed, to) {
				fault(p, imported, "there is no such arrow in the layout")
			}
		}
	}
	return faults
}

// smuggled returns those of main's dependencies that are for tests.
func smuggled(dependencies []pkg) (faults []string) {
	for _, p := range dependencies {
		for _, start := range notShipped {
			if strings.HasPrefix(p.ImportPath, start) {
				faults = append(faults, p.ImportPath+" is for tests, and main depends on it")
			}
		}
	}
	return faults
}

func goList(t *testing.T, args ...string) (packages []pkg) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Imports,TestImports,XTestImports"}, args...)...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages
		case err != nil:
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestArrows(t *testing.T) {
	packages := goList(t, "./...")
	for _, fault := range broken(packages) {
		t.Error(fault)
	}
	for name := range arrows {
		if !slices.ContainsFunc(packages, func(p pkg) bool { return p.ours() && p.name() == name }) {
			t.Errorf("the table has %q, and there is no such package", name)
		}
	}
}

func TestNothingForTestsIsShipped(t *testing.T) {
	dependencies := goList(t, "-deps", ".")
	if !slices.ContainsFunc(dependencies, func(p pkg) bool { return p.name() == "internal/secret" && p.ours() }) {
		t.Fatal("the list of main's dependencies is not whole")
	}
	for _, fault := range smuggled(dependencies) {
		t.Error(fault)
	}
}

func TestArrowsAreFoundBroken(t *testing.T) {
	at := func(name string) string { return module + "/internal/" + name }
	plugin, client := pluginLibraries+"framework/types", govultr+"/v3"
	for name, tt := range map[string]struct {
		pkg    pkg
		faults int
	}{
		"the way it is":                {pkg{ImportPath: at("bundle"), Imports: []string{"fmt", at("sops"), at("secret")}}, 0},
		"upward":                       {pkg{ImportPath: at("agekey"), Imports: []string{at("bundle")}}, 1},
		"sideways":                     {pkg{ImportPath: at("vultr"), Imports: []string{at("agekey")}}, 1},
		"main past the provider":       {pkg{ImportPath: module, Imports: []string{at("agekey")}}, 1},
		"the simulator, shipped":       {pkg{ImportPath: at("provider"), Imports: []string{at("vultrsim")}}, 1},
		"the simulator, in a test":     {pkg{ImportPath: at("provider"), Imports: []string{"fmt"}, XTestImports: []string{at("vultrsim")}}, 0},
		"Terraform below":              {pkg{ImportPath: at("bundle"), Imports: []string{plugin}}, 1},
		"Terraform below, in a test":   {pkg{ImportPath: at("bundle"), Imports: []string{"fmt"}, TestImports: []string{plugin}}, 1},
		"Terraform in the provider":    {pkg{ImportPath: at("provider"), Imports: []string{plugin}}, 0},
		"Terraform in vultrschema":     {pkg{ImportPath: module + "/test/vultrschema", Imports: []string{plugin}}, 0},
		"Terraform in the stand-in":    {pkg{ImportPath: module + "/test/standin", Imports: []string{plugin}}, 0},
		"Terraform in a demonstration": {pkg{ImportPath: module + "/test/demo", Imports: []string{plugin}}, 1},
		"govultr in the provider":      {pkg{ImportPath: at("provider"), Imports: []string{client}}, 1},
		"govultr in provider's tests":  {pkg{ImportPath: at("provider"), Imports: []string{"fmt"}, XTestImports: []string{client}}, 1},
		"govultr in the simulator":     {pkg{ImportPath: at("vultrsim"), Imports: []string{client}}, 1},
		"govultr in simulator's tests": {pkg{ImportPath: at("vultrsim"), XTestImports: []string{client}}, 0},
		"govultr in vultr":             {pkg{ImportPath: at("vultr"), Imports: []string{client}}, 0},
		"a package without a place":    {pkg{ImportPath: at("utils"), Imports: []string{"fmt"}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if faults := broken([]pkg{tt.pkg}); len(faults) != tt.faults {
				t.Errorf("got %d faults, want %d: %q", len(faults), tt.faults, faults)
			}
		})
	}
	for _, path := range []string{
		"c2sp.org/CCTV/age", "github.com/compose-spec/compose-go/v2/dotenv", "github.com/hashicorp/hc-install/product",
		"github.com/hashicorp/terraform-plugin-testing/echoprovider", at("vultrsim"), module + "/test/demo", module + "/test/vultrschema",
	} {
		if len(smuggled([]pkg{{ImportPath: path}})) != 1 {
			t.Errorf("%s would be shipped", path)
		}
	}
	for _, path := range []string{"fmt", "github.com/hashicorp/terraform-plugin-go/tfprotov6", at("vultr")} {
		if faults := smuggled([]pkg{{ImportPath: path}}); len(faults) != 0 {
			t.Error(faults)
		}
	}
}
