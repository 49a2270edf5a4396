package downstream_test

func faultSpecs() {}
