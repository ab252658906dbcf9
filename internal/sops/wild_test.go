package sops_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// wildFile is a file as its users have it.
type wildFile struct {
	file, text string
	weak       bool              // some of it is not authenticated
	entries    map[string]string // some of them
	none       string            // why there are no entries
	warns      string            // of these entries
	panics     string            // the text, where sops fails to print what it encrypted
}

var wild = map[string]wildFile{
	"rails, database.yml": {file: "database.yml", text: `# SQLite. Versions 3.8.0 and up are supported.
default: &default
  adapter: postgresql
  encoding: unicode
  # For details on connection pooling, see Rails configuration guide
  pool: 5

development:
  <<: *default
  database: app_development

production:
  <<: *default
  database: app_production
  pool: 20
  password: canary-rails
`, entries: map[string]string{"default.adapter": "postgresql", "production.adapter": "postgresql", "production.pool": "20", "development.pool": "5", "production.password": "canary-rails"}},
	"compose, extension fields": {file: "compose.yaml", text: `x-logging: &default-logging
  driver: json-file
  options:
    max-size: 10m # per file
x-db: &db
  DB_HOST: db
  DB_PASSWORD: canary-compose
  PORT: 1
x-mail: &mail
  MAIL_HOST: mail
  PORT: 2
services:
  web:
    image: app:1.2
    logging: *default-logging
    environment:
      <<: [*db, *mail]
      ROLE: web
  worker:
    image: app:1.2
    logging: *default-logging # as web
    environment:
      <<: *db # no mail
      ROLE: worker
`, entries: map[string]string{"services.web.logging.options.max-size": "10m", "services.web.environment.DB_PASSWORD": "canary-compose", "services.web.environment.PORT": "1", "services.worker.environment.DB_HOST": "db"}},
	"merges of merges": {file: "a.yml", text: `a: &a {A: one, B: one, deep: {X: one, Y: one}}
b: &b
  <<: *a
  B: two
  C: two
d:
  deep: {Z: three}
  <<: [*b, {A: other, D: four}]
  E: five
`, entries: map[string]string{"d.A": "one", "d.B": "two", "d.C": "two", "d.D": "four", "d.E": "five", "d.deep.Z": "three", "b.deep.X": "one"}},
	"a merge at the top":          {file: "a.yaml", text: "base: &base {A: one, B: two}\n<<: *base\nB: three\n", entries: map[string]string{"A": "one", "B": "three", "base.B": "two"}},
	"a merge of nothing":          {file: "a.yaml", text: "base: &base {}\nover:\n  <<: *base\n  A: one\n", weak: true, entries: map[string]string{"over.A": "one"}},
	"the merge key as a value":    {file: "a.yaml", text: "a: \"<<\"\nl: [<<, x]\n", entries: map[string]string{"a": "<<", "l.0": "<<"}},
	"the merge key in quotes":     {file: "a.yaml", text: "over:\n  \"<<\": {A: one}\n", entries: map[string]string{"over.A": "one"}},
	"clear names that are merged": {file: "a.yaml", text: "base: &base\n  A_unencrypted: one\nmore:\n  <<: *base\n  B: canary\n", weak: true, entries: map[string]string{"more.A_unencrypted": "one"}},
	"scalar aliases": {file: "a.yaml", text: `password: &pw canary-alias
replica:
  password: *pw
*pw : as a name
list: [*pw, &n 5, *n]
`, entries: map[string]string{"replica.password": "canary-alias", "canary-alias": "as a name", "list.0": "canary-alias", "list.2": "5"}},
	"gitlab, lists in lists": {file: ".gitlab-ci.yml", text: `.defaults: &defaults
  image: ruby
  before_script: &before
    - bundle install
    - export TOKEN=canary
test:
  <<: *defaults
  before_script:
    - *before # the usual
    - rake
`, entries: map[string]string{"test.before_script.0.0": "bundle install", "test.before_script.1": "rake", "test.image": "ruby"}},
	"composer, an empty name":  {file: "composer.json", text: `{"autoload": {"psr-4": {"": "src/", "App\\": "app/"}}, "token": "canary"}`, none: "autoload.psr-4: a name inside it is empty"},
	"an empty name":            {file: "a.yaml", text: "\"\": canary\nA: x\n", none: "line 1: a name on the way to this value is empty"},
	"an empty name above":      {file: "a.yaml", text: "\"\":\n  A: canary\nA: x\n", none: "line 2, A: a name on the way to this value is empty"},
	"names that flatten alike": {file: "a.yaml", text: "a.b: one\na:\n  b: two\n", none: "line 3, a.b: two values have this name once the names that stand inside one another are joined by dots (the other one is in line 1): rename one"},
	"flattened alike by index": {file: "a.json", text: `{"a": ["one"], "a.0": "two"}`, none: "a.0: two values have this name"},
	"ini, flattened alike":     {file: "a.ini", text: "[a]\nb.c = 1\n[a.b]\nc = 2\n", none: "a.b.c: two values have this name"},
	"php.ini, comment blocks": {file: "php.ini", text: `[PHP]

; PHP's initialization file, generally called php.ini, is responsible for
; configuring many of the aspects of PHP's behavior.
# Default Value: On
display_errors = Off
memory_limit = 128M

; Session handling
; https://php.net/session.save-handler
[Session]
session.save_handler = redis
; Where it is

; and with which password
session.save_path = "tcp://redis:6379?auth=canary"
`, entries: map[string]string{"PHP.display_errors": "Off", "Session.session.save_path": "tcp://redis:6379?auth=canary"}},
	"my.cnf, an empty line in a comment": {file: "my.ini", text: `# The MySQL database server configuration file.
#
# One can use all long options that the program supports.
[mysqld]
#
# * Basic Settings
#
user = mysql
password = canary
`, entries: map[string]string{"mysqld.user": "mysql", "mysqld.password": "canary"}, panics: `; The MySQL database server configuration file.
#
# One can use all long options that the program supports.
[mysqld]
;
# * Basic Settings
#
user     = mysql
password = canary
`},
	"python, DEFAULT":            {file: "app.ini", text: "; all hosts\n; have these\n[DEFAULT]\nalive = 45\n\n[forge.example]\nuser = hg\nkey = canary\n", entries: map[string]string{"alive": "45", "forge.example.user": "hg"}},
	"python, True":               {file: "app.ini", text: "[app]\ndebug = True\nproxy = False\nkey = canary\n", entries: map[string]string{"app.debug": "True", "app.proxy": "False"}, warns: "app.debug; app.proxy"},
	"json, True":                 {file: "a.json", text: `{"DEBUG": "True", "PROXY": "False", "ON": true, "L": ["True"], "N": "true"}`, entries: map[string]string{"DEBUG": "True", "PROXY": "False", "ON": "true", "L.0": "True", "N": "true"}, warns: "DEBUG; PROXY; L.0"},
	"yaml, True":                 {file: "a.yaml", text: "DEBUG: \"True\"\nON: true\nOFF: no\n", entries: map[string]string{"DEBUG": "True", "ON": "true"}, warns: "line 1, DEBUG"},
	"symfony, names with colons": {file: "a.yaml", text: "scripts:\n  cache:clear: canary\n  cache: {clear: other}\n", weak: true, entries: map[string]string{"scripts.cache:clear": "canary", "scripts.cache.clear": "other"}},
	"laravel, export": {file: ".env", text: `APP_NAME=Laravel
export APP_KEY=base64:canary
 DB_HOST=127.0.0.1
DB_PASSWORD =canary
foo-bar=1
a.b=2
3D=on
A:B=c
é=accent
+x=1
=no name
`, entries: map[string]string{"APP_NAME": "Laravel", "APP_KEY": "base64:canary", "DB_HOST": "127.0.0.1", "DB_PASSWORD": "canary", "foo-bar": "1", "a.b": "2"}},
}

