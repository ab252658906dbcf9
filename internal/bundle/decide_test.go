package bundle_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

func version(text string) bundle.Version { return bundle.Version{Set: true, Text: text} }

// decided is a bundle that holds A=1, B=2 and a generated G, and a request for the same.
func decided(t *testing.T, people []agekey.Recipient) (bundle.Prior, bundle.Request, bundle.Content) {
	params := bundle.Params{Format: bundle.SOPSDotenv, Dialect: dotenv.Compose, Recipients: people[:1]}
	entry := map[string]bundle.GeneratedEntry{"G": {Generator: bundle.Generator{Length: 32}}}
	return bundle.Prior{Params: params, Names: []string{"A", "B", "G"}}, bundle.Request{
		Params: params, RecipientsKnown: true, Content: bundle.Wanted{Document: parsed(t, "A=1\nB=2\n")}, Configured: true, ContentKnown: true,
		Generated: bundle.CompareGenerated(entry, entry, nil),
	}, bundle.Content{Document: parsed(t, "A=1\nB=2\nG=generated\n")}
}

func TestDecide(t *testing.T) {
	people := []agekey.Recipient{x25519(t).Recipient(), hybrid(t).Recipient()}
	other := people[1:]
	for name, tt := range map[string]struct {
		change  func(p *bundle.Prior, r *bundle.Request)
		closed  bool // nothing opens it
		opening bundle.Opening
		want    bundle.Action
	}{
		"nothing": {func(*bundle.Prior, *bundle.Request) {}, false, bundle.MustOpen, bundle.Keep},
		"a value": {func(_ *bundle.Prior, r *bundle.Request) { r.Content.Document = parsed(t, "A=1\nB=3\n") }, false, bundle.MustOpen, bundle.Rewrite},
		"a value unknown": {func(_ *bundle.Prior, r *bundle.Request) {
			r.ContentKnown, r.Generated = false, bundle.Generated{Known: true}
		}, true, bundle.MustOpen, bundle.Rewrite},
		"one more value, unknown":    {func(_ *bundle.Prior, r *bundle.Request) { r.ContentKnown = false }, false, bundle.MustOpen, bundle.Rewrite},
		"recipients":                 {func(_ *bundle.Prior, r *bundle.Request) { r.Params.Recipients = other }, false, bundle.MustOpen, bundle.Reencrypt},
		"recipients unknown":         {func(_ *bundle.Prior, r *bundle.Request) { r.RecipientsKnown = false }, false, bundle.MustOpen, bundle.Reencrypt},
		"format":                     {func(_ *bundle.Prior, r *bundle.Request) { r.Params.Format = bundle.AgeDotenv }, false, bundle.MustOpen, bundle.Reencrypt},
		"format unknown":             {func(_ *bundle.Prior, r *bundle.Request) { r.Params.Format = "" }, false, bundle.MustOpen, bundle.Reencrypt},
		"dialect":                    {func(_ *bundle.Prior, r *bundle.Request) { r.Params.Dialect = dotenv.Shell }, false, bundle.MustOpen, bundle.Reencrypt},
		"readers":                    {func(_ *bundle.Prior, r *bundle.Request) { r.Params.Readers = []dotenv.Reader{"compose", "node"} }, false, bundle.MustOpen, bundle.Reencrypt},
		"readers that are not known": {func(_ *bundle.Prior, r *bundle.Request) { r.Params.Readers = []dotenv.Reader{""} }, false, bundle.MustOpen, bundle.Reencrypt},
		"readers as the dialect":     {func(_ *bundle.Prior, r *bundle.Request) { r.Params.Readers = []dotenv.Reader{"compose", "compose"} }, false, bundle.MustOpen, bundle.Keep},
		"another dialect, the same readers": {func(_ *bundle.Prior, r *bundle.Request) {
			r.Params.Dialect, r.Params.Readers = dotenv.Shell, []dotenv.Reader{"compose"}
		}, false, bundle.MustOpen, bundle.Keep},
		"readers in another order": {func(p *bundle.Prior, r *bundle.Request) {
			p.Params.Readers, r.Params.Readers = []dotenv.Reader{"node", "go"}, []dotenv.Reader{"go", "node"}
		}, false, bundle.MustOpen, bundle.Keep},
		"dialect of files": {func(p *bundle.Prior, r *bundle.Request) {
			p.Params.Format, r.Params.Format, r.Params.Dialect = bundle.AgeFiles, bundle.AgeFiles, dotenv.Shell
		}, false, bundle.MustOpen, bundle.Keep},
		"not all authenticated": {func(p *bundle.Prior, _ *bundle.Request) { p.Weak = true }, false, bundle.MustOpen, bundle.Reencrypt},
		"unmanaged":             {func(_ *bundle.Prior, r *bundle.Request) { r.Configured, r.Content = false, bundle.Wanted{} }, true, bundle.NotOpened, bundle.Keep},
		"unmanaged, recipients": {func(_ *bundle.Prior, r *bundle.Request) { r.Configured, r.Params.Recipients = false, other }, false, bundle.MustOpen, bundle.Reencrypt},
		"the same version": {func(p *bundle.Prior, r *bundle.Request) {
			p.Version, r.Version, r.Content = version("1"), version("1"), bundle.Wanted{}
		}, true, bundle.NotOpened, bundle.Keep},
		"the same version, format": {func(p *bundle.Prior, r *bundle.Request) {
			p.Version, r.Version, r.Params.Format = version("1"), version("1"), bundle.AgeDotenv
		}, false, bundle.MustOpen, bundle.Reencrypt},
		"another version": {func(p *bundle.Prior, r *bundle.Request) { p.Version, r.Version = version("1"), version("2") }, false, bundle.MustOpen, bundle.Keep},
		"another version, nothing": {func(p *bundle.Prior, r *bundle.Request) {
			p.Version, r.Version, r.Generated = version("1"), version("2"), bundle.Generated{Known: true}
		}, true, bundle.MayOpen, bundle.Rewrite},
		"a first, empty version": {func(_ *bundle.Prior, r *bundle.Request) {
			r.Version, r.Generated = version(""), bundle.Generated{Known: true}
		}, true, bundle.MayOpen, bundle.Rewrite},
		"an unknown version": {func(p *bundle.Prior, r *bundle.Request) {
			p.Version, r.Version = version(""), bundle.Version{Set: true, Unknown: true}
		}, false, bundle.MustOpen, bundle.Keep},
		"a version that is given up": {func(p *bundle.Prior, _ *bundle.Request) { p.Version = version("1") }, false, bundle.MustOpen, bundle.Keep},
		"a fresh value": {func(_ *bundle.Prior, r *bundle.Request) {
			r.Generated = bundle.Generated{Known: true, Fresh: []string{"G"}}
		}, false, bundle.MustOpen, bundle.Rewrite},
		"a dropped value": {func(_ *bundle.Prior, r *bundle.Request) {
			r.Generated = bundle.Generated{Known: true, Dropped: []string{"G"}}
		}, false, bundle.MustOpen, bundle.Rewrite},
		"generated not known": {func(_ *bundle.Prior, r *bundle.Request) { r.Configured, r.Generated.Known = false, false }, false, bundle.MustOpen, bundle.Rewrite},
	} {
		t.Run(name, func(t *testing.T) {
			prior, request, content := decided(t, people)
			tt.change(&prior, &request)
			if got := request.Opening(prior); got != tt.opening {
				t.Errorf("opening is %d, expected %d", got, tt.opening)
			}
			opened := &content
			if tt.closed {
				opened = nil
			}
			if got := request.Decide(prior, opened); got != tt.want {
				t.Errorf("decided %d, expected %d", got, tt.want)
			}
		})
	}
}

