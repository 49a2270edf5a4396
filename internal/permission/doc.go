// Package permission is the permission algebra of R-7: strings of the form module.verb, the patterns that name several of
// them, the closed catalogue of a scope, and the operations union, close, deny, fold and ceiling. Permissions are interned in
// a Table and sets of them are bitsets over it, because one organization evaluates the same hundred strings for every person
// on every profile; strings are touched only when something is interned, compiled or printed. Everything is a pure function:
// results depend on the strings alone, never on the order in which a table met them.
package permission
