package firstboot

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

var updateSum = flag.Bool("update", false, "write testdata/program.sum")

// python runs a Python program with input and returns its output.
func python(t testing.TB, program, input string, args ...string) string {
	t.Helper()
	cmd := exec.Command(needPython(t), append([]string{"-I", "-S", "-B", "-c", program}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3: %v\n%s", err, stderr.String())
	}
	return string(out)
}

// programSum has the version and the digest of what it was when the version was
// last raised.
const programSum = "testdata/program.sum"

// A box says which program it has by template_version alone.
func TestTemplateVersionIsRaisedWithTheProgram(t *testing.T) {
	source, err := programSource(boxFiles)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s %x\n", TemplateVersion, sha256.Sum256([]byte(source)))
	if *updateSum {
		if err := os.WriteFile(programSum, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(programSum)
	if err != nil {
		t.Fatal(err)
	}
	version, _, _ := strings.Cut(string(want), " ")
	switch {
	case got == string(want):
	case version == TemplateVersion:
		t.Errorf("start.sh.tmpl or box/ has changed. If version %q has been released, raise TemplateVersion. Then run: go test ./internal/firstboot -run TestTemplateVersion -update", version)
	default:
		t.Errorf("TemplateVersion is %q, %s is of %q. Run: go test ./internal/firstboot -run TestTemplateVersion -update", TemplateVersion, programSum, version)
	}
}

func TestProgramIsDeterministic(t *testing.T) {
	first, err := packProgram(boxFiles)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := packProgram(boxFiles); err != nil || again != first {
		t.Errorf("another program (%v)", err)
	}
	for i, line := range strings.Split(first, "\n") {
		if len(line) > base85Columns {
			t.Errorf("line %d has %d characters", i+1, len(line))
		}
		if line == "." || line == ".END" {
			t.Errorf("line %d would end a section", i+1)
		}
	}
}

func TestPackingRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"nothing":            {fstest.MapFS{}, "box/bootstrap.py"},
		"no decoder":         {fstest.MapFS{"box/bootstrap.py": {Data: []byte(importsBase85)}}, "box/ageenv/base85.py"},
		"no place for it":    {fstest.MapFS{"box/bootstrap.py": {}, "box/ageenv/base85.py": {}}, "has no line"},
		"a module with tabs": {fstest.MapFS{"box/bootstrap.py": {Data: []byte(importsBase85)}, "box/ageenv/base85.py": {}, "box/ageenv/a.py": {Data: []byte("if x:\n\ty\n")}}, "box/ageenv/a.py: line 2: a tab"},
	} {
		if _, err := packProgram(tt.files); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// The oracle is Python's own encoder.
func TestBase85(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	texts := []string{"\x00", "\x00\x00\x00\x00", "\xff\xff\xff\xff\xff"}
	for _, size := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 819, 820, 1000, 3 << 10} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(random.UintN(256))
		}
		texts = append(texts, string(data))
	}
	var input strings.Builder
	for _, text := range texts {
		fmt.Fprintf(&input, "%x\n", text)
	}
	want := python(t, "import base64, sys\nfor line in sys.stdin: print(base64.b85encode(bytes.fromhex(line)).decode())", input.String())
	for i, line := range strings.Split(strings.TrimSuffix(want, "\n"), "\n") {
		got := base85([]byte(texts[i]))
		if strings.ReplaceAll(got, "\n", "") != line {
			t.Errorf("%x: got %.60s, want %.60s", texts[i][:min(8, len(texts[i]))], got, line)
		}
		for n, part := range strings.Split(got, "\n") {
			if last := (n+1)*base85Columns >= len(line); !last && len(part) != base85Columns || last && len(line) > 0 && part == "" {
				t.Errorf("line %d has %d characters", n+1, len(part))
			}
		}
	}
}

