package dotenv

import (
	"encoding/base64"
	"errors"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// A base64 value that was broken into two lines, somewhere in its last third, does not
// make a name of its tail.
func TestWrappedValuesAreRefused(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	tried, accepted := 0, 0
	for range 4000 {
		data := make([]byte, []int{32, 47, 64, 100}[random.Intn(4)])
		random.Read(data)
		value := base64.StdEncoding.EncodeToString(data)
		if !strings.HasSuffix(value, "=") {
			continue
		}
		cut := len(value)*2/3 + random.Intn(len(value)/4)
		first, second := value[:cut], value[cut:]
		name := strings.TrimRight(second, "=")
		if len(name) < 8 || Portable.CheckKey(name) != nil {
			continue // it is refused as no name, or is a name by chance that nobody can tell
		}
		tried++
		_, err := Parse(secret.New("A=1\nSECRET="+first+"\n"+second+"\nB=2\n"), Docker)
		var refused *Error
		switch {
		case err == nil:
			accepted++
		case !errors.As(err, &refused) || refused.Line != 3 || strings.Contains(err.Error(), name):
			t.Fatalf("got %v, want an error about line 3 without a piece of it", err)
		}
	}
	t.Logf("%d of %d accepted", accepted, tried)
	if tried < 100 || accepted*33 > tried {
		t.Errorf("%d of %d wrapped values were accepted", accepted, tried)
	}
}

// Values that a tool broke at its width, in either alphabet, of any number of lines: no
// dialect makes a name of the tail, and an error about the text does not show it.
func TestValuesBrokenByToolsAreRefused(t *testing.T) {
	const values, tail = 2000, 8
	for _, encoding := range []struct {
		name string
		*base64.Encoding
	}{{"standard", base64.StdEncoding}, {"URL-safe", base64.URLEncoding}} {
		for _, width := range []int{60, 64, 70, 76} { // 70 is OpenSSH's
			for _, dialect := range []Dialect{Compose, Docker, Systemd, Shell, Portable} {
				random := rand.New(rand.NewSource(int64(width)))
				named, shown, tried := 0, 0, 0
				for range values {
					data := make([]byte, 46+random.Intn(150))
					random.Read(data)
					lines := broken(encoding.EncodeToString(data), width)
					last := strings.TrimRight(lines[len(lines)-1], "=")
					if len(last) < tail || !strings.HasSuffix(lines[len(lines)-1], "=") {
						continue
					}
					tried++
					doc, err := Parse(secret.New("A=1\nSECRET="+strings.Join(lines, "\n")+"\nB=2\n"), dialect)
					switch {
					case err == nil && slices.Contains(doc.Keys(), last):
						named++
					case err != nil && strings.Contains(err.Error(), last):
						shown++
					}
				}
				if tried < values/4 || named*100 > tried || shown*500 > tried {
					t.Errorf("%s, %d columns, %s: of %d tails %d are names, and %d are shown", encoding.name, width, dialect, tried, named, shown)
				}
			}
		}
	}
}

func broken(value string, width int) (lines []string) {
	for ; len(value) > width; value = value[width:] {
		lines = append(lines, value[:width])
	}
	return append(lines, value)
}

// Names as people write them are names, also where their values are empty and the line
// before ends in base64.
func TestNamesAreNotTakenForWrappedValues(t *testing.T) {
	names := strings.Fields(`APP_KEY APP_URL DB_PASSWORD REDIS_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY VITE_APP_NAME NEXT_PUBLIC_API_URL
		SENTRY_DSN LOG_LEVEL appKey dbPassword databaseUrl awsSecretAccessKey S3Bucket smtpPassword googleClientId GithubToken oauth2ClientSecret
		x a1 ID URL Path_To_File MYSQL57 node_env NODE_ENV logLevel ElasticSearchURL iOSBuildKey k8sNamespace VUE_APP_I18N_LOCALE
		_TOKEN __internal_url Db_Password iOS_Build_Key appKey_v2 Stripe_apiKey oauth2_clientSecret`)
	for _, n := range []int{16, 32, 48, 64} {
		value := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k3Y!", n/4)))
		for _, before := range []string{value, strings.TrimRight(value, "="), "base64:" + value, strings.NewReplacer("3", "-", "Y", "_").Replace(value)} {
			for _, name := range names {
				if _, err := Parse(secret.New("SECRET="+before+"\n"+name+"=\n"), Docker); err != nil {
					t.Errorf("%s after a value of %d characters: %v", name, len(before), err)
				}
			}
		}
	}
}
