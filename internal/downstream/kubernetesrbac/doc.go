// Package kubernetesrbac is the driver for Kubernetes itself (API.md 4.10 and 6): people with a username and an open gate are
// bound, by RoleBindings of the namespace of their organization, to the ClusterRole of their account role.
//
// A record is the RoleBinding of one person. It is known by a label and an annotation with the identity key, and its name is
// made of the ClusterRole and the key, so that another ClusterRole is another RoleBinding: it is there before the former one
// goes, and roleRef never has to change. Whoever is not to be bound has no RoleBinding.
//
// The operator binds what it holds the verb bind for, by the name of the ClusterRole, and nothing else. The API server would
// also let it bind a ClusterRole whose every permission it has itself, so the driver asks for the verb first.
//
// The driver uses the account of the manager and needs no Secret. It has a client of its own, because that of the manager
// tries again by itself when it is throttled.
package kubernetesrbac