func TestCompareGenerated(t *testing.T) {
	long := bundle.Generator{Length: 32}
	keepers := func(quarter string) bundle.GeneratedEntry {
		return bundle.GeneratedEntry{Generator: long, Keepers: map[string]string{"quarter": quarter}}
	}
	before := map[string]bundle.GeneratedEntry{"A": keepers("1"), "B": keepers("1"), "C": {Generator: long}, "D": {Generator: long}, "E": {Generator: long, RotationDays: 30}, "GONE": {Generator: long}}
	after := map[string]bundle.GeneratedEntry{
		"A": keepers("1"), "B": keepers("2"), "C": {Generator: bundle.Generator{Length: 48}}, "D": {Generator: long, Keepers: map[string]string{}}, "E": {Generator: long, RotationDays: 30}, "NEW": {Generator: long},
	}
	g := bundle.CompareGenerated(before, after, []string{"E", "GONE"})
	if want := []string{"B", "C", "E", "NEW"}; !slices.Equal(g.Fresh, want) {
		t.Errorf("fresh are %q, expected %q", g.Fresh, want)
	}
	if want := []string{"A", "D"}; !slices.Equal(g.Kept, want) {
		t.Errorf("kept are %q, expected %q", g.Kept, want)
	}
	if want := []string{"GONE"}; !slices.Equal(g.Dropped, want) || !g.Known || !g.Changes() || len(g.Names()) != 7 {
		t.Errorf("dropped are %q, known %t, names %v", g.Dropped, g.Known, g.Names())
	}
	after["A"] = bundle.GeneratedEntry{Generator: long, Unknown: true}
	if g := bundle.CompareGenerated(before, after, nil); g.Known || !slices.Contains(g.Fresh, "A") {
		t.Errorf("an unknown entry is known: %t, fresh are %q", g.Known, g.Fresh)
	}
	if bundle.CompareGenerated(before, before, nil).Changes() {
		t.Error("nothing differs, and something changes")
	}
}

