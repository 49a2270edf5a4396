// Command devcluster is `make run`: it starts etcd, kube-apiserver and kube-controller-manager on loopback ports of this
// machine, installs the CRDs, starts the operator, applies a sample organization, waits until every object is Ready and
// shows what came out. With --downstreams it also starts real systems on loopback, connects the organization with them, waits
// until they are in step and shows what arrived there. It stays until Ctrl-C (with --once: it exits), and leaves no process
// behind.
//
// Everything it writes is in one folder (--state). A cluster does not survive its run: each one starts empty.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/test/servers/process"
)

// startTimeout is for one program to become ready. Shared machines are slow.
const startTimeout = 2 * time.Minute

type options struct {
	assets, bin, config, state, scenario, downstreams string
	once, stopWithParent                              bool
	readyTimeout                                      time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.assets, "assets", os.Getenv("KUBEBUILDER_ASSETS"), "folder with etcd, kube-apiserver, kube-controller-manager and kubectl")
	flag.StringVar(&o.bin, "bin", "bin", "folder with manager and kubectl-rollcall")
	flag.StringVar(&o.config, "config", "config", "folder with crd, rbac and samples")
	flag.StringVar(&o.state, "state", ".rollcall-dev", "folder for logs, data and kubeconfig")
	flag.StringVar(&o.scenario, "scenario", "fjordline", "the sample below config/samples to apply")
	flag.StringVar(&o.downstreams, "downstreams", "", "systems to start and to connect, separated by commas: postgres, openfga")
	flag.BoolVar(&o.once, "once", false, "exit after printing; not 0 when something did not become Ready")
	flag.DurationVar(&o.readyTimeout, "ready-timeout", 3*time.Minute, "how long all objects together may take to become Ready")
	flag.BoolVar(&o.stopWithParent, "stop-with-parent", false, "stop when the process that started this one is gone")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if o.stopWithParent {
		go watchParent(ctx, os.Getppid(), stop)
	}
	err := run(ctx, o)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		// Asked to stop before we were done: nothing failed, but nothing was shown either.
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "error: "+err.Error())
		os.Exit(1)
	}
}

// watchParent cancels when we are handed over to another parent: make was killed and cannot tell us.
func watchParent(ctx context.Context, parent int, cancel context.CancelFunc) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if os.Getppid() != parent {
				cancel()
				return
			}
		}
	}
}

func run(ctx context.Context, o options) (err error) {
	started := time.Now()
	step := func(format string, arguments ...any) {
		fmt.Printf("%5.1fs  %s\n", time.Since(started).Seconds(), fmt.Sprintf(format, arguments...))
	}
	if o, err = o.resolved(); err != nil {
		return err
	}
	unlock, err := claim(o.state)
	if err != nil {
		return err
	}
	defer unlock()

	systems, err := startSystems(ctx, o, step)
	defer func() { stopSystems(systems) }() // after the operator
	if err != nil {
		return err
	}
	g := newGroup()
	defer func() {
		if !o.once || err != nil {
			step("stopping")
		}
		g.stop()
	}()

	plane, err := newControlPlane(o.assets, o.state, g)
	if err != nil {
		return err
	}
	step("starting etcd and kube-apiserver, logs in %s", relative(o.state))
	if err := plane.start(ctx); err != nil {
		return err
	}
	c := &cluster{options: o, plane: plane, systems: systems}
	step("installing the CRDs and the permissions of the operator")
	if err := c.install(ctx); err != nil {
		return err
	}
	step("starting the operator")
	manager, err := c.startManager(ctx)
	if err != nil {
		return err
	}
	step("applying config/samples/%s", o.scenario)
	if err := c.applyScenario(ctx); err != nil {
		return err
	}
	if err := c.connectSystems(ctx); err != nil {
		return err
	}
	all, waiting, err := c.awaitReady(ctx)
	if err != nil {
		return err
	}
	if len(waiting) > 0 {
		fmt.Printf("\nnot Ready after %s:\n", o.readyTimeout)
		for _, line := range waiting {
			fmt.Println("  " + line)
		}
		fmt.Printf("\nthe end of %s:\n%s\n\n", relative(manager.log), manager.Tail())
		err = fmt.Errorf("%s: %d objects are not Ready or missing, of %d that exist", o.scenario, len(waiting), all.count())
		if o.once {
			return err
		}
		// Somebody is looking: leave everything up for them.
		fmt.Println("error: " + err.Error())
	} else {
		step("%d objects of %s are Ready", all.count(), o.scenario)
		fmt.Println()
		if err := c.report(ctx, all); err != nil {
			return err
		}
	}
	if o.once {
		return err
	}
	fmt.Println("\nCtrl-C stops everything.")
	select {
	case <-ctx.Done():
		fmt.Println()
		return err
	case p := <-g.died:
		return errors.Join(err, deathOf(p))
	}
}

