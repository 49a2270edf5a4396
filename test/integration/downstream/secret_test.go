package downstream_test

func secretSpecs() {}
