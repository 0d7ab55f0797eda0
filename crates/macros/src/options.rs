//! The options of the attribute: which there are, which belong together, and the statements they become.

use proc_macro2::TokenStream as Tokens;
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, Ident, Lit, Result, Token};

/// Every option, in the order in which messages list them.
const NAMES: &[&str] = &[
    "name",
    "retries",
    "retry_delay",
    "retry_backoff",
    "retry_max_delay",
    "retry_jitter",
    "timeout",
    "artifact_ttl",
    "tags",
    "rate_limit",
    "max_concurrency",
    "routing_group",
    "group_max_concurrency",
    "concurrency_key",
    "key_max_concurrency",
    "cache_key",
    "cache_ttl",
    "cron",
    "timezone",
    "missed_run_policy",
    "max_catch_up_seconds",
    "event",
    "on_start",
    "on_success",
    "on_failure",
    "on_retry",
    "on_complete",
];

/// Options that are functions.
const HOOKS: &[&str] = &["on_start", "on_success", "on_failure", "on_retry", "on_complete"];

/// Options that mean nothing without another one.
const NEEDS: &[(&str, &str)] = &[
    ("key_max_concurrency", "concurrency_key"),
    ("cache_ttl", "cache_key"),
    ("timezone", "cron"),
    ("missed_run_policy", "cron"),
    ("max_catch_up_seconds", "cron"),
];

/// The words of `MissedRunPolicy` with its variants.
const MISSED_RUN_POLICIES: &[(&str, &str)] =
    &[("catch_up", "CatchUp"), ("latest_only", "LatestOnly"), ("skip", "Skip")];

/// The `name = value` pairs of the attribute.
pub(crate) struct Options(Vec<(Ident, Expr)>);

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self(Vec::new());
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            if !NAMES.iter().any(|name| key == name) {
                return Err(Error::new(key.span(), unknown_option(&key.to_string())));
            }
            if options.0.iter().any(|(given, _)| *given == key) {
                return Err(Error::new(key.span(), format!("`{key}` is given twice")));
            }
            input.parse::<Token![=]>()?;
            let value: Expr = input.parse()?;
            if is_hook(&key) && matches!(value, Expr::Lit(_)) {
                let message = format!("`{key}` is a function to call: give its name, or a closure");
                return Err(Error::new(value.span(), message));
            }
            options.0.push((key, value));
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        options.check_together()?;
        Ok(options)
    }
}

impl Options {
    fn key(&self, name: &str) -> Option<&Ident> {
        self.0.iter().find(|(key, _)| key == name).map(|(key, _)| key)
    }

    pub(crate) fn value(&self, name: &str) -> Option<&Expr> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(crate) fn is_event(&self) -> bool {
        self.value("event").is_some()
    }

    pub(crate) fn is_cron(&self) -> bool {
        self.value("cron").is_some()
    }

    fn check_together(&self) -> Result<()> {
        if let Some(event) = self.key("event").filter(|_| self.is_cron()) {
            let message = "a task runs by a schedule or by events, not both: make it two tasks";
            return Err(Error::new(event.span(), message));
        }
        for (option, needed) in NEEDS {
            if let Some(key) = self.key(option)
                && self.value(needed).is_none()
            {
                return Err(Error::new(key.span(), format!("`{option}` needs `{needed}`")));
            }
        }
        Ok(())
    }

