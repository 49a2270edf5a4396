package downstream_test

func endingSpecs() {}
