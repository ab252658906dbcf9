package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// commands compares whole processes: a small command around the provider's packages, and
// those of sops and age.
func commands(ctx context.Context, r *Report, b bench) error {
	dir := filepath.Join(b.work, "codec")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	id, err := agekey.GenerateX25519()
	if err != nil {
		return err
	}
	key, recipient := filepath.Join(dir, "key.txt"), id.Recipient().String()
	if err := os.WriteFile(key, []byte(id.Text().Reveal()+"\n"), 0o600); err != nil {
		return err
	}
	env := append(os.Environ(), "SOPS_AGE_KEY_FILE="+key)
	env = slices.DeleteFunc(env, func(entry string) bool { return strings.HasPrefix(entry, "SOPS_AGE_KEY=") })
	for _, f := range []file{{entries: 20, length: 40, recipients: 1}, {entries: 5000, length: 40, recipients: 1}, {entries: 1, length: 4 << 20, recipients: 1}} {
		in := filepath.Join(dir, "plain.env")
		if err := os.WriteFile(in, []byte(f.text()), 0o600); err != nil {
			return err
		}
		sopsOut, ageOut := filepath.Join(dir, "sealed.env"), filepath.Join(dir, "sealed.age")
		mine, sops, age := filepath.Join(b.bin, "codec"), b.tools["sops"], b.tools["age"]
		for _, one := range []struct {
			name     string
			commands map[string][]string
		}{
			{"sops_dotenv: encrypt ", map[string][]string{ours: {mine, "encrypt", "sops_dotenv", recipient, in, sopsOut}, "sops": {sops, "encrypt", "--age", recipient, "--output", sopsOut, in}}},
			{"sops_dotenv: decrypt ", map[string][]string{ours: {mine, "decrypt", "sops_dotenv", key, sopsOut, os.DevNull}, "sops": {sops, "decrypt", "--output", os.DevNull, sopsOut}}},
			{"age_dotenv: encrypt ", map[string][]string{ours: {mine, "encrypt", "age_dotenv", recipient, in, ageOut}, "age": {age, "-a", "-r", recipient, "-o", ageOut, in}}},
			{"age_dotenv: decrypt ", map[string][]string{ours: {mine, "decrypt", "age_dotenv", key, ageOut, os.DevNull}, "age": {age, "-d", "-i", key, "-o", os.DevNull, ageOut}}},
		} {
			figures := map[string]float64{}
			for range 5 {
				for program, args := range one.commands {
					used, err := runMeasured(ctx, dir, env, args...)
					if err != nil {
						return fmt.Errorf("%s: %w", program, err)
					}
					if least, known := figures[program]; !known || used.cpu.Seconds()*1000 < least {
						figures[program] = used.cpu.Seconds() * 1000
					}
				}
			}
			r.add(compare("codec, CPU, a process each", one.name+f.String(), "ms", figures))
		}
	}
	return nil
}