// Of entries that were found due, those are generated again whose schedule was not
// prolonged or taken away.
func TestCompareGeneratedSchedules(t *testing.T) {
	entry := func(days int64) bundle.GeneratedEntry {
		return bundle.GeneratedEntry{Generator: bundle.Generator{Length: 32}, RotationDays: days}
	}
	unknown := bundle.GeneratedEntry{Generator: bundle.Generator{Length: 32}, ScheduleUnknown: true}
	before := map[string]bundle.GeneratedEntry{"SAME": entry(30), "SHORTER": entry(30), "LONGER": entry(30), "NONE": entry(30), "OPEN": entry(30), "LATER": entry(30)}
	after := map[string]bundle.GeneratedEntry{"SAME": entry(30), "SHORTER": entry(7), "LONGER": entry(90), "NONE": entry(0), "OPEN": unknown, "LATER": unknown}
	g := bundle.CompareGenerated(before, after, []string{"SAME", "SHORTER", "LONGER", "NONE", "OPEN"})
	if want := []string{"OPEN", "SAME", "SHORTER"}; !slices.Equal(g.Fresh, want) {
		t.Errorf("fresh are %q, expected %q", g.Fresh, want)
	}
	if g.Why["SAME"] != bundle.ScheduleDue || g.Why["OPEN"] != bundle.NotYetKnown {
		t.Errorf("because of %v", g.Why)
	}
}

func generatedAgain(why bundle.Cause) bundle.Generated {
	return bundle.Generated{Known: true, Fresh: []string{"G"}, Why: map[string]bundle.Cause{"G": why}}
}

// randomRequest is a history's next request, and what is there.
func randomRequest(t *testing.T, random *rand.Rand, people []agekey.Recipient) (bundle.Prior, bundle.Request, bundle.Content) {
	prior, request, content := decided(t, people)
	maybe := func(do func()) {
		if random.IntN(4) == 0 {
			do()
		}
	}
	texts := []string{"A=1\nB=2\n", "B=2\nA=1\n", "A=1\nB=3\n", "A=1\n", "A=1\nB=2\nC=3\n"}
	maybe(func() { request.Content.Document = parsed(t, texts[random.IntN(len(texts))]) })
	maybe(func() { request.Content.Ordered = true })
	maybe(func() { request.Configured, request.Content = false, bundle.Wanted{} })
	maybe(func() { request.Params.Recipients = people[:1+random.IntN(2)] })
	maybe(func() { prior.Params.Format = randomFormat(random); request.Params.Format = prior.Params.Format })
	maybe(func() { request.Params.Format = randomFormat(random) })
	for _, p := range []*bundle.Params{&prior.Params, &request.Params} {
		if p.Format == bundle.SOPSKubernetes {
			p.Kubernetes = &bundle.Kubernetes{Name: "app", Type: []string{"", bundle.OpaqueSecret}[random.IntN(2)]}
			maybe(func() { p.Kubernetes.Labels = map[string]string{"team": "a"} })
		}
	}
	maybe(func() { request.Params.Dialect = dotenv.Shell })
	maybe(func() { prior.Weak = true })
	maybe(func() { prior.Version = version("1") })
	maybe(func() { request.Version = version([]string{"1", "2", ""}[random.IntN(3)]) })
	maybe(func() { request.Generated = generatedAgain(bundle.ScheduleDue) })
	maybe(func() { request.Generated = bundle.Generated{Known: true, Dropped: []string{"G"}} })
	prior.ChangedAt = map[string]time.Time{}
	for _, name := range prior.Names {
		if random.IntN(5) > 0 {
			prior.ChangedAt[name] = now.AddDate(0, -1, 0)
		}
	}
	return prior, request, content
}

