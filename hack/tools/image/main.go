// Command image packs the operator into an image archive: one static program on an empty base, no daemon, no registry. The
// same program gives the same bytes, and so the same digest. `make image` runs it; `docker load`, `podman load`,
// `ctr images import` and `kind load image-archive` read what it writes.
package main

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func main() {
	binary := flag.String("binary", "bin/manager", "the static program to pack")
	tag := flag.String("tag", "rollcall:latest", "name of the image")
	output := flag.String("output", "dist/rollcall.tar", "the archive to write")
	arch := flag.String("arch", "amd64", "architecture of the program, as GOARCH")
	flag.Parse()
	digest, err := run(*binary, *tag, *output, *arch)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error: "+err.Error())
		os.Exit(1)
	}
	fmt.Printf("%s: %s, %s\n", *output, *tag, digest)
}

func run(binary, tag, output, arch string) (v1.Hash, error) {
	reference, err := name.NewTag(tag)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("reading the tag: %w", err)
	}
	program, err := os.ReadFile(binary)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("reading the program: %w", err)
	}
	image, err := pack(program, arch)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("packing %s: %w", binary, err)
	}
	if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
		return v1.Hash{}, err
	}
	if err := tarball.WriteToFile(output, reference, image); err != nil {
		return v1.Hash{}, fmt.Errorf("writing %s: %w", output, err)
	}
	return image.Digest()
}

// pack makes an image with the program as /manager, run as the user of config/manager.
func pack(program []byte, arch string) (v1.Image, error) {
	epoch := time.Unix(0, 0)
	var files bytes.Buffer
	archive := tar.NewWriter(&files)
	if err := archive.WriteHeader(&tar.Header{Name: "manager", Mode: 0o555, Size: int64(len(program)), ModTime: epoch}); err != nil {
		return nil, err
	}
	if _, err := archive.Write(program); err != nil {
		return nil, err
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if image, err = mutate.AppendLayers(image, layer); err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	config.Created = v1.Time{Time: epoch}
	config.Config = v1.Config{Entrypoint: []string{"/manager"}, User: "65532:65532"}
	return mutate.ConfigFile(image, config)
}
