package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ProfileType is the class of a profile (E-01, A-06, V-10).
// +k8s:enum
type ProfileType string

// Values of ProfileType.
const (
	ProfileTypeSocial ProfileType = "Social"
	ProfileTypeReview ProfileType = "Review"
	// ProfileTypePhone is a number or caller ID.
	ProfileTypePhone ProfileType = "Phone"
	// ProfileTypeLine is a messaging line.
	ProfileTypeLine  ProfileType = "Line"
	ProfileTypeChat  ProfileType = "Chat"
	ProfileTypeEmail ProfileType = "Email"
)

// Platform is where a profile lives (E-17).
// +k8s:enum
type Platform string

// Values of Platform.
const (
	PlatformFacebook       Platform = "Facebook"
	PlatformInstagram      Platform = "Instagram"
	PlatformX              Platform = "X"
	PlatformLinkedIn       Platform = "LinkedIn"
	PlatformTikTok         Platform = "TikTok"
	PlatformYouTube        Platform = "YouTube"
	PlatformWhatsApp       Platform = "WhatsApp"
	PlatformGoogleBusiness Platform = "GoogleBusiness"
	PlatformTelegram       Platform = "Telegram"
	PlatformViber          Platform = "Viber"
	PlatformWebchat        Platform = "Webchat"
	PlatformSMS            Platform = "SMS"
	PlatformEmail          Platform = "Email"
	PlatformVoice          Platform = "Voice"
	PlatformCustom         Platform = "Custom"
)

// ProfileSpec declares one address at which customers reach the organization.
// +kubebuilder:validation:XValidation:rule="!(self.type in ['Social', 'Review']) || has(self.platform)",message="set platform: profiles of type Social and Review live on one"
// +kubebuilder:validation:XValidation:rule="!(self.type in ['Phone', 'Line']) || has(self.phoneNumber)",message="set phoneNumber: profiles of type Phone and Line are numbers"
type ProfileSpec struct {
	// displayName is the name shown to people. Absent: the object's name (E-01).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	DisplayName *string `json:"displayName,omitempty"`

	// type is the class of the profile; it cannot change later (E-01, A-06, V-10).
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="keep type as it was when the profile was created; make another profile for another type"
	Type ProfileType `json:"type"`

	// platform is where the profile lives; required for Social and Review (E-17).
	// +optional
	Platform *Platform `json:"platform,omitempty"`

	// externalID is the key in the connected system, unique per platform; the later holder gets KeysUnique=False.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	ExternalID *string `json:"externalID,omitempty"`

	// language is the language spoken there, for selectors (E-07).
	// +optional
	// +kubebuilder:validation:MaxLength=35
	// +kubebuilder:validation:Pattern=`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`
	Language *string `json:"language,omitempty"`

	// region is a classification, for selectors (E-04).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Region *string `json:"region,omitempty"`

	// phoneNumber is the number in E.164 form; required for Phone and Line, unique per type: the later holder gets
	// KeysUnique=False (V-10).
	// +optional
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:Pattern=`^\+[1-9][0-9]{1,14}$`
	PhoneNumber *string `json:"phoneNumber,omitempty"`

	// practiceName is the name of the practice that owns the profile. A Line without it, under practiceScoping Enabled,
	// is in no practice and gets ReferencesResolved=False, PracticeScoping.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	PracticeName *string `json:"practiceName,omitempty"`

	// state Disabled makes the profile contribute nothing anywhere.
	// +optional
	// +kubebuilder:default=Enabled
	State Switch `json:"state,omitempty"`
}

// ProfileStatus is what the operator found.
type ProfileStatus struct {
	// observedGeneration is the generation that the conditions are about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready, KeysUnique, ReferencesResolved, and Reconciling or Stalled while they hold.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Profile is one address at which customers reach the organization: an account of a social network, a number, a line.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=prof,categories=rollcall
// +kubebuilder:selectablefield:JSONPath=`.spec.type`
// +kubebuilder:selectablefield:JSONPath=`.spec.platform`
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="Platform",type=string,JSONPath=`.spec.platform`
// +kubebuilder:printcolumn:name="Language",type=string,JSONPath=`.spec.language`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.spec.state`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="use a name of at most 63 characters"
type Profile struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec declares the profile.
	// +required
	Spec ProfileSpec `json:"spec"`

	// status is what the operator found.
	// +optional
	Status ProfileStatus `json:"status,omitzero"`
}

// ProfileList is a list of Profiles.
// +kubebuilder:object:root=true
type ProfileList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the Profiles.
	Items []Profile `json:"items"`
}
