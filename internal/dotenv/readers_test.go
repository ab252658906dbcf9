package dotenv_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenvtest"
)

// versions are the real programs behind the readers that are no dialects.
var versions = map[dotenv.Reader][]dotenvtest.Reader{
	dotenv.Node:   {dotenvtest.Node16, dotenvtest.Node, dotenvtest.NodeEnvFile},
	dotenv.Next:   {dotenvtest.Next, dotenvtest.Expand10, dotenvtest.Expand1000},
	dotenv.Python: {dotenvtest.Python, dotenvtest.NewerPython},
	dotenv.PHP:    {dotenvtest.PHP, dotenvtest.NewerPHP},
	dotenv.Ruby:   {dotenvtest.Ruby3},
	dotenv.Go:     {dotenvtest.Go},
}

// readerSets are what people's files are read by, and how many of a hundred values each
// set holds at least: of those that people have, and of these and nasty ones. Refusing
// more than that is a fault too.
var readerSets = []struct {
	readers        []dotenv.Reader
	realistic, all float64
}{
	{[]dotenv.Reader{"compose"}, 100, 100},
	{[]dotenv.Reader{"compose", "php"}, 100, 100},
	{[]dotenv.Reader{"compose", "ruby"}, 100, 97},
	{[]dotenv.Reader{"compose", "python"}, 98, 94},
	{[]dotenv.Reader{"compose", "go"}, 100, 97},
	{[]dotenv.Reader{"compose", "node"}, 97, 92},
	{[]dotenv.Reader{"compose", "next"}, 96, 87},
	{[]dotenv.Reader{"node"}, 100, 97},
	{[]dotenv.Reader{"next"}, 98, 92},
	{[]dotenv.Reader{"python"}, 98, 95},
	{[]dotenv.Reader{"php"}, 100, 100},
	{[]dotenv.Reader{"ruby"}, 100, 97},
	{[]dotenv.Reader{"go"}, 100, 97},
	{[]dotenv.Reader{"shell", "node"}, 96, 92},
	{[]dotenv.Reader{"docker", "go"}, 29, 13},
	{[]dotenv.Reader{"systemd", "php"}, 96, 90},
	{[]dotenv.Reader{"node", "python", "php", "ruby", "go"}, 89, 79},
	{[]dotenv.Reader{"compose", "systemd", "shell", "node", "next", "python", "php", "ruby", "go"}, 73, 58},
}

// realistic are values as people have them, invented.
func realistic() []string {
	values := []string{
		"", "production", "8080", "0.0.0.0:8080", "true", "noreply@example.com", "en_GB.UTF-8", "Europe/London", "debug,http:trace", "*", "/var/lib/app/data",
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "3f1c2a9e-7d55-4c1e-9a52-0d2b8a4f6c11", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		"base64:1oPjzR0Zc5z6nQv8x3n0bq6w0Xr3sH1kq8yTt2mN5pE=", "glpat-Zx9_kTq2-7WmNsbV4hRc", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy",
		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", "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",
		"postgres://app:s3cr3t@db.internal:5432/app?sslmode=verify-full", "postgres://app:p%40ss%2Fw%23rd@db:5432/app?options=-c%20search_path%3Dapp", "mysql://root:@127.0.0.1:3306/shop", "redis://:Tq7!x@cache:6379/0",
		"amqp://user:pa$$word@mq:5672/%2f", "mongodb+srv://app:a&b=c@cluster0.example.net/?retryWrites=true&w=majority", "https://o123@sentry.example.com/4501?a=1#top", "smtp://user:pa#ss@mail.example.com:587", "sqlite:///C:\\data\\app.db",
		"$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW", "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b0dWRWJTmaaJObG",
		"$6$rounds=5000$saltstring$KqJWpanXZHKq2BOB43TSaYhEWsQ1Lr5QNyPCDH/Tp.6", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "admin:$apr1$ruca84Hq$mbjdMZBAG.KWn7vfN/SNK/", "pbkdf2_sha256$600000$x4K$0qv3cMNkIZAmqGgQ=", "traefik:$$2y$$05$$abcdefghijklmnopqrstuu",
		"correct horse battery staple", "The App", "My App <noreply@example.com>", "Tom & Jerry's", "O'Brien", `She said "hi"`, "100% sure!", "#1 choice", "a # b", "50 $ off", "Price: $9.99", "what?", "~/bin", "a;b|c", "100\u00a0km", "Zo\u00eb", "\u65e5\u672c\u8a9e",
		`{"type":"service_account","project_id":"app","private_key":"-----BEGIN PRIVATE KEY-----\nMIIEvQ==\n-----END PRIVATE KEY-----\n"}`, `{"a":"it's"}`, `["one","two"]`, `{"url":"https://example.com/?a=1&b=2","n":1.5,"t":true}`, `{ "log": { "level": "info" } }`,
		"{\n  \"a\": 1,\n  \"b\": \"x y\"\n}\n", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nq83vZxk=\n-----END PRIVATE KEY-----\n", "-----BEGIN CERTIFICATE-----\nMIIB+TCCAaCg\n-----END CERTIFICATE-----", `-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n`,
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPLs app@example.com", "0 5 * * 1-5", "*/15 * * * *", `C:\Users\app\AppData`, `\\server\share`, `^/api/v[0-9]+/(users|groups)$`, `^[\w.+-]+@\w+\.\w{2,}$`, "-Xmx512m -Dfile.encoding=UTF-8", `--filter "a=b" --name='x'`, "key=value;key2=value2", "a=b=c",
		"%d.%m.%Y %H:%M", "[%level] %msg%n", "[${level}] ${message}", "${APP_NAME}", "Authorization: Bearer abc.def", "line one\nline two\n", "\ttab", " leading", "trailing ", "Server=db;Database=app;User Id=sa;Password=p@ss'w\"d;",
	}
	// Passwords as generators make them.
	rng := rand.New(rand.NewPCG(3, 4))
	for _, alphabet := range []string{
		"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!@#%^&*-_=+", "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#$%&()*+,-.:;<=>?@[]^_{|}~",
		"!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~",
	} {
		for range 5 {
			values = append(values, random(rng, 20, strings.Split(alphabet, "")))
		}
	}
	return values
}

