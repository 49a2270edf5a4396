package openfga

// crashAt is the environment variable that makes a test process one that ends itself.
const crashAt = "ROLLCALL_TEST_CRASH_AT"

func crashingProcess() {}
