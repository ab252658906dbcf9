package provider

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

var (
	formatPath     = path.Root("format")
	kubernetesPath = path.Root("kubernetes")
)

var kubernetesTypes = map[string]attr.Type{
	"name": types.StringType, "namespace": types.StringType, "type": types.StringType,
	"labels": types.MapType{ElemType: types.StringType}, "annotations": types.MapType{ElemType: types.StringType},
}

// kubernetesSchema is the attribute kubernetes.
func kubernetesSchema() schema.Attribute {
	texts := func(check func(key, value string) error, description string) schema.MapAttribute {
		return schema.MapAttribute{
			ElementType: types.StringType, Optional: true, PlanModifiers: []planmodifier.Map{nullIsAbsent()},
			Validators: []validator.Map{checkedPairs{check}}, MarkdownDescription: description + " " + nullRule,
		}
	}
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "What the manifest of `format = \"sops_kubernetes\"` says in addition to the entries, in clear. Required there, and refused elsewhere. A change encrypts again. " +
			"What Kubernetes would refuse is an error of the plan.",
		Attributes: map[string]schema.Attribute{
			"name":      schema.StringAttribute{Required: true, Validators: []validator.String{checkedBy{bundle.CheckKubernetesName}}, MarkdownDescription: "The Secret's name."},
			"namespace": schema.StringAttribute{Optional: true, Validators: []validator.String{checkedBy{bundle.CheckKubernetesNamespace}}, MarkdownDescription: "The Secret's namespace. Default: the namespace of the command that applies the manifest."},
			"type": schema.StringAttribute{Optional: true, Validators: []validator.String{checkedBy{bundle.CheckKubernetesType}}, MarkdownDescription: "The Secret's type. Default `" + bundle.OpaqueSecret + "`. " +
				"A plan checks that the entries are there of which Kubernetes asks with `kubernetes.io/tls`, `kubernetes.io/ssh-auth`, `kubernetes.io/basic-auth`, `kubernetes.io/dockercfg` and `kubernetes.io/dockerconfigjson`. Kubernetes does not change the type of a Secret that exists."},
			"labels":      texts(bundle.CheckKubernetesLabel, "The Secret's labels."),
			"annotations": texts(bundle.CheckKubernetesAnnotation, "The Secret's annotations, 256 KiB at most."),
		},
	}
}

// kubernetes is what the attribute says, nil if it is not set or not known as a whole.
func (m bundleModel) kubernetes() *bundle.Kubernetes {
	if m.Kubernetes.IsNull() || m.kubernetesUnknown() {
		return nil
	}
	attributes := m.Kubernetes.Attributes()
	text := func(name string) string {
		value, _ := attributes[name].(basetypes.StringValue)
		return value.ValueString()
	}
	texts := func(name string) map[string]string {
		pairs := map[string]string{}
		value, _ := attributes[name].(basetypes.MapValue)
		for key, element := range present(value) {
			if text, ok := element.(basetypes.StringValue); ok {
				pairs[key] = text.ValueString()
			}
		}
		return pairs
	}
	return &bundle.Kubernetes{
		Name: text("name"), Namespace: text("namespace"), Type: text("type"), Labels: texts("labels"), Annotations: texts("annotations"),
	}
}

// kubernetesUnknown reports whether some of it is not known yet.
func (m bundleModel) kubernetesUnknown() bool {
	if m.Kubernetes.IsUnknown() {
		return true
	}
	for _, value := range m.Kubernetes.Attributes() {
		if value.IsUnknown() {
			return true
		}
		texts, _ := value.(basetypes.MapValue)
		for _, text := range texts.Elements() {
			if text.IsUnknown() {
				return true
			}
		}
	}
	return false
}

// setKubernetes puts what the manifest of an imported bundle says.
func (m *bundleModel) setKubernetes(k bundle.Kubernetes) {
	text := func(value string) attr.Value {
		if value == "" {
			return types.StringNull()
		}
		return types.StringValue(value)
	}
	texts := func(pairs map[string]string) attr.Value {
		if len(pairs) == 0 {
			return types.MapNull(types.StringType)
		}
		elements := map[string]attr.Value{}
		for key, value := range pairs {
			elements[key] = types.StringValue(value)
		}
		return types.MapValueMust(types.StringType, elements)
	}
	m.Kubernetes = types.ObjectValueMust(kubernetesTypes, map[string]attr.Value{
		"name": text(k.Name), "namespace": text(k.Namespace), "type": text(k.Type), "labels": texts(k.Labels), "annotations": texts(k.Annotations),
	})
}

// checkKubernetes reports what of kubernetes does not fit the format and the entries.
func (c *bundleChange) checkKubernetes() (diags diag.Diagnostics) {
	if c.plan.Format.IsUnknown() {
		return diags
	}
	is := bundle.Format(c.plan.Format.ValueString()) == bundle.SOPSKubernetes
	switch {
	case is && c.plan.Kubernetes.IsNull():
		diags.AddAttributeError(formatPath, "No name for the Secret", "format = \"sops_kubernetes\" makes the manifest of a Secret: set kubernetes = { name = \"…\" }.")
	case !is && !c.plan.Kubernetes.IsNull():
		diags.AddAttributeError(kubernetesPath, "kubernetes has no effect", "Only format = \"sops_kubernetes\" makes the manifest of a Secret: set that, or remove kubernetes.")
	}
	k := c.plan.kubernetes()
	if !is || k == nil {
		return diags
	}
	if err := k.CheckAnnotations(); err != nil {
		diags.AddAttributeError(kubernetesPath.AtName("annotations"), "Not annotations that Kubernetes takes", sentence(err))
	}
	effect := c.request().Effect(c.prior, nil)
	if missing := k.Missing(effect.Names); effect.NamesKnown && len(missing) > 0 {
		diags.AddAttributeError(kubernetesPath.AtName("type"), "Entries are missing",
			fmt.Sprintf("Kubernetes refuses a Secret of type %s without these entries: %s. Add them, or set another type.", k.Type, strings.Join(missing, ", ")))
	}
	return diags
}

// warnValues tells of values that an older sops changes.
func (c *bundleChange) warnValues() (diags diag.Diagnostics) {
	params := c.plan.params(c.after)
	for _, line := range c.wanted.Document.Lines {
		if line.IsComment() {
			continue
		}
		if warning := params.ValueWarning(line.Value); warning != "" {
			diags.AddAttributeWarning(formatPath, "An old sops changes a value: "+line.Key, "In "+c.wanted.path(c.config).String()+": "+line.Key+": "+warning+".")
		}
	}
	return diags
}
