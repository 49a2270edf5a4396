package downstream_test

func crashSpecs() {}