func TestStripPython(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"comments", "# a\nx = 1  # b\n    # c\ny\n", "x = 1\ny\n"},
		{"not a comment", "x = '#'  # '\ny = \"it's # \\\" #\"  # \"\n", "x = '#'\ny = \"it's # \\\" #\"\n"},
		{"empty lines", "\nif x:\n\n    y\n        z\n", "if x:\n y\n  z\n"},
		{"docstring", "\"\"\"Of a module.\"\"\"\nx\n", "x\n"},
		{"docstring of two lines", "def f():\n    \"\"\"Of a\n\n      # function. \"\"\"\n    x\n", "def f():\n x\n"},
		{"docstring alone", "class A:\n    \"\"\"It.\"\"\"\n\n\nclass B:\n    def f():\n        \"\"\"It.\"\"\"\n    def g():\n        \"\"\"It.\n        \"\"\"\n", "class A:\n pass\nclass B:\n def f():\n  pass\n def g():\n  pass\n"},
		{"annotations", "def f(a: \"x, y\", b: Dict[str, int] = {1: 2}, *, c=\")\", d: int) -> Tuple[int, str]:\n    return a[b:c]\n", "def f(a, b= {1: 2}, *, c=\")\", d):\n return a[b:c]\n"},
		{"annotations over lines", "def f(\n    a: int,\n    b: \"str | None\" = None,\n) -> None:\n    x: int = 1\n", "def f(\n a,\n b= None,\n):\n x: int = 1\n"},
		{"function in a line", "def f(a: int) -> int: return {a: 1}\n", "def f(a): return {a: 1}\n"},
		{"quotes in a docstring", "\"\"\"A \"\" and ''' x.\"\"\"\nx\n", "x\n"},
	} {
		if got, err := stripPython(tt.in); got != tt.want || err != nil {
			t.Errorf("%s: got %q (%v), want %q", tt.name, got, err, tt.want)
		}
	}
	for _, tt := range []struct{ name, in, want string }{
		{"triple quotes", "x = \"\"\"a\"\"\"\n", "line 1: a triple-quoted string"},
		{"single triple quotes", "\n'''a'''\n", "line 2: a triple-quoted string"},
		{"open string", "x = 'a\\\nb'\n", "line 1: a string that goes on"},
		{"tab", "if x:\n\ty\n", "line 2: a tab"},
		{"open docstring", "\"\"\"a\n", "no end"},
	} {
		if got, err := stripPython(tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %q (%v), want %q", tt.name, got, err, tt.want)
		}
	}
}

// sameSyntax reads pairs of texts and compares their syntax trees, the first
// without its docstrings and the annotations of its functions. It prints the names of those that differ.
const sameSyntax = `
import ast, json, sys

def tree(source):
    root = ast.parse(source, feature_version=(3, 6))
    for node in ast.walk(root):
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        body = getattr(node, "body", None)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            body.pop(0)
            if not body and not isinstance(node, ast.Module):
                body.append(ast.Pass())
    return ast.dump(root)

for name, (source, stripped) in json.load(sys.stdin).items():
    if tree(source) != ast.dump(ast.parse(stripped)):
        print(name)
`

