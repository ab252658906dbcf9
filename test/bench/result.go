package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Row is one comparison.
type Row struct {
	Part    string             `json:"part"`
	Case    string             `json:"case"`
	Unit    string             `json:"unit"`
	Figures map[string]float64 `json:"figures"` // by program
	Ratios  map[string]float64 `json:"ratios"`  // the provider's figure by that of a program
	Target  string             `json:"target,omitempty"`
	Against string             `json:"against,omitempty"` // whom the target is for
	Limit   float64            `json:"limit,omitempty"`   // of the ratio, or of ours where Against is empty
}

// ours is the provider's name in Figures.
const ours = "ageenv"

// compare makes a row of which the ratios are worked out.
func compare(part, name, unit string, figures map[string]float64) Row {
	r := Row{Part: part, Case: name, Unit: unit, Figures: figures, Ratios: map[string]float64{}}
	for program, figure := range figures {
		if program != ours && figure > 0 {
			r.Ratios[program] = figures[ours] / figure
		}
	}
	return r
}

// within sets the target of a row: the ratio against a program, or ours alone.
func (r Row) within(limit float64, against string) Row {
	r.Limit, r.Against = limit, against
	if against == "" {
		r.Target = "≤ " + short(limit)
	} else {
		r.Target = fmt.Sprintf("≤ %s of %s", short(limit), against)
	}
	return r
}

// verdict says whether a row reaches its target.
func (r Row) verdict() string {
	value, known := r.Ratios[r.Against]
	if r.Against == "" {
		value, known = r.Figures[ours]
	}
	switch {
	case r.Target == "":
		return ""
	case !known:
		return "not measured"
	case value <= r.Limit:
		return "reached"
	}
	return "missed"
}

// Report is all that a run measured.
type Report struct {
	Machine string             `json:"machine"`
	Began   time.Time          `json:"began"`
	Took    string             `json:"took"`
	Quick   bool               `json:"quick"`
	LeftOut []string           `json:"left_out,omitempty"`
	Rows    []Row              `json:"rows"`
	Growth  map[string]float64 `json:"growth"` // exponents
	Counts  map[string]float64 `json:"counts,omitempty"`
	Faults  []string           `json:"faults,omitempty"`

	out io.Writer
}

func newReport(out io.Writer, quick bool) *Report {
	return &Report{
		Machine: fmt.Sprintf("%d processors, %s", runtime.NumCPU(), runtime.Version()),
		Began:   time.Now().UTC(), Quick: quick, Growth: map[string]float64{}, Counts: map[string]float64{}, out: out,
	}
}

// add prints a row, and keeps it.
func (r *Report) add(row Row) {
	if len(r.Rows) == 0 || r.Rows[len(r.Rows)-1].Part != row.Part {
		fmt.Fprintf(r.out, "\n%s\n", row.Part)
	}
	r.Rows = append(r.Rows, row)
	var cells []string
	for _, program := range programs {
		figure, known := row.Figures[program]
		if !known {
			continue
		}
		cell := program + " " + short(figure)
		if ratio, known := row.Ratios[program]; known {
			cell += fmt.Sprintf(" (%.2f)", ratio)
		}
		cells = append(cells, cell)
	}
	line := fmt.Sprintf("  %-44s %-9s %s", row.Case, row.Unit, strings.Join(cells, "   "))
	if row.Target != "" {
		line += "   target " + row.Target + ": " + row.verdict()
	}
	fmt.Fprintln(r.out, line)
}

// programs is the order of the columns. A figure in brackets is the provider's divided by
// that program's.
var programs = []string{ours, before, "sops library", "sops", "age", "like", "likeq", "like before", "likeq before", "provider-sops", "provider-age"}

// grow keeps an exponent: by which power of the size a figure grows.
func (r *Report) grow(name string, exponent, limit float64) {
	r.Growth[name] = exponent
	fmt.Fprintf(r.out, "  growth of %-34s exponent %.2f\n", name, exponent)
	if exponent > limit {
		r.fault("%s grows with exponent %.2f of the size, and the limit is %.2f", name, exponent, limit)
	}
}

// fault keeps what is wrong.
func (r *Report) fault(format string, arguments ...any) {
	r.Faults = append(r.Faults, fmt.Sprintf(format, arguments...))
}

// finish writes the report to a file, and returns an error if something is wrong.
func (r *Report) finish(path string) error {
	r.Took = time.Since(r.Began).Round(time.Second).String()
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(r.out, "\n%s; %s; written to %s\n", r.Machine, r.Took, path)
	for _, left := range r.LeftOut {
		fmt.Fprintf(r.out, "left out: %s\n", left)
	}
	if len(r.Faults) > 0 {
		return fmt.Errorf("%d faults:\n  %s", len(r.Faults), strings.Join(r.Faults, "\n  "))
	}
	return nil
}

// exponent is the power with which a figure grows from one size to another.
func exponent(sizeA, a, sizeB, b float64) float64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	return math.Log(b/a) / math.Log(sizeB/sizeA)
}

// short writes three digits.
func short(figure float64) string {
	switch {
	case figure == math.Trunc(figure) && math.Abs(figure) < 1e7:
		return fmt.Sprintf("%.0f", figure)
	case math.Abs(figure) >= 100:
		return fmt.Sprintf("%.0f", figure)
	case math.Abs(figure) >= 10:
		return fmt.Sprintf("%.1f", figure)
	}
	return fmt.Sprintf("%.3g", figure)
}
