//! The `#[upnext::task]` attribute. Its documentation is in the crate `upnext`, which re-exports it.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Error, Expr, FnArg, Ident, ItemFn, Pat, Result, ReturnType, Token, Type, parse_macro_input};

#[allow(missing_docs)]
#[proc_macro_attribute]
pub fn task(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(attribute as Options);
    let function = parse_macro_input!(item as ItemFn);
    expand(&options, &function).unwrap_or_else(Error::into_compile_error).into()
}

/// The `name = value` pairs of the attribute.
#[derive(Default)]
struct Options {
    name: Option<Expr>,
    retries: Option<Expr>,
    retry_delay: Option<Expr>,
    retry_backoff: Option<Expr>,
    timeout: Option<Expr>,
    artifact_ttl: Option<Expr>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            let slot = match key.to_string().as_str() {
                "name" => &mut options.name,
                "retries" => &mut options.retries,
                "retry_delay" => &mut options.retry_delay,
                "retry_backoff" => &mut options.retry_backoff,
                "timeout" => &mut options.timeout,
                "artifact_ttl" => &mut options.artifact_ttl,
                other => {
                    let message = format!(
                        "`{other}` is not an option of #[upnext::task]: use name, retries, retry_delay, retry_backoff, timeout or artifact_ttl"
                    );
                    return Err(Error::new(key.span(), message));
                }
            };
            if slot.is_some() {
                return Err(Error::new(key.span(), format!("`{key}` is given twice")));
            }
            *slot = Some(input.parse()?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

/// The arguments of the task: names and types, in order.
fn arguments(function: &ItemFn) -> Result<Vec<(&Ident, &Type)>> {
    function
        .sig
        .inputs
        .iter()
        .map(|input| match input {
            FnArg::Receiver(receiver) => {
                Err(Error::new_spanned(receiver, "a task is a free function: it takes no self"))
            }
            FnArg::Typed(typed) => match &*typed.pat {
                Pat::Ident(pattern) => Ok((&pattern.ident, &*typed.ty)),
                other => Err(Error::new_spanned(
                    other,
                    "an argument of a task needs a plain name: jobs carry named arguments",
                )),
            },
        })
        .collect()
}

/// The task's output type, and whether the function wraps it in a `Result`.
fn output(function: &ItemFn) -> (Tokens, bool) {
    let ReturnType::Type(_, declared) = &function.sig.output else { return (quote!(()), false) };
    if let Type::Path(path) = &**declared
        && let Some(last) = path.path.segments.last()
        && last.ident == "Result"
        && let syn::PathArguments::AngleBracketed(generics) = &last.arguments
        && let Some(syn::GenericArgument::Type(value)) = generics.args.first()
    {
        return (quote!(#value), true);
    }
    (quote!(#declared), false)
}

fn expand(options: &Options, function: &ItemFn) -> Result<Tokens> {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        return Err(Error::new_spanned(
            signature.fn_token,
            "a task is an `async fn`; wrap blocking work in tokio::task::spawn_blocking",
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &signature.generics,
            "a task has no generic parameters: its arguments travel as JSON",
        ));
    }
    let arguments = arguments(function)?;
    let names: Vec<&Ident> = arguments.iter().map(|(name, _)| *name).collect();
    let types: Vec<&Type> = arguments.iter().map(|(_, kind)| *kind).collect();
    let (output, fallible) = output(function);
    let (visibility, ident, body) = (&function.vis, &signature.ident, &function.block);
    let (declared_output, inputs, attributes) = (&signature.output, &signature.inputs, &function.attrs);
    let args = format_ident!("__{}_arguments", ident);
    let key = options.name.as_ref().map_or_else(|| quote!(stringify!(#ident)), |name| quote!(#name));
    let policy = policy(options);
    let outcome = if fallible {
        quote!(Self::call(#(arguments.#names),*).await.map_err(::upnext::TaskFailure::new))
    } else {
        quote!(::core::result::Result::Ok(Self::call(#(arguments.#names),*).await))
    };
    let optional = types.iter().map(|kind| is_option(kind));
    Ok(quote! {
        #[allow(non_camel_case_types)]
        #[derive(Debug, Clone, Copy)]
        #(#attributes)*
        #visibility struct #ident;

        #[doc(hidden)]
        #[allow(non_camel_case_types)]
        #[derive(::upnext::__private::serde::Serialize, ::upnext::__private::serde::Deserialize)]
        #[serde(crate = "::upnext::__private::serde", deny_unknown_fields)]
        #visibility struct #args { #(#names: #types),* }

        impl #ident {
            /// Runs the task right here, outside of any job.
            #visibility async fn call(#inputs) #declared_output #body

            /// Submits a job that runs this task. When this returns the job is durable.
            #visibility async fn submit(self, app: &::upnext::UpNext, #inputs)
                -> ::core::result::Result<::upnext::JobFuture<#output>, ::upnext::Error>
            {
                app.submit::<Self>(&#args { #(#names),* }).await
            }

            /// Submits a job and waits for what it returns.
            #visibility async fn wait(self, app: &::upnext::UpNext, #inputs)
                -> ::core::result::Result<::upnext::TaskResult<#output>, ::upnext::Error>
            {
                app.submit::<Self>(&#args { #(#names),* }).await?.result().await
            }
        }

        impl ::upnext::Task for #ident {
            type Arguments = #args;
            type Output = #output;

            fn definition() -> ::upnext::FunctionDefinition {
                let mut definition = ::upnext::FunctionDefinition::task(#key);
                definition.parameters = ::core::option::Option::Some(::std::vec![
                    #(::upnext::Parameter { name: stringify!(#names).to_owned(), required: !#optional }),*
                ]);
                #policy
                definition
            }

            async fn run(arguments: Self::Arguments)
                -> ::core::result::Result<Self::Output, ::upnext::TaskFailure>
            {
                #outcome
            }
        }
    })
}

/// Statements that set the policy the attribute names.
fn policy(options: &Options) -> Tokens {
    let assign = |value: &Option<Expr>, target: Tokens| {
        value.as_ref().map(|value| quote!(#target = #value;)).unwrap_or_default()
    };
    let retries = assign(&options.retries, quote!(definition.retry.max_retries));
    let delay = assign(&options.retry_delay, quote!(definition.retry.delay));
    let backoff = assign(&options.retry_backoff, quote!(definition.retry.backoff));
    let timeout = assign(&options.timeout, quote!(definition.timeout));
    let artifact_ttl = options
        .artifact_ttl
        .as_ref()
        .map(|ttl| quote!(definition.artifact_ttl = ::core::option::Option::Some(#ttl);));
    quote!(#retries #delay #backoff #timeout #artifact_ttl)
}

/// True for `Option<...>`: serde fills it in when it is missing, so callers may leave it out.
fn is_option(kind: &Type) -> bool {
    matches!(kind, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "Option"))
}
