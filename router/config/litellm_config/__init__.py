"""A LiteLLM proxy's config -> the text of a policy, with a comment at each place where something was left out.

    reader        its YAML, with where each value stands, and what is wrong with it
    notes         what is said of a place in it
    key_names     variables for its keys; a key itself goes nowhere
    providers     "provider/model" and an address -> the kind of backend that reaches it
    deployments   entries of model_list, each as a backend and a model of it
    backends      deployments that differ in nothing but the model become one backend
    models        what clients ask for, with aliases and fallbacks
    limits        rpm, tpm and max_budget -> budgets
    settings      the other sections: what has a counterpart here, and what to do about what has none
    policy_text   all of that as YAML
    convert       the whole, and what `check` says of it

The form of these configs is LiteLLM's: https://docs.litellm.ai/docs/proxy/config_settings
"""