// resolved checks the paths and makes them absolute.
func (o options) resolved() (options, error) {
	for _, path := range []*string{&o.assets, &o.bin, &o.config, &o.state} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return o, err
		}
		*path = absolute
	}
	for _, path := range []string{
		filepath.Join(o.assets, "etcd"), filepath.Join(o.assets, "kube-apiserver"), filepath.Join(o.assets, "kubectl"),
		filepath.Join(o.bin, "manager"), filepath.Join(o.bin, "kubectl-rollcall"),
		filepath.Join(o.config, "crd", "bases"),
	} {
		if _, err := os.Stat(path); err != nil {
			return o, fmt.Errorf("%w (use make run)", err)
		}
	}
	if strings.ContainsRune(o.scenario, filepath.Separator) || o.scenario == "" {
		return o, fmt.Errorf("the scenario %q is not the name of a folder in config/samples", o.scenario)
	}
	samples := filepath.Join(o.config, "samples")
	if _, err := os.Stat(filepath.Join(samples, o.scenario, "kustomization.yaml")); err != nil {
		var names []string
		entries, _ := os.ReadDir(samples)
		for _, entry := range entries {
			if entry.IsDir() {
				names = append(names, entry.Name())
			}
		}
		return o, fmt.Errorf("no scenario %q in config/samples; there are: %s", o.scenario, strings.Join(names, ", "))
	}
	return o, nil
}

// claim makes the state folder ours alone and empties it. The kernel gives the claim up when we end, however that happens.
func claim(state string) (unlock func(), err error) {
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, fmt.Errorf("making the state folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(state, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("claiming the state folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(lock.Name())
		_ = lock.Close()
		return nil, fmt.Errorf("another run uses %s (process %s): stop it first", relative(state), strings.TrimSpace(string(holder)))
	}
	if err := errors.Join(lock.Truncate(0), writeLine(lock, os.Getpid())); err != nil {
		return nil, fmt.Errorf("claiming the state folder: %w", err)
	}
	entries, err := os.ReadDir(state)
	if err != nil {
		return nil, fmt.Errorf("reading the state folder: %w", err)
	}
	for _, entry := range entries {
		if entry.Name() == "lock" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(state, entry.Name())); err != nil {
			return nil, fmt.Errorf("emptying the state folder: %w", err)
		}
	}
	return func() { _ = lock.Close() }, nil
}

func writeLine(file *os.File, value any) error {
	_, err := fmt.Fprintln(file, value)
	return err
}

// relative shortens a path for people, when it is below the current folder.
func relative(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(here, path); err == nil && !strings.HasPrefix(short, "..") {
		return short
	}
	return path
}

// cluster is a running control plane and what we do with it.
type cluster struct {
	options
	plane     *controlPlane
	namespace string // the organization of the scenario
	systems   []*system
}

// install applies CRDs, permissions and, where there are any, admission policies (after the CRDs: a policy whose paramKind
// is missing denies everything).
func (c *cluster) install(ctx context.Context) error {
	if _, err := c.kubectl(ctx, "apply", "--server-side", "-f", filepath.Join(c.config, "crd", "bases")); err != nil {
		return err
	}
	if _, err := c.kubectl(ctx, "wait", "--for=condition=Established", "--timeout=60s", "-f", filepath.Join(c.config, "crd", "bases")); err != nil {
		return err
	}
	if _, err := c.kubectl(ctx, "apply", "--server-side", "-f", filepath.Join(c.config, "manager", "namespace.yaml")); err != nil {
		return err
	}
	for _, folder := range []string{"rbac", "admission"} {
		path := filepath.Join(c.config, folder)
		if _, err := os.Stat(filepath.Join(path, "kustomization.yaml")); errors.Is(err, os.ErrNotExist) {
			continue
		}
		if _, err := c.kubectl(ctx, "apply", "--server-side", "-k", path); err != nil {
			return err
		}
	}
	return nil
}

