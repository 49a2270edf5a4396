package downstream_test

func orderlySpecs() {}