func TestStrippedModulesAreTheSamePrograms(t *testing.T) {
	names, err := fs.Glob(boxFiles, "box/*/*.py")
	if err != nil {
		t.Fatal(err)
	}
	pairs := map[string][2]string{}
	for _, name := range append(names, "box/bootstrap.py") {
		source, err := boxFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		stripped, err := readStripped(boxFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		pairs[name] = [2]string{string(source), stripped}
	}
	if len(pairs) < 10 {
		t.Fatalf("only %d files", len(pairs))
	}
	input, err := json.Marshal(pairs)
	if err != nil {
		t.Fatal(err)
	}
	if differ := python(t, sameSyntax, string(input)); differ != "" {
		t.Errorf("stripped, these are other programs:\n%s", differ)
	}
}

// The plan is JSON, and the box reads it as Python.
func TestPlanIsPython(t *testing.T) {
	identity := newIdentity(t)
	p := Params{Name: `a "b" <c> \ é 🔑`, IdentityCommand: `cat '/x' | tr "\n" \\n`, RestartUnits: []string{"a.service"}, BlockMetadata: true}
	for _, name := range hostileNames {
		p.Files = append(p.Files, fileOf(t, identity, "/srv/"+name, ""))
		p.RunAfter = append(p.RunAfter, name)
	}
	made, err := newPlan(p)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jsonText(made)
	if err != nil {
		t.Fatal(err)
	}
	got := python(t, `
import json, sys
text = sys.stdin.buffer.read().decode()
plan = eval(text, {"true": True, "false": False, "null": None, "__builtins__": {}})
print(plan == json.loads(text) and "\n" not in text, plan["name"] == sys.argv[1], len(plan["files"]), len(plan["commands"]))
`, text, p.Name)
	if want := fmt.Sprintf("True True %d %d\n", len(p.Files), len(p.RunAfter)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A payload grows by a quarter, and by the ends of its lines.
func TestPayloadGrowth(t *testing.T) {
	identity := newIdentity(t)
	size := func(n int) (script, payload int) {
		f := fileOf(t, identity, "/f", strings.Repeat("x", n))
		text, err := renderAround("", Params{Files: []File{f}, Identity: secret.New(identity.String())}, identity)
		if err != nil {
			t.Fatal(err)
		}
		return text.Len(), len(f.Payload)
	}
	script0, payload0 := size(0)
	for _, n := range []int{1, 1 << 10, 32 << 10, 1 << 20} {
		script, payload := size(n)
		grown := (payload-payload0)*5/4 + 2
		if limit := grown + grown/base85Columns + 1; script-script0 > limit {
			t.Errorf("%d bytes more take %d characters, more than %d", payload-payload0, script-script0, limit)
		}
	}
}

// pythons are the interpreter of the machine, and the oldest other one that can be
// found: EL 8 has 3.6.
func pythons(t testing.TB) []string {
	t.Helper()
	found := []string{needPython(t)}
	for _, pattern := range []string{os.Getenv("AGEENV_TEST_PYTHON"), "/usr/libexec/platform-python", "/usr/bin/python3.[6-9]", os.Getenv("HOME") + "/.pyenv/versions/3.[6-9].*/bin/python3"} {
		others, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range others {
			if exec.Command(other, "-I", "-S", "-c", "import sys; sys.exit(not (3, 6) <= sys.version_info < (3, 11))").Run() == nil {
				return append(found, other)
			}
		}
	}
	t.Log("no other Python was found (set AGEENV_TEST_PYTHON)")
	return found
}

// In the C locale, as a box has it when it boots.
func TestModules(t *testing.T) {
	for _, interpreter := range pythons(t) {
		version, err := exec.Command(interpreter, "-V").Output()
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.ReplaceAll(strings.TrimSpace(string(version)), " ", ""), func(t *testing.T) {
			cmd := exec.Command(interpreter, "-B", "-W", "error", "-m", "unittest", "discover", "-t", ".", "-s", "tests")
			cmd.Dir = "box"
			cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "\nOK") {
				t.Errorf("%v\n%s", err, out)
			}
			t.Logf("%s", out[max(0, len(out)-120):])
		})
	}
}

// What the commands of every boot load. A module that is slow to load costs each
// boot its time.
func TestImportsOfEveryBoot(t *testing.T) {
	out := python(t, `
import sys
sys.path.insert(0, "box")
before = set(sys.modules)
from ageenv import main
print(" ".join(sorted(set(sys.modules) - before)))
`, "")
	for _, slow := range []string{
		"base64", "collections", "ctypes", "functools", "hashlib", "hmac", "importlib", "json", "re", "socket", "subprocess", "tarfile", "typing",
		"ageenv.reader", "ageenv.untar", "ageenv.verify",
	} {
		if slices.Contains(strings.Fields(out), slow) {
			t.Errorf("%s is loaded: %s", slow, out)
		}
	}
	if !strings.Contains(out, "ageenv.main") {
		t.Errorf("got %s", out)
	}
}