// startManager runs the operator with the rights of its service account and returns when it says it is ready.
func (c *cluster) startManager(ctx context.Context) (*member, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	probes := fmt.Sprintf("127.0.0.1:%d", ports[0])
	arguments := []string{
		"--kubeconfig=" + c.plane.kubeconfig("manager"), "--leader-elect=false",
		"--metrics-bind-address=127.0.0.1:0", "--health-probe-bind-address=" + probes,
	}
	if len(c.systems) > 0 {
		arguments = append(arguments, "--allow-cidr="+loopback)
	}
	manager, err := c.plane.group.run("manager", c.state, filepath.Join(c.bin, "manager"), arguments...)
	if err != nil {
		return nil, err
	}
	err = c.plane.await(ctx, "the operator", func() error { return get(ctx, probeClient, "http://"+probes+"/readyz") })
	if err != nil && ctx.Err() == nil {
		select {
		case <-manager.Ended(): // its end is part of the error already
		default:
			err = fmt.Errorf("%w; the end of %s:\n%s", err, relative(manager.log), manager.Tail())
		}
	}
	return manager, err
}

// applyScenario applies the sample and makes its namespace the one that commands go to.
func (c *cluster) applyScenario(ctx context.Context) error {
	folder := filepath.Join(c.config, "samples", c.scenario)
	manifests, err := c.kubectl(ctx, "kustomize", folder)
	if err != nil {
		return err
	}
	if c.namespace, err = organizationOf(manifests); err != nil {
		return fmt.Errorf("reading %s: %w", relative(folder), err)
	}
	if err := c.plane.writeKubeconfigs(c.plane.path("pki/apiserver.crt"), c.namespace); err != nil {
		return err
	}
	_, err = c.kubectl(ctx, "apply", "--server-side", "-k", folder)
	return err
}

// organizationOf finds the namespace of the one Organization among the manifests.
func organizationOf(manifests string) (string, error) {
	for document := range strings.SplitSeq("\n"+manifests, "\n---\n") {
		var object unstructured.Unstructured
		if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
			return "", err
		}
		if object.GetKind() == "Organization" && object.GetNamespace() != "" {
			return object.GetNamespace(), nil
		}
	}
	return "", errors.New("no Organization with a namespace")
}

// awaitReady returns the objects and, when the time is over, what is still not Ready among them.
func (c *cluster) awaitReady(ctx context.Context) (objects, []string, error) {
	config, err := c.plane.config()
	if err != nil {
		return nil, nil, err
	}
	discover, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("making a client: %w", err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("making a client: %w", err)
	}
	watched, err := newObserver(discover, client, c.namespace)
	if err != nil {
		return nil, nil, err
	}
	deadline := time.Now().Add(c.readyTimeout)
	for reported := time.Now(); ; {
		all, err := watched.read(ctx)
		if err != nil {
			return nil, nil, err
		}
		waiting := append(unready(all), c.unsynced(all)...)
		if len(waiting) == 0 || time.Now().After(deadline) {
			return all, waiting, nil
		}
		if time.Since(reported) > 10*time.Second {
			reported = time.Now()
			fmt.Printf("        waiting for %d of %d objects, the first: %s\n", len(waiting), all.count(), waiting[0])
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case p := <-c.plane.group.died:
			return nil, nil, deathOf(p)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// kubectl runs the bundled kubectl as administrator and returns what it printed.
func (c *cluster) kubectl(ctx context.Context, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, c.plane.program("kubectl"), arguments...)
	command.Env = append(os.Environ(), "KUBECONFIG="+c.plane.kubeconfig("admin"))
	var output, problems strings.Builder
	command.Stdout, command.Stderr = &output, &problems
	if err := process.Run(command); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("kubectl %s: %w\n%s", strings.Join(arguments, " "), err, strings.TrimSpace(problems.String()))
	}
	return output.String(), nil
}