func randomFormat(random *rand.Rand) bundle.Format {
	return bundle.Formats()[random.IntN(len(bundle.Formats()))]
}

// hide makes some of a request unknown, as a plan may find it.
func hide(random *rand.Rand, r bundle.Request) bundle.Request {
	maybe := func(do func()) {
		if random.IntN(3) == 0 {
			do()
		}
	}
	maybe(func() { r.RecipientsKnown, r.Params.Recipients = false, nil })
	maybe(func() {
		r.Params.Format, r.ContentKnown, r.NamesUnknown, r.Content = "", false, true, bundle.Wanted{}
	})
	if r.Params.Kubernetes != nil {
		maybe(func() {
			r.Params.Kubernetes, r.ContentKnown, r.NamesUnknown, r.Content = nil, false, true, bundle.Wanted{}
		})
	}
	maybe(func() {
		r.Params.Dialect, r.ContentKnown, r.NamesUnknown, r.Content = "", false, true, bundle.Wanted{}
	})
	if _, there := r.Content.Document.Entries()["B"]; there {
		maybe(func() {
			r.ContentKnown, r.Unknown, r.Content.Document = false, []string{"B"}, r.Content.Document.Without(map[string]bool{"B": true})
		})
	}
	if r.Version.Set {
		maybe(func() { r.Version = bundle.Version{Set: true, Unknown: true} })
	}
	if len(r.Generated.Dropped) == 0 {
		maybe(func() { r.Generated = generatedAgain(bundle.NotYetKnown); r.Generated.Known = false })
	}
	return r
}

// effectsAgree fails unless what a plan says of values and times comes true.
func effectsAgree(t *testing.T, planned bundle.Effect, r bundle.Request, p bundle.Prior, opened *bundle.Content) {
	applied := r.Effect(p, opened)
	for name, cause := range applied.Changed {
		if _, expected := planned.Changed[name]; !expected && planned.NamesKnown && cause.IsCertain() {
			t.Fatalf("%s changes (%d), and the plan does not say so: %+v", name, cause, planned)
		}
	}
	if planned.NamesKnown && !slices.Equal(planned.Names, applied.Names) {
		t.Fatalf("the names are %q, and were planned as %q: %+v", applied.Names, planned.Names, planned)
	}
	// Terraform plans once more at apply: what was known before must be known, and the same.
	times, again := planned.Times(p), applied.Times(p)
	for _, name := range planned.Names {
		if planned.NamesKnown && slices.Contains(again.Open, name) && !slices.Contains(times.Open, name) || again.Known[name] != times.Known[name] && !slices.Contains(times.Open, name) {
			t.Fatalf("the time of %s was known at plan and is not at apply: %+v", name, planned)
		}
	}
	// The document that the apply writes, and its times.
	old := parsed(t, "A=1\nB=2\nG=generated\n")
	doc := r.Content.Document
	if r.CarriesOver(p) {
		doc = old.Without(r.Generated.Names())
	}
	switch {
	case len(r.Generated.Kept) > 0:
		doc = doc.Overlay(map[string]secret.Text{"G": secret.New("generated")})
	case len(r.Generated.Fresh) > 0:
		doc = doc.Overlay(map[string]secret.Text{"G": secret.New("again")})
	}
	if !slices.Equal(doc.Keys(), applied.Names) {
		t.Fatalf("the names are %q, expected %q", applied.Names, doc.Keys())
	}
	at := bundle.ChangedAtUnopened(p.ChangedAt, p.Names, doc, r.Generated.Fresh, now)
	if opened != nil || r.Decide(p, opened) != bundle.Rewrite {
		at = bundle.ChangedAt(p.ChangedAt, old, doc, now)
	}
	if !planned.NamesKnown {
		return
	}
	for _, name := range times.Open {
		if _, there := at[name]; !there && slices.Contains(p.Names, name) != (p.ChangedAt[name].IsZero()) {
			t.Fatalf("%s has no time, and the plan says that it gets one: %+v", name, planned)
		}
		delete(at, name)
	}
	if !maps.Equal(times.Known, at) {
		t.Fatalf("the times are %v, and were planned as %v: %+v", at, times.Known, planned)
	}
}

