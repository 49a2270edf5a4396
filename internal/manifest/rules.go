package manifest

import (
	"regexp"
)

// celRule recognizes a CEL rule of API.md section 8 by its expression, which the CRDs carry word for word.
type celRule struct {
	id         string
	expression *regexp.Regexp
	// on is the type of what the rule is on, where the same expression is another rule elsewhere.
	on string
	// field is what a rule on the root speaks of; rules elsewhere are reported where they stand.
	field string
}

// celRules lists what each expression is. A test holds it against every rule of every CRD: each must match exactly one row.
var celRules = []celRule{
	{id: "CEL-1", expression: regexp.MustCompile(`^size\(self\.metadata\.name\) <= 63$`), field: "metadata.name"},
	{id: "CEL-2", expression: regexp.MustCompile(`^self\.metadata\.name == 'default'$`), field: "metadata.name"},
	{id: "CEL-3", expression: regexp.MustCompile(`^has\(self\.email\) \|\| has\(self\.employeeID\)`)},
	{id: "CEL-4", expression: regexp.MustCompile(`self\.onboarding\.method in \['Invite', 'Import'\]`)},
	{id: "CEL-5", expression: regexp.MustCompile(`self\.spec\.teamLeaderRef\.name != self\.metadata\.name`), field: "spec.teamLeaderRef"},
	{id: "CEL-6", expression: regexp.MustCompile(`^\(self\.type == 'Queues'\) == `)},
	{id: "CEL-7", expression: regexp.MustCompile(`^self\.state == 'Blocked' \? `)},
	{id: "CEL-8", expression: regexp.MustCompile(`^self\.scope == 'Practice' \? `)},
	{id: "CEL-9", expression: regexp.MustCompile(`^\(self\.strategy == 'Sequential'\) == has\(self\.maxGroupDialingTime\)$`)},
	{id: "CEL-10", expression: regexp.MustCompile(`duration\(self\.maxGroupDialingTime\) >= duration\(self\.maxRingTime\)`)},
	{id: "CEL-11", expression: regexp.MustCompile(`^self\.override != 'Enabled' \|\| has\(self\.source\)$|^\(self\.type == '(Library|URL|ConfigMap)'\) == `)},
	{id: "CEL-12", expression: regexp.MustCompile(`self\.spec\.includes\.exists\(`), field: "spec.includes"},
	{id: "CEL-13", expression: regexp.MustCompile(`^!has\(self\.from\) \|\| !has\(self\.until\) \|\| self\.from < self\.until$`)},
	{id: "CEL-14", expression: regexp.MustCompile(`^duration\(self\) >= duration\('[^']+'\) && duration\(self\) <= duration\('[^']+'\)$`)},
	{id: "CEL-15", expression: regexp.MustCompile(`^self == -1 \|\| `)},
	{id: "CEL-16", expression: regexp.MustCompile(`^!\(self\.type in \['(Social', 'Review|Phone', 'Line)'\]\) \|\| has\(self\.(platform|phoneNumber)\)$`)},
	{id: "CEL-17", expression: regexp.MustCompile(`self\.map\(g, g\.weight\)\.sum\(\) == 100`)},
	{id: "CEL-18", expression: regexp.MustCompile(`^\(self\.type in \['Department', 'Queue', 'UserGroup'\]\) == has\(self\.name\)$`)},
	{id: "CEL-19", expression: regexp.MustCompile(`^oldSelf\.state != 'Active' \|\| self\.mode == oldSelf\.mode$|^!has\(self\.maxAbandonRatePercent\) \|\| `)},
	{id: "CEL-20", expression: regexp.MustCompile(`^\(has\(self\.groups\) && size\(self\.groups\) > 0\) \|\| |^has\(self\.conversation\) \|\| `)},
	{id: "CEL-21", expression: regexp.MustCompile(`^has\(self\.[a-z]+\) == has\(oldSelf\.[a-z]+\) && `)},
	{id: "CEL-21", expression: regexp.MustCompile(`^self == oldSelf$`), on: "object"},
	{id: "CEL-22", expression: regexp.MustCompile(`^\(self\.type == 'Automation'\) == |^self\.type == 'Manual' \|\| `)},
	{id: "CEL-23", expression: regexp.MustCompile(`^\(self\.type == '(Mention|SendResponse)'\) == |^\(has\(self\.teammates\) && size\(self\.teammates\) > 0\) \|\| `)},
	{id: "CEL-24", expression: regexp.MustCompile(`^\(?self\.driver (==|!=) '[A-Za-z]+'`)},
	{id: "CEL-25", expression: regexp.MustCompile(`^self == oldSelf$`), on: "string"},
	{id: "CEL-25", expression: regexp.MustCompile(`^self\.spec\.onboarding\.method == oldSelf\.`), field: "spec.onboarding.method"},
	{id: "CEL-26", expression: regexp.MustCompile(`self\.username\.startsWith\('system:'\)`)},
	{id: "CEL-27", expression: regexp.MustCompile(`^!self\.startsWith\('conversation\.'\)$`)},
}

// expression is one CEL rule of a CRD, and the type of what it is on.
type expression struct {
	text, on string
}

func (r celRule) is(e expression) bool {
	return r.expression.MatchString(e.text) && (r.on == "" || r.on == e.on)
}

// ruleOf names the rule of an expression. One that is not in the table counts as part of the schema.
func ruleOf(e expression) celRule {
	for _, r := range celRules {
		if r.is(e) {
			return r
		}
	}
	return celRule{id: RuleSchema}
}
