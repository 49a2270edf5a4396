package postgres

func crashingProcess() {}
