package telephony_test

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("The telephones of the example's README", func() {
	// sipp runs a scenario once, from an address of this machine.
	sipp := func(ctx context.Context, scenario, address, port string, more ...string) *exec.Cmd {
		GinkgoHelper()
		path, err := filepath.Abs(filepath.Join(example, "sipp", scenario))
		Expect(err).NotTo(HaveOccurred())
		c := exec.CommandContext(ctx, "sipp", append([]string{pbx.Address, "-sf", path, "-i", address, "-p", port, "-m", "1", "-nostdin"}, more...)...)
		c.Dir = GinkgoT().TempDir()
		c.Stdout, c.Stderr = GinkgoWriter, GinkgoWriter
		return c
	}
	free := func(address string) string {
		GinkgoHelper()
		c, err := net.ListenPacket("udp", net.JoinHostPort(address, "0"))
		Expect(err).NotTo(HaveOccurred())
		defer c.Close()
		_, port, err := net.SplitHostPort(c.LocalAddr().String())
		Expect(err).NotTo(HaveOccurred())
		return port
	}

	It("register, answer and call", func(ctx context.Context) {
		const last = agents // its registration outlives the spec, and nobody else rings this one
		phones.register(0, extension(last))
		group(ctx, "readme", 6, "strategy: Sequential, maxRingTime: 5s, maxGroupDialingTime: 20s", last)
		phone := free(loopback)
		Expect(sipp(ctx, "register.xml", loopback, phone, "-s", extension(last), "-au", extension(last), "-ap", password(extension(last))).Run()).To(Succeed())
		answers := sipp(ctx, "answer.xml", loopback, phone)
		Expect(answers.Start()).To(Succeed())
		Expect(sipp(ctx, "call.xml", outside, free(outside), "-s", number(6)).Run()).To(Succeed())
		Expect(answers.Wait()).To(Succeed())
		Eventually(ask("SELECT count(*) FROM telephony.calls WHERE number = '" + number(6) + "' AND outcome = 'Answered'")).Should(Equal("1"))
	})
})
