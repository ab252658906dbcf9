package plaintar_test

import (
	"archive/tar"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/plaintar"
)

func TestReadsWhatItWrote(t *testing.T) {
	files := []plaintar.File{{"B", "2\n"}, {"a.b-c_1", ""}, {"A", strings.Repeat("x", 2000)}}
	text, err := plaintar.Write(files)
	if err != nil || !plaintar.IsTar(text) {
		t.Fatal(err)
	}
	var got []plaintar.File
	err = plaintar.Read(text, func(name string, content io.Reader) error {
		all, err := io.ReadAll(content)
		got = append(got, plaintar.File{Name: name, Content: string(all)})
		return err
	})
	if err != nil || len(got) != len(files) || got[0] != files[0] || got[1] != files[1] || got[2] != files[2] {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestRefuses(t *testing.T) {
	tarOf := func(headers ...tar.Header) string {
		var out strings.Builder
		w := tar.NewWriter(&out)
		for i := range headers {
			if err := w.WriteHeader(&headers[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	file := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name} }
	for name, tt := range map[string]struct {
		text string
		want string // part of the error
	}{
		"no tar":     {"A=1\n", plaintar.ErrNotTar.Error()},
		"a link":     {tarOf(file("A"), tar.Header{Typeflag: tar.TypeSymlink, Name: "B", Linkname: "/etc"}), "something else than a regular file, as entry 2"},
		"a path":     {tarOf(file("a/b")), "not plain, as entry 1"},
		"an option":  {tarOf(file("-a")), "not plain"},
		"too long":   {tarOf(file(strings.Repeat("a", plaintar.MaxName+1))), "not plain"},
		"a name two": {tarOf(file("A"), file("A")), "two files of the same name"},
	} {
		t.Run(name, func(t *testing.T) {
			err := plaintar.Read(tt.text, func(string, io.Reader) error { return nil })
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	stop := errors.New("stop")
	if err := plaintar.Read(tarOf(file("A")), func(string, io.Reader) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}
