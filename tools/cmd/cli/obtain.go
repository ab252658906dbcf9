package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"
)

// releaseServer is where hc-install downloads from.
const releaseServer = "https://releases.hashicorp.com/"

const (
	reachTimeout = 10 * time.Second // to learn that the network is closed
	fetchTimeout = 5 * time.Minute  // for about 30 MB
)

// fetchTerraform downloads the latest Terraform release into dir and returns
// its path. hc-install verifies the checksum and HashiCorp's signature of it.
func fetchTerraform(ctx context.Context, dir string) (string, error) {
	if err := reach(ctx, releaseServer); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	source := releases.LatestVersion{
		Product:     product.Terraform,
		Constraints: version.MustConstraints(version.NewConstraint(">= " + oldest.String())),
		InstallDir:  dir,
		Timeout:     fetchTimeout,
	}
	return source.Install(ctx)
}

// reach asks url for an answer, any answer, once. hc-install's own client
// tries again for a long time where a firewall drops packets.
func reach(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("cannot be reached: %w", err) // err names the URL
	}
	return response.Body.Close()
}

// buildOpenTofu has the repository's own script build OpenTofu at the version
// pinned there and returns its path. The script's progress goes to stderr.
func buildOpenTofu(ctx context.Context, root string, stderr io.Writer) (string, error) {
	script, err := filepath.Abs(filepath.Join(root, ".ci", "build-cli"))
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, script, "tofu")
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s tofu: %w", script, err)
	}
	return strings.TrimSpace(stdout.String()), nil
}
