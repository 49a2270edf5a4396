package v1alpha1

// Conditions carried by several kinds. Those of one kind stand beside its type. All but Reconciling, Stalled and those
// that say otherwise are of positive polarity: True is the good state.
const (
	// ConditionReady is True when the object has been computed and is in effect as far as its references allow. Every
	// kind but Ledger has it.
	ConditionReady = "Ready"
	// ConditionReconciling is present, and True, only while a newer generation is still being computed.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is present, and True, only while another condition keeps the object from taking effect; it
	// carries that condition's reason.
	ConditionStalled = "Stalled"
)

// Reasons of Ready and Reconciling.
const (
	// ReasonNoOrganization surfaces on every input while the namespace has no Organization named default.
	ReasonNoOrganization = "NoOrganization"
	// ReasonInvalid surfaces when the object breaks a rule that keeps it from taking effect.
	ReasonInvalid = "Invalid"
	// ReasonContactCenterDisabled surfaces on voice objects while Organization.spec.contactCenter is Disabled.
	ReasonContactCenterDisabled = "ContactCenterDisabled"
	// ReasonInternalError surfaces when the operator failed; it retries by itself.
	ReasonInternalError = "InternalError"
	// ReasonUnknownTimeZone surfaces on a Schedule or an Organization whose timeZone cannot be loaded.
	ReasonUnknownTimeZone = "UnknownTimeZone"
	// ReasonProgressing is the reason of Reconciling.
	ReasonProgressing = "Progressing"
)

// ConditionPolicyCompliant is False on an AccountRole, Teammate or UserGroup that the organization's resolved policies
// do not allow as it is written. Its reasons stand beside those kinds.
const ConditionPolicyCompliant = "PolicyCompliant"

// ConditionReferencesResolved is False while a reference or selector of the object leads nowhere. The reference
// contributes nothing and heals when its object appears.
const ConditionReferencesResolved = "ReferencesResolved"

// Reasons of ReferencesResolved=False.
const (
	// ReasonUnresolvedReference surfaces when a named object does not exist; the first ten are named in the message.
	ReasonUnresolvedReference = "UnresolvedReference"
	// ReasonWrongType surfaces when the named object exists and is of the wrong type, such as a caller ID that is no
	// Phone.
	ReasonWrongType = "WrongType"
	// ReasonInvalidSelector surfaces when a selector cannot be parsed; it selects nothing.
	ReasonInvalidSelector = "InvalidSelector"
	// ReasonPracticeScoping surfaces on a Profile of type Line without practiceName under practiceScoping=Enabled, and
	// in PolicyCompliant on a UserGroup whose scope the policy does not allow.
	ReasonPracticeScoping = "PracticeScoping"
)

// ConditionKeysUnique is False on an object that lost a unique key (e-mail, extension, handle, external ID…) to an
// older holder.
const ConditionKeysUnique = "KeysUnique"

// ReasonDuplicateKey is the reason of KeysUnique=False; the message names key and holder.
const ReasonDuplicateKey = "DuplicateKey"

// ConditionPermissionsKnown is False on a role that names a permission outside the well-known ones and the
// organization's vocabulary. Ready is not affected.
const ConditionPermissionsKnown = "PermissionsKnown"

// ReasonUnknownPermission is the reason of PermissionsKnown=False; the first ten are named.
const ReasonUnknownPermission = "UnknownPermission"

// ConditionIncludesAcyclic is False on a UserGroup or ProfileRole that includes itself over others.
const ConditionIncludesAcyclic = "IncludesAcyclic"

// ReasonIncludeCycle is the reason of IncludesAcyclic=False; the message prints the cycle as a -> b -> a.
const ReasonIncludeCycle = "IncludeCycle"

// ConditionRoutable is False on a Department, or its RoutePlan, that nobody can serve.
const ConditionRoutable = "Routable"

// Reasons of Routable=False.
const (
	// ReasonNoCandidates surfaces when no teammate is eligible.
	ReasonNoCandidates = "NoCandidates"
	// ReasonAllGroupsDisabled surfaces when groups are named and every one of them is Disabled.
	ReasonAllGroupsDisabled = "AllGroupsDisabled"
)

// ConditionOverflowAcyclic is False when following overflow leads back to the object; its own overflow is then ignored.
const ConditionOverflowAcyclic = "OverflowAcyclic"

// ReasonOverflowCycle is the reason of OverflowAcyclic=False.
const ReasonOverflowCycle = "OverflowCycle"

// ConditionInboundUnique is False when an inbound profile is already served by another target (order: departments,
// queues, groups; then name).
const ConditionInboundUnique = "InboundUnique"

// ReasonInboundConflict is the reason of InboundUnique=False.
const ReasonInboundConflict = "InboundConflict"

// ReasonBaseTypeNotAllowed surfaces in RoleAllowed of a Teammate whose role has a base type outside
// roleModel.allowedBaseTypes, and as the reason of a rejected group member outside groupMemberBaseTypes.
const ReasonBaseTypeNotAllowed = "BaseTypeNotAllowed"