    /// The hooks, set on the value that is none of them.
    pub(crate) fn hooks(&self) -> Option<Tokens> {
        let hooks = self.0.iter().filter(|(key, _)| is_hook(key));
        let setters: Vec<_> = hooks.map(|(key, hook)| quote_spanned!(hook.span()=> .#key(#hook))).collect();
        (!setters.is_empty()).then(|| quote!(::upnext::Hooks::default() #(#setters)*))
    }

    /// Statements that set what the attribute names on `__definition`, in a function that answers a `Result`.
    pub(crate) fn statements(&self) -> Result<Tokens> {
        let statements = self.0.iter().map(|(key, value)| self.statement(&key.to_string(), value));
        let statements = statements.collect::<Result<Vec<_>>>()?;
        let kind = if self.is_event() {
            // An event has whatever fields it has; a handler takes those that it names.
            quote! {
                __definition.job_type = ::upnext::JobType::Event;
                __definition.takes_any = true;
            }
        } else {
            quote!()
        };
        Ok(quote!(#kind #(#statements)*))
    }

    fn statement(&self, name: &str, value: &Expr) -> Result<Tokens> {
        let some = |field: Tokens| quote!(__definition.#field = ::core::option::Option::Some(#value););
        let seconds = quote!(::upnext::__private::Seconds::seconds(#value));
        let some_seconds =
            |field: Tokens| quote!(__definition.#field = ::core::option::Option::Some(#seconds););
        Ok(match name {
            "retries" => quote!(__definition.retry.max_retries = #value;),
            "retry_delay" => quote!(__definition.retry.delay = #seconds;),
            "retry_backoff" => quote!(__definition.retry.backoff = #value;),
            "retry_max_delay" => quote!(__definition.retry.max_delay = #seconds;),
            "retry_jitter" => quote!(__definition.retry.jitter = #value;),
            "timeout" => quote!(__definition.timeout = #seconds;),
            "artifact_ttl" => some_seconds(quote!(artifact_ttl)),
            "tags" => quote! {
                __definition.tags =
                    ::std::iter::IntoIterator::into_iter(#value).map(::std::string::String::from).collect();
            },
            "rate_limit" => quote! {
                __definition.limits.rate_limit = ::upnext::__private::rate_limit(&__definition.key, #value)?;
            },
            "max_concurrency" => some(quote!(limits.max_concurrency)),
            "routing_group" => quote! {
                __definition.limits.routing_group =
                    ::core::option::Option::Some(::std::string::String::from(#value));
            },
            "group_max_concurrency" => some(quote!(limits.group_max_concurrency)),
            "concurrency_key" => template(&quote!(concurrency_key), name, value),
            "key_max_concurrency" => some(quote!(key_max_concurrency)),
            "cache_key" => template(&quote!(cache_key), name, value),
            "cache_ttl" => some_seconds(quote!(cache_ttl)),
            "cron" => self.cron(value)?,
            "event" => quote! {
                __definition.pattern = ::upnext::__private::pattern(&__definition.key, #value)?;
            },
            // The name stands before all others, hooks in a function of their own; the rest is part of the cron rule.
            _ => quote!(),
        })
    }

    fn cron(&self, schedule: &Expr) -> Result<Tokens> {
        let timezone = self.value("timezone").map(
            |zone| quote!(__cron.timezone = ::core::option::Option::Some(::std::string::String::from(#zone));),
        );
        let policy = self.value("missed_run_policy").map(missed_run_policy).transpose()?;
        let policy = policy.map(|policy| quote!(__cron.missed_run_policy = #policy;));
        let reach = self.value("max_catch_up_seconds").map(|reach| {
            quote! {
                __cron.max_catch_up_seconds =
                    ::core::option::Option::Some(::upnext::__private::Seconds::seconds(#reach));
            }
        });
        Ok(quote! {
            let mut __cron = ::upnext::__private::CronRule::new(#schedule);
            #timezone #policy #reach
            __definition.job_type = ::upnext::JobType::Cron;
            __definition.cron = ::core::option::Option::Some(__cron);
        })
    }
}

fn is_hook(key: &Ident) -> bool {
    HOOKS.iter().any(|hook| key == hook)
}

fn template(field: &Tokens, name: &str, value: &Expr) -> Tokens {
    quote!(__definition.#field = ::upnext::__private::template(&__definition.key, #name, #value)?;)
}

/// A word, or any expression of the type `MissedRunPolicy`.
fn missed_run_policy(value: &Expr) -> Result<Tokens> {
    let Expr::Lit(ExprLit { lit: Lit::Str(word), .. }) = value else { return Ok(quote!(#value)) };
    let Some((_, variant)) = MISSED_RUN_POLICIES.iter().find(|(known, _)| *known == word.value()) else {
        let message = format!(
            "{:?} is not a missed run policy: use \"catch_up\", \"latest_only\" or \"skip\"",
            word.value()
        );
        return Err(Error::new(word.span(), message));
    };
    let variant = Ident::new(variant, word.span());
    Ok(quote!(::upnext::MissedRunPolicy::#variant))
}

fn unknown_option(given: &str) -> String {
    let nearest = NAMES.iter().map(|name| (strsim::jaro_winkler(given, name), *name));
    let nearest = nearest.filter(|(likeness, _)| *likeness > 0.85).max_by(|a, b| a.0.total_cmp(&b.0));
    let advice = nearest.map_or_else(
        || format!("the options are {}", NAMES.join(", ")),
        |(_, name)| format!("did you mean `{name}`?"),
    );
    format!("`{given}` is not an option of #[upnext::task]: {advice}")
}
