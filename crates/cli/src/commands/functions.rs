//! `upnext functions` (and `upnext list`): what workers offer, whether its jobs may begin, and what is to be forgotten.

use upnext_backends::Deployment;
use upnext_core::backend::FunctionForgotten;
use upnext_server::wire;

use super::DONE;
use crate::args::FunctionArgs;
use crate::failure::Failure;
use crate::table::{Table, short};
use crate::{output, paint};

pub(super) async fn list(deployment: Deployment, json: bool) -> Result<u8, Failure> {
    let functions = deployment.client.backend().list_functions().await?;
    let functions: Vec<wire::Function> = functions.into_iter().map(Into::into).collect();
    if json {
        output::json(&wire::FunctionList { total: functions.len() as u64, functions })?;
        return Ok(DONE);
    }
    if functions.is_empty() {
        output::note("no worker has registered any function yet; start one with `upnext run FILE`");
        return Ok(DONE);
    }
    let mut table = Table::new(&["KEY", "TYPE", "WORKERS", "TIMEOUT", "RETRIES", "BACKLOG", ""]);
    for function in &functions {
        let job_type = upnext_core::JobType::from(function.job_type);
        table.row(vec![
            short(&function.key, 60),
            job_type.to_string(),
            function.workers.len().to_string(),
            format!("{} s", function.timeout),
            function.max_retries.to_string(),
            function.queue_backlog.to_string(),
            if function.paused { paint::warning("paused") } else { String::new() },
        ]);
    }
    output::line(table.render());
    Ok(DONE)
}

#[derive(serde::Serialize)]
struct Paused {
    functions: Vec<wire::FunctionPaused>,
}

pub(super) async fn set_paused(
    deployment: Deployment,
    args: FunctionArgs,
    paused: bool,
) -> Result<u8, Failure> {
    let backend = deployment.client.backend();
    let keys = keys_of(&deployment, &args.functions).await?;
    for key in &keys {
        backend.set_paused(key, paused).await?;
        if !args.json {
            let state = if paused { "paused" } else { "not paused any more" };
            output::line(format_args!("function '{key}' is {state}"));
        }
    }
    if args.json {
        let functions = keys.into_iter().map(|key| wire::FunctionPaused { key, paused }).collect();
        output::json(&Paused { functions })?;
    }
    Ok(DONE)
}

/// The keys of these functions, named by key or name. All are found before any is changed.
async fn keys_of(deployment: &Deployment, functions: &[String]) -> Result<Vec<String>, Failure> {
    let known = deployment.client.backend().list_functions().await?;
    let key_of = |wanted: &String| {
        let by_key = known.iter().find(|function| function.definition.key == *wanted);
        let found = by_key.or_else(|| known.iter().find(|function| function.definition.name == *wanted));
        Ok(found.ok_or_else(|| no_function(wanted, &known))?.definition.key.clone())
    };
    functions.iter().map(key_of).collect()
}

#[derive(serde::Serialize)]
struct Forgotten {
    functions: Vec<wire::FunctionDeleted>,
}

pub(super) async fn forget(deployment: Deployment, args: FunctionArgs) -> Result<u8, Failure> {
    let keys = keys_of(&deployment, &args.functions).await?;
    let mut gone = Vec::new();
    for key in keys {
        match deployment.client.backend().forget_function(&key).await? {
            FunctionForgotten::Offered(workers) => {
                return Err(Failure::new(format!(
                    "function '{key}' is offered by {}: stop what offers it first",
                    workers.join(", ")
                )));
            }
            // Somebody else was faster, which is as good.
            FunctionForgotten::Gone | FunctionForgotten::UnknownFunction => {}
        }
        if !args.json {
            output::line(format_args!("function '{key}' is forgotten"));
        }
        gone.push(wire::FunctionDeleted { status: "deleted", key });
    }
    if args.json {
        output::json(&Forgotten { functions: gone })?;
    }
    Ok(DONE)
}

fn no_function(wanted: &str, known: &[upnext_core::Function]) -> Failure {
    let keys: Vec<&str> = known.iter().map(|function| function.definition.key.as_str()).collect();
    let advice = if keys.is_empty() {
        "no worker has registered any function yet".to_owned()
    } else {
        format!("known functions are {}", keys.join(", "))
    };
    Failure::new(format!("there is no function '{wanted}': {advice}"))
}
