package dotenv

import (
	"encoding/base64"
	"errors"
	"math/rand"
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

// Names as people write them are names, also where their values are empty and the line
// before ends in base64.
func TestNamesAreNotTakenForWrappedValues(t *testing.T) {
	names := strings.Fields(`APP_KEY APP_URL DB_PASSWORD REDIS_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY VITE_APP_NAME NEXT_PUBLIC_API_URL
		SENTRY_DSN LOG_LEVEL appKey dbPassword databaseUrl awsSecretAccessKey S3Bucket smtpPassword googleClientId GithubToken oauth2ClientSecret
		x a1 ID URL Path_To_File MYSQL57 node_env NODE_ENV logLevel ElasticSearchURL iOSBuildKey k8sNamespace VUE_APP_I18N_LOCALE`)
	for _, n := range []int{16, 32, 48, 64} {
		value := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k3Y!", n/4)))
		for _, before := range []string{value, strings.TrimRight(value, "="), "base64:" + value} {
			for _, name := range names {
				if _, err := Parse(secret.New("SECRET="+before+"\n"+name+"=\n"), Docker); err != nil {
					t.Errorf("%s after a value of %d characters: %v", name, len(before), err)
				}
			}
		}
	}
}