// share is how many of a hundred values a spelling holds.
func share(s dotenv.Codec, values []string) float64 {
	held := 0
	for _, value := range values {
		if s.Holds("K", value) {
			held++
		}
	}
	return 100 * float64(held) / float64(len(values))
}

// What is refused is as little as the rules of the readers allow. Values with a CR,
// which node and ruby can't have, are left out, as is what no reader holds.
func TestReadersHold(t *testing.T) {
	nasty := nasty(4000)
	all := slices.DeleteFunc(slices.Concat(realistic(), pieces, nasty[len(nasty)-300:]), func(value string) bool {
		return dotenv.Compose.CheckValue("K", value) != nil || strings.Contains(value, "\r")
	})
	for _, set := range readerSets {
		s, err := dotenv.NewCodec(set.readers...)
		if err != nil {
			t.Fatal(err)
		}
		people, all := share(s, realistic()), share(s, all)
		t.Logf("%v holds %.1f %% of realistic values, %.1f %% of all", set.readers, people, all)
		if people < set.realistic || all < set.all {
			t.Errorf("%v holds %.1f %% of realistic values and %.1f %% of all, want %.1f and %.1f", set.readers, people, all, set.realistic, set.all)
		}
	}
}

// What is written for compose alone is spelled as most others read it, too.
func TestComposeSharesSpellings(t *testing.T) {
	var doc dotenv.Document
	for i, value := range realistic() {
		doc.Lines = append(doc.Lines, document(fmt.Sprintf("K%05d", i), value).Lines...)
	}
	text, err := doc.Encode(dotenv.Compose)
	if err != nil {
		t.Fatal(err)
	}
	for reader, most := range map[dotenvtest.Reader]int{
		dotenvtest.PHP: 0, dotenvtest.Node: 5, dotenvtest.Python: 4, dotenvtest.Next: 17, dotenvtest.Ruby3: 4, dotenvtest.Go: 0,
	} {
		t.Run(string(reader), func(t *testing.T) {
			got := reader.Read(t, text.Reveal())
			wrong := 0
			for key, value := range reveal(doc) {
				if read, ok := got[key]; !ok || read != value {
					wrong++
				}
			}
			if wrong > most {
				t.Errorf("%d of %d values are read as others, want %d at most", wrong, len(doc.Lines), most)
			}
		})
	}
}

func TestReaders(t *testing.T) {
	t.Parallel() // it waits for other programs
	all := append(realistic(), nasty(4000)...)
	for _, set := range readerSets {
		readers := set.readers
		t.Run(fmt.Sprint(readers), func(t *testing.T) {
			s, err := dotenv.NewCodec(readers...)
			if err != nil {
				t.Fatal(err)
			}
			var doc dotenv.Document
			for i, value := range all {
				if key := fmt.Sprintf("K%05d", i); s.Holds(key, value) {
					doc.Lines = append(doc.Lines, document(key, value).Lines...)
				}
			}
			t.Logf("%d of %d values", len(doc.Lines), len(all))
			text, err := s.Encode(doc)
			if err != nil {
				t.Fatal(err)
			}
			again, err := s.Parse(text)
			if err != nil || !again.Equal(doc) {
				t.Errorf("it is not read back: %v", err)
			}
			for _, reader := range readers {
				for _, version := range versions[reader] {
					t.Run(string(version), func(t *testing.T) { checkVersion(t, version, s, doc) })
				}
				if dialect := dotenv.Dialect(reader); slices.Contains(dotenv.Dialects(), dialect) {
					t.Run(string(dialect), func(t *testing.T) {
						readers := oracles(t, dialect)
						inFiles(t, s, doc, 1500, func(text string, doc dotenv.Document) { checkReadBy(t, readers, text, doc) })
					})
				}
			}
		})
	}
}

// inFiles writes a document in texts of so many lines.
func inFiles(t *testing.T, s dotenv.Codec, doc dotenv.Document, size int, check func(text string, doc dotenv.Document)) {
	t.Helper()
	for lines := range slices.Chunk(doc.Lines, size) {
		part := dotenv.Document{Lines: lines}
		text, err := s.Encode(part)
		if err != nil {
			t.Fatal(err)
		}
		check(text.Reveal(), part)
	}
}

// checkVersion has a real program read what means the document.
func checkVersion(t *testing.T, version dotenvtest.Reader, s dotenv.Codec, doc dotenv.Document) {
	t.Helper()
	size := len(doc.Lines) + 1
	if version == dotenvtest.Expand1000 {
		size = 1000 // the time it takes grows with the square
	}
	inFiles(t, s, doc, size, func(text string, doc dotenv.Document) {
		got := version.Read(t, text)
		wrong := 0
		for _, line := range doc.Lines {
			if value, ok := got[line.Key]; !ok || value != line.Value.Reveal() {
				if wrong++; wrong < 10 {
					i := strings.Index(text, line.Key+"=")
					t.Errorf("%.80q is read as %.80q (%v), want %.80q", text[i:], value, ok, line.Value.Reveal())
				}
			}
		}
		if len(got) != len(doc.Lines) {
			t.Errorf("%d are read of %d, %d wrong", len(got), len(doc.Lines), wrong)
		}
	})
}