// Over random requests: an apply never does more than its plan said, which may lack
// some of the request and the identity; and it does no less than the contents and the
// parameters ask for.
func TestDecisionsAgree(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 5))
	people := []agekey.Recipient{x25519(t).Recipient(), hybrid(t).Recipient()}
	counts := map[bundle.Action]int{}
	for range 20000 {
		prior, request, content := randomRequest(t, random, people)
		opened := &content
		if request.Opening(prior) == bundle.NotOpened || request.Opening(prior) == bundle.MayOpen && random.IntN(2) == 0 {
			opened = nil
		}
		applied := request.Decide(prior, opened)
		counts[applied]++

		planned, atPlan := hide(random, request), opened
		if random.IntN(2) == 0 && request.Opening(prior) != bundle.NotOpened {
			atPlan = nil // no identity yet
		}
		if got := planned.Decide(prior, atPlan); got < applied {
			t.Fatalf("planned %d, applied %d: %+v, then %+v", got, applied, planned, request)
		}
		effect := planned.Effect(prior, atPlan)
		effectsAgree(t, effect, request, prior, opened)
		if _, changes := effect.Changed["B"]; changes && slices.Contains(request.Content.Document.Keys(), "B") {
			// What is configured is the old value again by the time of the apply.
			back := request
			back.Content.Document = request.Content.Document.Overlay(map[string]secret.Text{"B": secret.New("2")})
			effectsAgree(t, effect, back, prior, opened)
		}
		if opened == nil && request.Opening(prior) == bundle.MayOpen {
			effectsAgree(t, planned.Effect(prior, &content), request, prior, opened) // the identity is gone at apply
		}

		// What the content becomes, and how it is encrypted, without asking the package.
		given, text := parsed(t, "A=1\nB=2\n"), "the same"
		carries := !request.Configured || request.Version.Set && prior.Version.Set && request.Version.Text == prior.Version.Text
		differs := len(request.Generated.Fresh)+len(request.Generated.Dropped) > 0
		if !carries {
			differs = differs || opened == nil || !request.Content.Document.EqualEntries(given) || request.Content.Ordered && !request.Content.Document.Equal(given)
		}
		hasDialect := slices.Contains([]bundle.Format{bundle.SOPSDotenv, bundle.SOPSBinary, bundle.AgeDotenv}, request.Params.Format)
		labels := func(p bundle.Params) bool { return p.Kubernetes != nil && len(p.Kubernetes.Labels) > 0 }
		if request.Params.Format == prior.Params.Format && (hasDialect && request.Params.Dialect != prior.Params.Dialect || labels(request.Params) != labels(prior.Params)) ||
			request.Params.Format != prior.Params.Format || prior.Weak || len(request.Params.Recipients) != 1 || request.Params.Recipients[0] != prior.Params.Recipients[0] {
			text = "another"
		}
		want := bundle.Keep
		switch {
		case differs:
			want = bundle.Rewrite
		case text == "another":
			want = bundle.Reencrypt
		}
		if applied != want {
			t.Fatalf("applied %d, expected %d: %+v", applied, want, request)
		}
	}
	for _, action := range []bundle.Action{bundle.Keep, bundle.Reencrypt, bundle.Rewrite} {
		if counts[action] < 100 {
			t.Errorf("action %d was tried %d times", action, counts[action])
		}
	}
}
