// Package postgres is the driver of PostgreSQL: it keeps people, groups, access, routes, schedules and mentions in tables that
// reports, telephone switches and other programs read.
//
// # Tables
//
// Every record is a row of one of six tables, with a row of a further table for each entry of its lists (tables.go). The tables,
// their comments and the views over them are made by the migrations, forward only; which of them were done is kept in the
// table migrations of the schema. Reading never changes the schema, applying brings it up to date first.
//
// A row has the key of its record, an id that stays when the key is edited, the organization that wrote it, and in_effect, which
// is false where the record confers nothing. Rows without an organization were made by hand. Rows of another organization are
// read, and never changed, whatever the inventory says.
//
// Of people and groups, what a record leaves unset keeps its value in the row. Access, plans, schedules and mentions are complete
// results: what they leave unset is set to NULL, since a cap or a bot that stayed behind would send calls astray.
//
// # Transactions
//
// A plan is one transaction, under an advisory lock of the schema: whoever reads the tables sees all of it or nothing. At its end
// it notifies the channel that has the name of the schema (notification). A reading is one snapshot, which is the proof that it is
// complete.
package postgres