// Files that people have give the text that sops gives, in both releases, and the
// entries that its text has to a YAML, JSON or INI parser.
func TestWildFiles(t *testing.T) {
	id := x25519(t)
	for release, c := range releases {
		for name, tt := range wild {
			t.Run(release+"/"+name, func(t *testing.T) {
				c := c(t)
				sealed := c.encrypted(t, tt.file, tt.text, id)
				want, err := c.with(t, id).run(t, "-d", c.file(t, "sealed-"+tt.file, sealed))
				if (err != nil) != (tt.panics != "") {
					t.Fatal(err)
				}
				if tt.panics != "" {
					want = tt.panics
				}
				plain, err := sops.Decrypt(sealed, []agekey.Identity{id}, sops.Options{AllowUnauthenticated: tt.weak})
				if err != nil {
					t.Fatalf("%v\n%s", err, sealed)
				}
				tt.checkText(t, release, plain.Text.Reveal(), want)
				tt.checkEntries(t, plain, want)
				_, err = sops.Decrypt(sealed, []agekey.Identity{id}, sops.Options{})
				if errors.Is(err, sops.ErrUnauthenticated) != tt.weak {
					t.Errorf("read strictly: %v", err)
				}
			})
		}
	}
}

func (f wildFile) checkText(t *testing.T, release, got, want string) {
	t.Helper()
	if release == "oldest" {
		// It writes no line break after JSON, and no tag of a merge key.
		want = strings.ReplaceAll(strings.TrimSuffix(want, "\n")+"\n", `"<<"`, "!!merge <<")
	}
	if f.panics != "" {
		got = strings.NewReplacer("; \n", ";\n", "# \n", "#\n").Replace(got)
	}
	if got != want {
		t.Errorf("the text is\n%s\nand sops gives\n%s", got, want)
	}
}

