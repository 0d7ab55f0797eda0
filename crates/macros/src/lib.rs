//! The `#[upnext::task]` attribute. Its documentation is in the crate `upnext`, which re-exports it.

mod options;

use proc_macro::TokenStream;
use proc_macro2::{Span, TokenStream as Tokens};
use quote::{format_ident, quote};
use syn::{Error, FnArg, Ident, ItemFn, Pat, Result, ReturnType, Type, parse_macro_input};

use options::Options;

#[allow(missing_docs)]
#[proc_macro_attribute]
pub fn task(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(attribute as Options);
    let function = parse_macro_input!(item as ItemFn);
    expand(&options, &function).unwrap_or_else(Error::into_compile_error).into()
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
    check_cron_arguments(options, &arguments)?;
    let task = task_type(function);
    let methods = methods(function, &arguments);
    let implementation = implementation(options, function, &arguments)?;
    let arguments = arguments_type(options, function, &arguments);
    Ok(quote!(#task #arguments #methods #implementation))
}

fn arguments_ident(function: &ItemFn) -> Ident {
    format_ident!("__{}_arguments", function.sig.ident)
}

/// The value that stands for the task.
fn task_type(function: &ItemFn) -> Tokens {
    let (visibility, ident, attributes) = (&function.vis, &function.sig.ident, &function.attrs);
    quote! {
        #[allow(non_camel_case_types)]
        #[derive(Debug, Clone, Copy)]
        #(#attributes)*
        #visibility struct #ident;
    }
}

/// The type of its arguments as they travel.
fn arguments_type(options: &Options, function: &ItemFn, arguments: &[(&Ident, &Type)]) -> Tokens {
    let (visibility, args) = (&function.vis, arguments_ident(function));
    let fields = arguments.iter().map(|(name, kind)| quote!(#name: #kind));
    let strict = (!options.is_event()).then(|| quote!(#[serde(deny_unknown_fields)]));
    quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types)]
        #[derive(::upnext::__private::serde::Serialize, ::upnext::__private::serde::Deserialize)]
        #[serde(crate = "::upnext::__private::serde")]
        #strict
        #visibility struct #args { #(#fields),* }
    }
}

/// What callers do with the task.
fn methods(function: &ItemFn, arguments: &[(&Ident, &Type)]) -> Tokens {
    let (visibility, ident, body) = (&function.vis, &function.sig.ident, &function.block);
    let (declared_output, inputs) = (&function.sig.output, &function.sig.inputs);
    let (output, _) = output(function);
    let args = arguments_ident(function);
    let names = arguments.iter().map(|(name, _)| name);
    let values = quote!(#args { #(#names),* });
    // Told apart from an argument of the same name.
    let app = Ident::new("app", Span::mixed_site());
    quote! {
        impl #ident {
            /// Runs the task right here, outside of any job.
            #visibility async fn call(#inputs) #declared_output #body

            /// Begins to describe a job that runs this task: when, how important, under which key.
            #visibility fn request(self, #inputs) -> ::upnext::Request<Self> {
                ::upnext::Request::new(&#values)
            }

            /// Submits a job that runs this task. When this returns the job is durable.
            #visibility async fn submit(self, #app: &::upnext::UpNext, #inputs)
                -> ::core::result::Result<::upnext::JobFuture<#output>, ::upnext::Error>
            {
                #app.submit::<Self>(&#values).await
            }

            /// Submits a job and waits for what it returns.
            #visibility async fn wait(self, #app: &::upnext::UpNext, #inputs)
                -> ::core::result::Result<::upnext::TaskResult<#output>, ::upnext::Error>
            {
                #app.submit::<Self>(&#values).await?.result().await
            }
        }
    }
}

/// What the worker does with the task.
fn implementation(options: &Options, function: &ItemFn, arguments: &[(&Ident, &Type)]) -> Result<Tokens> {
    let (ident, args) = (&function.sig.ident, arguments_ident(function));
    let (output, fallible) = output(function);
    let names: Vec<&Ident> = arguments.iter().map(|(name, _)| *name).collect();
    let optional = arguments.iter().map(|(_, kind)| is_option(kind));
    let key = options.value("name").map_or_else(|| quote!(stringify!(#ident)), |name| quote!(#name));
    let statements = options.statements()?;
    let hooks = options.hooks().map(|hooks| {
        quote! {
            fn hooks() -> ::upnext::Hooks {
                #hooks
            }
        }
    });
    let call = quote!(Self::call(#(arguments.#names),*).await);
    let outcome = if fallible {
        quote! {
            match #call {
                ::core::result::Result::Ok(__value) => ::core::result::Result::Ok(__value),
                ::core::result::Result::Err(__error) => {
                    #[allow(unused_imports)]
                    use ::upnext::__private::{ThrownBox, ThrownError, ThrownFailure, ThrownShared, ThrownText};
                    ::core::result::Result::Err((&&&&&::upnext::__private::Thrown(&__error)).failure())
                }
            }
        }
    } else {
        quote!(::core::result::Result::Ok(#call))
    };
    Ok(quote! {
        impl ::upnext::Task for #ident {
            type Arguments = #args;
            type Output = #output;

            fn definition() -> ::core::result::Result<::upnext::FunctionDefinition, ::upnext::Error> {
                let mut __definition = ::upnext::FunctionDefinition::task(#key);
                __definition.parameters = ::core::option::Option::Some(::std::vec![
                    #(::upnext::Parameter { name: stringify!(#names).to_owned(), required: !#optional }),*
                ]);
                #statements
                ::upnext::__private::checked(__definition)
            }

            #hooks

            async fn run(arguments: Self::Arguments)
                -> ::core::result::Result<Self::Output, ::upnext::TaskFailure>
            {
                #outcome
            }
        }
    })
}

/// A schedule makes jobs without arguments.
fn check_cron_arguments(options: &Options, arguments: &[(&Ident, &Type)]) -> Result<()> {
    let needed = arguments.iter().find(|(_, kind)| !is_option(kind));
    match needed.filter(|_| options.is_cron()) {
        None => Ok(()),
        Some((name, _)) => Err(Error::new(
            name.span(),
            format!(
                "a schedule gives no arguments, but the task needs `{name}`: make it an Option or take it out"
            ),
        )),
    }
}

/// True for `Option<...>`: serde fills it in when it is missing, so callers may leave it out.
fn is_option(kind: &Type) -> bool {
    matches!(kind, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "Option"))
}
