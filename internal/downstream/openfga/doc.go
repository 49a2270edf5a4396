// Package openfga is the driver of OpenFGA: it keeps groups and access as relationship tuples, so that other programs can ask
// `may they?` and `who may?` where they are.
//
// # Model
//
// model.json is the authorization model. One question is asked of a profile, or of the organization: can, with the permission
// in the context. A tuple of relation granted holds the permissions as the context of its condition, so permissions are not
// part of the model, and a vocabulary of one's own needs no change of it. A group has members, supervisors, and answerers: those
// of its members whose access on the profiles of the group is what the group conveys, who then need no tuple for each profile.
//
// # Slots
//
// A tuple is known by its object, relation and user; its condition cannot be changed, and one request may not delete and
// write the same tuple. So the relations whose tuples have conditions exist twice, granted_a and granted_b, and count alike.
// Where more is given, the new tuple is written in the other slot, and the old one, which gives nothing beside, stays until its slot
// is needed: somebody who asks meanwhile reads one slot after the other, and finds neither tuple if they change places. Where
// less is given, the old tuple is deleted in a later request.
//
// # Records
//
// The access of somebody is all tuples of granted and conveys with the teammate as their user. A group is all tuples of listed,
// supervisor, organization and idle with the group as their object, and those of granted with its answerers as their user. One
// of organization and idle is always there: it says that the group exists, and whether it confers anything. Tuples of other types
// and relations are nobody's business.
//
// # Reading
//
// Everything is read page by page; the last page, which has no continuation token, is the proof that all was seen. The feed of
// changes is not used.
package openfga