// warning is that of texts that could be truth values.
func (f wildFile) warning() string {
	if f.warns == "" {
		return ""
	}
	return f.warns + ": this is the text True or False. sops encrypts such a text as it does a truth value, and does not authenticate the type: " +
		"anybody who can write the file can turn one into the other, which reads true or false"
}

func (f wildFile) checkEntries(t *testing.T, plain sops.Plain, want string) {
	t.Helper()
	if got, want := strings.Join(plain.Warnings, "\n"), f.warning(); got != want {
		t.Errorf("the warnings are %q, want %q", got, want)
	}
	if f.none != "" {
		if plain.Entries != nil || plain.NoEntries == nil || !strings.Contains(plain.NoEntries.Error(), f.none) {
			t.Errorf("entries %q, because %v, want %q", entriesOf(plain), plain.NoEntries, f.none)
		}
		return
	}
	got := entriesOf(plain)
	for name, value := range f.entries {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
	if !strings.HasSuffix(f.file, ".env") {
		if want := flattened(t, f.file, want); !maps.Equal(got, want) {
			t.Errorf("the entries are %q, want %q", got, want)
		}
	}
	for _, key := range plain.Metadata.Keys {
		if _, ok := got[key]; !ok {
			t.Errorf("the metadata shows %q, and it is no entry", key)
		}
	}
	if len(plain.Metadata.Keys) != len(got) {
		t.Errorf("the metadata shows %q", plain.Metadata.Keys)
	}
}

// A file that was cut off anywhere gives nothing, or what it gave as a whole.
func TestCutOffFiles(t *testing.T) {
	c, id := realSOPS(t), x25519(t)
	ids := []agekey.Identity{id}
	for name, tt := range wild {
		t.Run(name, func(t *testing.T) {
			sealed := c.encrypted(t, tt.file, tt.text, id)
			store, _ := sops.Detect(sealed)
			options := sops.Options{Store: store, AllowUnauthenticated: true}
			whole, err := sops.Decrypt(sealed, ids, options)
			if err != nil {
				t.Fatal(err)
			}
			for end := 0; end < len(sealed); end += 7 {
				plain, err := sops.Decrypt(sealed[:end], ids, options)
				if err != nil && (!plain.Text.IsEmpty() || plain.Entries != nil) {
					t.Fatalf("of %d bytes something came back beside an error", end)
				}
				if err == nil && (plain.Text.Reveal() != whole.Text.Reveal() || !maps.Equal(entriesOf(plain), entriesOf(whole))) {
					t.Errorf("of %d bytes it gives %q", end, plain.Text.Reveal())
				}
				if err != nil {
					isClean(t, []string{err.Error()}, "canary")
				}
			}
		})
	}
}
